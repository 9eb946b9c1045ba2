"""Kill -9 at any moment: after the restarts nothing is lost, and nothing is counted twice."""

import json
import multiprocessing
import random
import sqlite3
import time
from collections import Counter
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

import pytest

from stillwatch.detect import store
from stillwatch.detect.watch.state import RESULT, VERDICTS
from tests.watch import crashing
from tests.watch.watching import counts, held, write

KILLS = 20
READING = (16, 1, 1, 1, 2, 1, 1, 1, 1, 2)
WORKING = (16, 1, 15, 2, 1, 9, 15, 1, 1, 4)
"""Signs of life after which to kill: a micro-batch gives the first, the stages of an analysis the
next fourteen; then it is recorded, shown and announced."""


@pytest.fixture(scope="module")
def processes():
    """Forks watches from a server that has everything imported."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([crashing.__name__])
    return context


class Victim:
    """A watch that is started, killed and started again."""

    def __init__(self, processes, source: str, folder: Path) -> None:
        self.folder = folder
        self._processes = processes
        self._source = source

    def live(self, feed, *, signs: int, delay: float) -> None:
        """Start, feed, and kill some seconds after a number of signs of life."""
        alive, end = self._processes.Pipe(duplex=False)
        words = (self._source, str(self.folder), end, False)
        process = self._processes.Process(target=crashing.run, args=words)
        process.start()
        end.close()
        feed()
        for _ in range(signs):
            assert alive.poll(60)
            alive.recv_bytes()
        time.sleep(delay)
        process.kill()
        process.join()
        alive.close()
        assert process.exitcode == -9

    def finish(self) -> None:
        alive, end = self._processes.Pipe(duplex=False)
        words = (self._source, str(self.folder), end, True)
        process = self._processes.Process(target=crashing.run, args=words)
        process.start()
        end.close()
        with suppress(EOFError):
            while alive.poll(60):
                alive.recv_bytes()
        process.join(timeout=60)
        assert process.exitcode == 0

    def progress(self) -> tuple[int, int]:
        """Events committed, and campaigns recorded."""
        with closing(sqlite3.connect(self.folder / "state/state.db")) as database:
            rows = dict(database.execute("SELECT name, value FROM counters"))
            campaigns = database.execute("SELECT count(*) FROM campaigns").fetchone()[0]
        return rows.get("events", 0), campaigns


def kill_again_and_again(victim: Victim, feed, moments: tuple[int, ...]) -> None:
    """Kill a watch while its source grows; at moments that fall into every part of its work."""
    rng, seen = random.Random(1), []
    for number in range(KILLS):
        signs, delay = moments[number % len(moments)], 0.15 * rng.random()
        victim.live(partial(feed, number), signs=signs, delay=delay)
        seen.append(victim.progress())
    victim.finish()
    assert seen == sorted(seen)
    # The kills fell between commits as well as after analyses, or they would show nothing.
    assert len({events for events, _ in seen}) > KILLS / 3
    assert sum(campaigns > 0 for _, campaigns in seen) > KILLS / 4


def check(folder: Path, few: list[str]) -> None:
    """Counts are exact, and every campaign was announced under one number."""
    found = held(folder / "state")
    assert found.num_rows == len(few)
    assert counts(found) == Counter(json.loads(line)["account_id"] for line in few)
    result = store.read_result(folder / "state" / RESULT)
    assert result.summary.events == len(few)
    said = [json.loads(line) for line in (folder / "announced.jsonl").read_text().splitlines()]
    assert {c.campaign_id for c in result.campaigns} <= {line["campaign_id"] for line in said}
    by_number = {line["number"]: line for line in said}
    assert all(by_number[line["number"]] == line for line in said)
    new = [line["campaign_id"] for line in by_number.values() if line["what"] == "new"]
    assert len(new) == len(set(new))
    verdicts = [json.loads(x) for x in (folder / "state" / VERDICTS).read_text().splitlines()]
    numbers = [line["number"] for line in verdicts]
    assert numbers == sorted(set(numbers))


@pytest.fixture(scope="module")
def few(lines) -> list[str]:
    """A log that holds a campaign from the first share on; few days are few files, read at once."""
    days = sorted({json.loads(line)["time"][:10] for line in lines})[1:5]
    events = [line for line in lines if json.loads(line)["time"][:10] in days]
    random.Random(7).shuffle(events)
    return events


def share(lines: list[str], number: int) -> list[str]:
    """The lines of one life; the first one gets half of all."""
    first = len(lines) // 2
    size = (len(lines) - first) // (KILLS - 1) + 1
    begin = first + (number - 1) * size
    return lines[begin : begin + size] if number else lines[:first]


def test_a_folder_survives_kills(processes, few, tmp_path, monkeypatch):
    (tmp_path / "logs").mkdir()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "elsewhere"))
    rng = random.Random(1)
    victim = Victim(processes, str(tmp_path / "logs"), tmp_path)

    def feed(number: int) -> None:
        part = share(few, number)
        write(tmp_path / f"logs/{number % 3}.jsonl", part[::2])
        time.sleep(0.05 * rng.random())
        write(tmp_path / f"logs/{number % 5}-more.jsonl", part[1::2])

    kill_again_and_again(victim, feed, WORKING)
    check(tmp_path, few)
    # What is purged from the state must not live on where a killed watch spilled it.
    assert not any((tmp_path / "elsewhere").rglob("*"))


def test_a_redis_stream_survives_kills(processes, few, redis_server, tmp_path):
    victim = Victim(processes, redis_server.url(), tmp_path)

    def feed(number: int) -> None:
        with redis_server.client() as client:
            pipe = client.pipeline()
            for line in share(few, number):
                pipe.xadd("events", {"event": line})
            pipe.execute()

    kill_again_and_again(victim, feed, READING)
    check(tmp_path, few)
    with redis_server.client() as client:
        assert client.xpending("events", "watch")["pending"] == 0
