"""How fast a hub answers: `python benchmarks/speed/hub.py [--objects N …] [--database URL]`.

A real `stillwatch hub serve` with one worker on loopback, and client processes that send requests
made beforehand over one connection each. Objects are relationships of about 480 bytes that pass the
allow-list. Each case runs for some seconds in each round; the median of the rounds is printed as a
Markdown row. `sync` reads everything in each round.
"""

import argparse
import json
import multiprocessing
import os
import random
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa

from stillwatch.cli.keys import create_key, read_key
from stillwatch.share.hub import admission, database, folder
from stillwatch.share.hub.credentials import Issued, issue
from stillwatch.share.hub.model import (
    Collection,
    Contribution,
    Member,
    Role,
    Root,
    stamp,
)
from stillwatch.share.hub.schema import COLLECTIONS, OBJECTS
from stillwatch.share.hub.settings import utc_now
from stillwatch.share.hub.sql import SqlStore
from stillwatch.share.signatures.model import Tlp
from stillwatch.share.stix import tlp

CLIENTS = 4
SEED = 20_261_122
TAXII = "application/taxii+json;version=2.1"
COLLECTION = str(uuid.uuid5(uuid.NAMESPACE_OID, "benchmark"))
SMALL = str(uuid.uuid5(uuid.NAMESPACE_OID, "small"))
"""A collection of 1,000 objects, read in turn with the other: only their sizes differ."""
SMALL_SIZE = 1_000


def path_of(collection: str) -> str:
    """Return where a collection's objects are."""
    return f"/forum/collections/{collection}/objects/"


PATH = path_of(COLLECTION)


class Result(NamedTuple):
    """What one client saw: seconds of each request, objects, and how long it all took."""

    seconds: list[float]
    objects: int
    span: float


def thing(draw: random.Random) -> dict[str, Any]:
    """Return an object of its own that the allow-list lets pass."""
    one, other, third = (uuid.UUID(int=draw.getrandbits(128), version=4) for _ in range(3))
    return {
        "type": "relationship",
        "spec_version": "2.1",
        "id": f"relationship--{one}",
        "created_by_ref": "identity--11111111-1111-4111-8111-111111111111",
        "created": "2026-04-06T12:00:00.000Z",
        "modified": "2026-04-06T12:03:04.000Z",
        "object_marking_refs": [tlp.IDS[Tlp.AMBER]],
        "relationship_type": "uses",
        "source_ref": f"campaign--{other}",
        "target_ref": f"attack-pattern--{third}",
    }


def request(method: str, path: str, token: str, body: bytes = b"") -> bytes:
    """Return a whole request."""
    head = (
        f"{method} {path} HTTP/1.1\r\nhost: hub\r\naccept: {TAXII}\r\n"
        f"authorization: Bearer {token}\r\n"
    )
    if body:
        head += f"content-type: {TAXII}\r\ncontent-length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


def exchange(connection: socket.socket, message: bytes) -> bytes:
    """Send a request and return the body of the answer."""
    connection.sendall(message)
    data = connection.recv(1 << 20)
    while b"\r\n\r\n" not in data:
        data += connection.recv(1 << 20)
    head, _, body = data.partition(b"\r\n\r\n")
    if head[9:12] not in {b"200", b"202"}:
        raise RuntimeError(f"unexpected answer: {head[:200]!r} {body[:200]!r}")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    parts, size = [body], len(body)
    while size < length:
        parts.append(connection.recv(1 << 20))
        size += len(parts[-1])
    return b"".join(parts)


def _client(  # noqa: PLR0917 - what a process is started with
    case: str, port: int, token: str, number: int, seconds: float, known: Sequence[int],
    barrier: Any, out: Any,
) -> None:  # fmt: skip
    draw = random.Random(f"{SEED} {case} {number} {os.getpid()}")  # noqa: S311 - a benchmark
    messages = list(MESSAGES[case](draw, token, known))
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        exchange(connection, request("GET", "/taxii2/", token))
        barrier.wait()
        taken: list[float] = []
        objects, begun = 0, time.perf_counter()
        if case == "sync":
            objects, taken = _sync(connection, token)
        else:
            for message in messages:
                start = time.perf_counter()
                objects += exchange(connection, message).count(b'"id":"relationship--')
                taken.append(time.perf_counter() - start)
                if time.perf_counter() - begun > seconds:
                    break
        out.put(Result(taken, objects, time.perf_counter() - begun))


def _sync(connection: socket.socket, token: str) -> tuple[int, list[float]]:
    """Page through everything and read it, as a member does on its first day."""
    objects, taken, following = 0, [], ""
    while True:
        start = time.perf_counter()
        body = exchange(connection, request("GET", f"{PATH}?limit=1000{following}", token))
        page = json.loads(body)
        taken.append(time.perf_counter() - start)
        objects += len(page["objects"])
        if not page["more"]:
            return objects, taken
        following = f"&next={page['next']}"


def _posts(size: int, number: int) -> Callable[..., Iterator[bytes]]:
    def make(draw: random.Random, token: str, _: Sequence[int]) -> Iterator[bytes]:
        for _one in range(number):
            body = json.dumps({"objects": [thing(draw) for _ in range(size)]}).encode()
            yield request("POST", PATH, token, body)

    return make


def _pages(
    draw: random.Random, token: str, known: Sequence[int], path: str = PATH
) -> Iterator[bytes]:
    for _ in range(20_000):
        after = stamp(draw.randrange(known[0], max(known[0] + 1, known[1] - 100)))
        yield request("GET", f"{path}?limit=100&added_after={after}", token)


def _polls(_: random.Random, token: str, __: Sequence[int]) -> Iterator[bytes]:
    message = request("GET", f"{PATH}?added_after=2100-01-01T00:00:00Z", token)
    return (message for _ in range(50_000))


def _discovery(_: random.Random, token: str, __: Sequence[int]) -> Iterator[bytes]:
    message = request("GET", "/taxii2/", token)
    return (message for _ in range(50_000))


MESSAGES: dict[str, Callable[..., Iterator[bytes]]] = {
    "discovery": _discovery,
    "post-1": _posts(1, 4_000),
    "post-100": _posts(100, 150),
    "get-100": _pages,
    "get-100 of 1,000": partial(_pages, path=path_of(SMALL)),
    "idle poll": _polls,
    "sync": lambda *_: iter(()),
}


def measure(
    case: str, port: int, tokens: Sequence[str], seconds: float, known: Sequence[int]
) -> list[Result]:
    """Run one case with all clients at once."""
    context = multiprocessing.get_context("fork")
    barrier, out = context.Barrier(CLIENTS), context.Queue()
    processes = [
        context.Process(
            target=_client, args=(case, port, token, number, seconds, known, barrier, out)
        )
        for number, token in enumerate(tokens)
    ]
    for process in processes:
        process.start()
    found = [out.get(timeout=120) for _ in processes]
    for process in processes:
        process.join()
    return found


def processor_ms(process: int) -> float:
    """Return the processor time that a process has taken, in milliseconds (Linux)."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1e3 / os.sysconf("SC_CLK_TCK")


def row(case: str, size: int, rounds: Sequence[Sequence[Result]], spent_ms: float) -> str:
    """Write the median of some rounds as a row: rates, latencies, processor time of the hub."""
    rates = [sum(len(one.seconds) / one.span for one in found) for found in rounds]
    objects = [sum(one.objects / one.span for one in found) for found in rounds]
    every = sorted(s * 1e3 for found in rounds for one in found for s in one.seconds)
    cuts = [every[int(len(every) * share)] for share in (0.5, 0.99)]
    return (
        f"| {case} | {size:,} | {statistics.median(rates):,.0f} | "
        f"{statistics.median(objects):,.0f} | {cuts[0]:.1f} | {cuts[1]:.1f} | "
        f"{spent_ms / len(every):.2f} |"
    )


def prepare(path: Path, url: str) -> tuple[SqlStore, list[Issued], admission.Gate]:
    """Make a hub with a credential for each client: the hub limits the rate of each."""
    engine = database.open_engine(url)
    database.upgrade(engine)
    folder.create(folder.Folder(path, "Benchmark", "forum", url))
    create_key(path / folder.KEY)
    store = SqlStore(engine)
    store.put_root(Root("forum", "Forum"))
    for name in (COLLECTION, SMALL):
        store.put_collection(Collection(name, "forum", name))
    store.put_member(Member("labs", "Labs"))
    roles = frozenset({Role.CONTRIBUTOR})
    issued = [issue("labs", f"client {n}", roles, utc_now()) for n in range(CLIENTS)]
    for one in issued:
        store.put_credential(one.credential)
    key = read_key(path / folder.KEY)
    return store, issued, admission.Gate(key, admission.may_not_leave, admission.edition())


def fill(store: SqlStore, gate: admission.Gate, number: int, collection: str = COLLECTION) -> None:
    """Add objects straight to the store, checked and sealed as the hub does."""
    draw = random.Random(f"{SEED} fill {time.time_ns()}")  # noqa: S311 - a benchmark
    for start in range(0, number, 2_000):
        things = [thing(draw) for _ in range(min(2_000, number - start))]
        items, failures = gate.take(things)
        if failures:
            raise RuntimeError(failures[0][1])
        given = Contribution(collection, "labs", str(uuid.uuid4()), 1, items)
        store.add([given], 1)


def bounds(store: SqlStore, collection: str) -> tuple[int, int, int]:
    """Return when objects were added first and last, in microseconds since 1970, and how many."""
    asked = (
        sa.select(sa.func.min(OBJECTS.c.added), sa.func.max(OBJECTS.c.added), sa.func.count())
        .join_from(OBJECTS, COLLECTIONS, OBJECTS.c.collection == COLLECTIONS.c.number)
        .where(COLLECTIONS.c.id == collection)
    )
    with store._reading.connect() as connection:  # noqa: SLF001 - a benchmark
        first, last, number = connection.execute(asked).one()
    return first or 0, last or 0, number


def main() -> None:
    """Run the cases at each size and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, nargs="+", default=[1_000, 100_000])
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cases", nargs="+", default=list(MESSAGES))
    parser.add_argument("--database", help="postgresql://… of an empty database")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "hub"
        url = given.database or f"sqlite:///{Path(place) / 'hub.db'}"
        print(f"commits per second of the disk: {commits_per_second(Path(place)):,.0f}\n")
        store, issued, gate = prepare(path, url)
        words = [sys.executable, "-m", "stillwatch", "hub", "serve", str(path), "--port", "0"]
        with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as server:  # noqa: S603
            try:
                _run(given, store, [one.token for one in issued], gate, server)
            finally:
                server.send_signal(signal.SIGTERM)
        store.close()


def commits_per_second(place: Path) -> float:
    """Return how many commits of one row this disk takes, the hub apart."""
    with closing(sqlite3.connect(place / "disk.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE t (v BLOB)")
        begun, number = time.perf_counter(), 0
        while time.perf_counter() - begun < 1:
            connection.execute("INSERT INTO t VALUES (?)", (bytes(500),))
            number += 1
    return number / (time.perf_counter() - begun)


def _run(
    given: argparse.Namespace,
    store: SqlStore,
    tokens: Sequence[str],
    gate: admission.Gate,
    server: Any,
) -> None:
    port = int(server.stderr.readline().rpartition(":")[2].partition("/")[0])
    print("| case | objects there | requests/s | objects/s | p50 ms | p99 ms | CPU ms of the hub |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    fill(store, gate, SMALL_SIZE, SMALL)
    for size in sorted(given.objects):
        fill(store, gate, size - bounds(store, COLLECTION)[2])
        known = {name: bounds(store, name) for name in (COLLECTION, SMALL)}
        # Reading first: what posts add must not count towards the size.
        cases = sorted(given.cases, key=lambda name: name.startswith("post"))
        found: dict[str, list[list[Result]]] = {case: [] for case in cases}
        spent = dict.fromkeys(cases, 0.0)
        for _ in range(given.rounds):
            for case in cases:
                about = known[SMALL if case.endswith("of 1,000") else COLLECTION]
                before = processor_ms(server.pid)
                found[case].append(measure(case, port, tokens, given.seconds, about))
                spent[case] += processor_ms(server.pid) - before
        for case in cases:
            print(row(case, size, found[case], spent[case]), flush=True)


if __name__ == "__main__":
    main()
