"""The signature index: what a look-up, a search, an update and a byte cost, beside other means.

Signatures: two exact values of five families and a band set that asks for five of eight bands; in
every group of twenty the signatures share four bands, as variants of one prompt do. Events: most
match nothing; a hit shares both values, or six bands, with one signature. Times per call are of the
calling thread's processor, the best of three rounds over 100,000 events, so that waiting for a busy
machine does not count and the index is no warmer than its size makes it.

    python benchmarks/speed/signature_index.py [--signatures 1000000] [--search 10000000]
        [--folder DIR]
"""

import argparse
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
from datasketch import MinHash, MinHashLSH

from stillwatch.events.kernels.types import U64s
from stillwatch.events.schema import BANDS
from stillwatch.share.signatures.index import SignatureIndex
from stillwatch.share.signatures.index_entries import Entries
from stillwatch.share.signatures.index_kernels import MOST_CANDIDATES
from stillwatch.share.signatures.index_store import build_index, merge_index, open_index

KEY: Final = "0" * 16
FAMILIES: Final = 5
NEED: Final = 5
VARIANTS: Final = 20
BATCH: Final = 200_000
CALLS: Final = 100_000
ROUNDS: Final = 3
LSH_SIGNATURES: Final = 20_000
SEED: Final = 11


def signatures(count: int) -> Iterator[Entries]:
    """Draw signatures, batch by batch."""
    for first in range(0, count, BATCH):
        rng = np.random.default_rng([SEED, first])
        size = min(BATCH, count - first)
        numbers = np.arange(first, first + size, dtype=np.uint32)
        bands = rng.integers(1, 2**64, (size, BANDS), dtype=np.uint64)
        bands[:, :4] = bands[np.arange(size) // VARIANTS * VARIANTS, :4]
        yield Entries(
            numbers=np.repeat(numbers, 2),
            families=np.tile(np.array([0, 1], np.uint8), size),
            values=rng.integers(1, 2**64, 2 * size, dtype=np.uint64),
            set_numbers=numbers,
            needs=np.full(size, NEED, np.uint8),
            bands=bands,
        )


def sample(count: int) -> Entries:
    """Return five batches of signatures, or all."""
    found = Entries()
    for batch in islice(signatures(count), 5):
        found = found.joined(batch)
    return found


def events(batch: Entries, count: int, *, hit: bool) -> tuple[U64s, U64s]:
    """Draw values and bands of events that match a signature of the batch, or nothing."""
    rng = np.random.default_rng(SEED)
    values = rng.integers(1, 2**64, (count, FAMILIES), dtype=np.uint64)
    bands = rng.integers(1, 2**64, (count, BANDS), dtype=np.uint64)
    if hit:
        chosen = rng.integers(0, len(batch.bands), count)
        values[:, :2] = batch.values.reshape(-1, 2)[chosen]
        bands[:, :6] = batch.bands[chosen, :6]
    return values, bands


def per_call(call: Callable[[U64s], object], rows: U64s) -> float:
    """Return processor microseconds of a call with one row that was just written."""
    query = np.empty(rows.shape[1], np.uint64)
    best = float("inf")
    for _ in range(ROUNDS):
        begun = time.thread_time()
        for row_of_event in rows:
            query[:] = row_of_event
        writing = time.thread_time() - begun
        begun = time.thread_time()
        for row_of_event in rows:
            query[:] = row_of_event
            call(query)
        best = min(best, time.thread_time() - begun - writing)
    return best / len(rows) * 1e6


def per_second(search: Callable[[U64s], object], rows: U64s, threads: int) -> tuple[float, float]:
    """Return rows per wall second and per processor second of so many threads, best of three."""
    parts = np.array_split(rows, threads)
    best = (0.0, 0.0)
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(3):
            wall, cpu = time.perf_counter(), time.process_time()
            list(pool.map(search, parts))
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            best = max(best, (len(rows) / wall, len(rows) / cpu))
    return best


def row(*cells: object) -> None:
    """Print a row of a Markdown table."""
    print("| " + " | ".join(f"{c:,.2f}" if isinstance(c, float) else str(c) for c in cells) + " |")
    sys.stdout.flush()


def timed(work: Callable[[], object]) -> float:
    """Return processor seconds of some work, children of threads included."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def resident() -> int:
    """Return the bytes of memory that this process has now, without files."""
    statm = Path("/proc/self/statm").read_text(encoding="ascii").split()
    return (int(statm[1]) - int(statm[2])) * resource.getpagesize()


def one_by_one(index: "SignatureIndex | Dictionaries", batch: Entries, of: str = "") -> None:
    """Print what a call costs that looks up one event."""
    for hit, what in ((False, "matches nothing"), (True, "matches")):
        values, bands = events(batch, CALLS, hit=hit)
        exact, similar = per_call(index.exact, values), per_call(index.similar, bands)
        row(f"{of}one event that {what}: exact, {FAMILIES} families", exact, "µs")
        row(f"{of}one event that {what}: similar, {BANDS} bands", similar, "µs")


def crowded(count: int, folder: Path) -> None:
    """Print the worst that members can do: events all of whose bands many sets share, none warm."""
    rng = np.random.default_rng(SEED)
    size = BANDS * 2 * MOST_CANDIDATES
    groups = max(1, count // 2 // size)
    common = rng.integers(1, 2**64, (groups, BANDS), dtype=np.uint64)
    bands = rng.integers(1, 2**64, (groups * size, BANDS), dtype=np.uint64)
    for row_of_set, which in enumerate(rng.permutation(groups * size)):
        pair = [which % BANDS, (which + 1) % BANDS]
        bands[row_of_set, pair] = common[which // size, pair]
    numbers = np.arange(count, count + len(bands), dtype=np.uint32)
    flood = Entries(set_numbers=numbers, needs=np.full(len(bands), 2, np.uint8), bands=bands)
    path = folder / "flood"
    build_index(path, [*signatures(count // 2), flood], KEY)
    index = open_index(path, KEY)
    hits = len(index.similar(common[0]))
    row(f"one event made to be slow: similar, {hits} hits", per_call(index.similar, common), "µs")


def updates(index: SignatureIndex, path: Path) -> None:
    """Print what an update and a merge cost, and a look-up beside a delta."""
    base = 1 << 31
    fresh = next(signatures(10_000))
    held = 0
    for size in (1, 100, 10_000):
        some = fresh.without(np.arange(size, 10_000, dtype=np.uint32))
        shift = np.uint32(base + held)
        moved = Entries(
            some.numbers + shift,
            some.families,
            some.values,
            some.set_numbers + shift,
            some.needs,
            some.bands,
        )
        spent = timed(partial(index.add, moved))
        row(f"add {size:,} signatures to a delta of {held:,}", spent * 1e3, "ms")
        held += size
    single = np.array([5], np.uint32)
    spent = timed(lambda: index.remove(single))
    row(f"remove one, delta of {held:,}", spent * 1e3, "ms")
    values, bands = events(fresh, CALLS, hit=False)
    row(f"exact beside a delta of {held:,}", per_call(index.exact, values), "µs")
    row(f"similar beside a delta of {held:,}", per_call(index.similar, bands), "µs")
    row("merge into a new base, look-ups going on", timed(lambda: merge_index(index, path)), "s")


def small(count: int, folder: Path) -> None:
    """Print the costs at the size of a gateway's index."""
    path = folder / "small"
    row("build, file on disk", timed(lambda: build_index(path, signatures(count), KEY)), "s")
    row("bytes per signature", path.stat().st_size / count, "B")
    row("open and verify", timed(lambda: open_index(path, KEY)), "s")
    row("open", timed(lambda: open_index(path, KEY, verify=False)) * 1e3, "ms")
    index = open_index(path, KEY)
    batch = sample(count)
    one_by_one(index, batch)
    values, bands = events(batch, 500_000, hit=False)
    row(
        "batch, one thread: exact",
        f"{per_second(index.exact_batch, values, 1)[1]:,.0f}",
        "events per CPU s",
    )
    row(
        "batch, one thread: similar",
        f"{per_second(index.similar_batch, bands, 1)[1]:,.0f}",
        "events per CPU s",
    )
    crowded(count, folder)
    updates(index, path)


def large(count: int, folder: Path) -> None:
    """Print the rate of searches at the size of a forum's index."""
    path = folder / "large"
    wall = time.perf_counter()
    row("build, file on disk", timed(lambda: build_index(path, signatures(count), KEY)), "CPU s")
    row("build, file on disk", time.perf_counter() - wall, "wall s")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    row("peak memory by then, this process", f"{peak:,.0f}", "MiB")
    row("bytes per signature", path.stat().st_size / count, "B")
    index = open_index(path, KEY)
    batch = sample(count)
    one_by_one(index, batch)
    half = 100_000
    mixed = np.concatenate([events(batch, half, hit=hit)[1] for hit in (False, True)])
    np.random.default_rng(SEED).shuffle(mixed)
    wall_rate, cpu_rate = per_second(index.similar_batch, mixed, 2)
    row("search by similarity, half match, two threads", f"{wall_rate:,.0f}", "per wall s")
    row("search by similarity, half match", f"{cpu_rate:,.0f}", "per CPU s")
    found = len(np.unique(index.similar_batch(events(batch, half, hit=True)[1])[0])) / half
    row("events that share six bands with a signature, found", 100 * found, "%")


class Dictionaries:
    """The same look-ups with Python's dictionaries."""

    def __init__(self) -> None:
        self._by_value: dict[tuple[int, int], list[int]] = {}
        self._by_band: dict[tuple[int, int], list[int]] = {}

    def add(self, batch: Entries) -> None:
        """Add the entries of a batch."""
        keys = zip(batch.families.tolist(), batch.values.tolist(), strict=True)
        for key, number in zip(keys, batch.numbers.tolist(), strict=True):
            self._by_value.setdefault(key, []).append(number)
        for number, bands in zip(batch.set_numbers.tolist(), batch.bands.tolist(), strict=True):
            for key in enumerate(bands):
                self._by_band.setdefault(key, []).append(number)

    def exact(self, values: U64s) -> list[int]:
        """Return the signatures that an event's values name."""
        found: list[int] = []
        for key in enumerate(values.tolist()):
            found += self._by_value.get(key, ())
        return found

    def similar(self, bands: U64s) -> list[int]:
        """Return the signatures that share enough bands with an event."""
        counts: dict[int, int] = {}
        for key in enumerate(bands.tolist()):
            for number in self._by_band.get(key, ()):
                counts[number] = counts.get(number, 0) + 1
        return [number for number, shared in counts.items() if shared >= NEED]


def dictionaries(count: int) -> None:
    """Print what dictionaries of so many signatures cost."""
    before = resident()
    index = Dictionaries()
    begun = time.process_time()
    for batch in signatures(count):
        index.add(batch)
    row(f"dict, {count:,} signatures: build", time.process_time() - begun, "s")
    row("dict: bytes per signature", (resident() - before) / count, "B")
    one_by_one(index, sample(count), "dict: ")


def sqlite(count: int, folder: Path) -> None:
    """Print what exact values cost with SQLite, one covering index in a file."""
    database = sqlite3.connect(folder / "sqlite")
    database.execute("CREATE TABLE entry (f, v, n, PRIMARY KEY (f, v, n)) WITHOUT ROWID")
    begun = time.process_time()
    for batch in signatures(count):
        columns = (batch.families, batch.values.view(np.int64), batch.numbers)
        rows = zip(*(column.tolist() for column in columns), strict=True)
        database.executemany("INSERT INTO entry VALUES (?, ?, ?)", rows)
    database.commit()
    row(f"SQLite, {count:,} signatures: build, exact values only", time.process_time() - begun, "s")
    query = " UNION ALL ".join(["SELECT n, f FROM entry WHERE f = ? AND v = ?"] * FAMILIES)

    def exact(values: U64s) -> list[tuple[int, int]]:
        pairs = [part for pair in enumerate(values.view(np.int64).tolist()) for part in pair]
        return database.execute(query, pairs).fetchall()

    values, _ = events(sample(count), CALLS // 4, hit=False)
    row(
        f"SQLite: one event that matches nothing: exact, {FAMILIES} families",
        per_call(exact, values),
        "µs",
    )
    database.close()


def lsh() -> None:
    """Print the same with datasketch at a size that it can do, 8 bands of 4 permutations."""
    finder = MinHashLSH(num_perm=BANDS * 4, params=(BANDS, 4))
    rng = np.random.default_rng(SEED)
    hashes = rng.integers(0, 2**32, (LSH_SIGNATURES + 1_000, BANDS * 4), dtype=np.uint64)
    scheme = MinHash(num_perm=BANDS * 4).scheme
    sketches = [MinHash(num_perm=BANDS * 4, hashvalues=values, scheme=scheme) for values in hashes]

    def build() -> None:
        for number, sketch in enumerate(sketches[:LSH_SIGNATURES]):
            finder.insert(number, sketch)

    row(f"datasketch, {LSH_SIGNATURES:,} signatures: build", timed(build), "s")
    begun = time.thread_time()
    for sketch in sketches[LSH_SIGNATURES:]:
        finder.query(sketch)
    spent = (time.thread_time() - begun) / 1_000 * 1e6
    row(f"datasketch, {LSH_SIGNATURES:,} signatures, matches nothing: any band", spent, "µs")


def main() -> None:
    """Print a table for each size, and one for the others."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--signatures", type=int, default=1_000_000, help="0 leaves it out")
    parser.add_argument("--search", type=int, default=10_000_000, help="0 leaves it out")
    parser.add_argument("--folder", type=Path, help="where files may be written")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        build_index(folder / "first", [next(signatures(10))], KEY)
        open_index(folder / "first", KEY)
        for count, measure in ((options.signatures, small), (options.search, large)):
            if count:
                row(f"{count:,} signatures", "", "")
                row("---", "---:", "---")
                measure(count, folder)
                print()
        if not options.signatures:
            return
        row("others", "", "")
        row("---", "---:", "---")
        sqlite(options.signatures, folder)
        lsh()
        dictionaries(options.signatures)


if __name__ == "__main__":
    main()
