"""Patterns of signatures over real fingerprints: the plain index beside the fast one.

Fingerprints: `stillwatch simulate` at scale small, one seed. Patterns: of six forms that extraction
makes, from single templates to two families together and sets of passages and words. A hundred hold
the values of an event, so that there are hits; all others values that no event has. Each row is a
process of its own; times are of the processor.

    python benchmarks/speed/signature_matching.py [--patterns 1000 10000 100000 1000000]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from stillwatch.events.fingerprint import fingerprint_stream
from stillwatch.events.key import Key
from stillwatch.events.readers import Rejects, open_log
from stillwatch.share.signatures.families import ASPECTS, NEEDED, Family, is_text, value_of
from stillwatch.share.signatures.index_matching import FastIndex
from stillwatch.share.signatures.matching import Index, PlainIndex
from stillwatch.share.signatures.model import Feature, Pattern, Rule
from stillwatch.simulate import simulate, write_traffic

SEED: Final = 17
ONES: Final = 2_000
"""Events that are looked up one by one."""
COLUMNS: Final = (
    "patterns", "index", "build, s", "held, MiB", "peak, MiB", "events/s", "one event, µs", "hits"
)  # fmt: skip
HITTING: Final = 100
"""Patterns with the values of an event."""
FORMS: Final = (
    ((Family.TEMPLATE, 1, 1),),
    ((Family.OPENING, 1, 1), (Family.PARAMETERS, 1, 1)),
    ((Family.CLOSING, 1, 1), (Family.CLIENT, 1, 1)),
    ((Family.BANDS, 8, 3),),
    ((Family.PASSAGES, 8, 2),),
    ((Family.VOCABULARY, 16, 6),),
)
"""Families of each form, with how many values it lists and asks for."""


def patterns(count: int, events: list[dict[str, Any]]) -> list[Pattern]:
    """Draw patterns."""
    rng = np.random.default_rng(SEED)
    own = np.arange(count) < HITTING
    rng.shuffle(own)
    chosen = rng.integers(len(events), size=count)
    return [
        Pattern(
            tuple(
                _feature(form, events[chosen[n]] if own[n] else None, rng)
                for form in FORMS[n % len(FORMS)]
            ),
            Rule(),
        )
        for n in range(count)
    ]


def _feature(
    form: tuple[Family, int, int], event: dict[str, Any] | None, rng: np.random.Generator
) -> Feature:
    family, size, least = form
    name = str(ASPECTS[family].column)
    if is_text(family):
        return Feature(family, (str((event or {}).get(name) or "curl"),))
    found = event[name] if event else None
    numbers = [n for n in (found if isinstance(found, list) else [found]) if n]
    if len(numbers) < least:
        top = 2**32 if family in {Family.PASSAGES, Family.VOCABULARY} else 2**64
        numbers = rng.integers(1, top, size, dtype=np.uint64).tolist()
    return Feature(family, tuple(sorted(value_of(family, n) for n in set(numbers))), least)


def resident() -> int:
    """Return the bytes of memory that this process has now."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


def peak() -> int:
    """Return the most bytes of memory that this process has had."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def measure(which: str, count: int, path: Path) -> dict[str, float]:
    """Measure one index."""
    with pa.OSFile(str(path)) as file:
        batches = pa.ipc.open_file(file).read_all().combine_chunks().to_batches(1 << 14)
    drawn = patterns(count, batches[0].to_pylist())
    salt = np.frombuffer(b"benchmark-salt!!", np.uint64)
    FastIndex([], salt).find(batches[0])  # compiled
    before, begun = resident(), time.process_time()
    index: Index = PlainIndex(drawn) if which == "plain" else FastIndex(drawn, salt)
    built = time.process_time() - begun
    held, most = resident() - before, peak() - before
    begun = time.process_time()
    hits = sum(len(index.find(batch).rows) for batch in batches)
    spent = time.process_time() - begun
    ones = [
        batches[0].slice(n, 1) if which == "plain" else row
        for n, row in enumerate(batches[0].slice(0, ONES).to_pylist())
    ]
    begun = time.process_time()
    for one in ones:
        index.find_one(one) if isinstance(index, FastIndex) else index.find(one)
    single = (time.process_time() - begun) / len(ones)
    return {
        "built": built,
        "held": held / 2**20,
        "most": most / 2**20,
        "rate": sum(map(len, batches)) / spent,
        "single": single * 1e6,
        "hits": hits,
    }


def prepared(folder: Path) -> Path:
    """Write fingerprints."""
    write_traffic(simulate("mixed", scale="small", seed=SEED), folder / "traffic")
    log = open_log([str(folder / "traffic/events.parquet")], rejects=Rejects())
    made = [b.select(list(NEEDED)) for b in fingerprint_stream(log, Key.public(), columns=NEEDED)]
    table = pa.Table.from_batches(made)
    path = folder / "fingerprints.arrow"
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    print(f"{table.num_rows:,} events\n")
    return path


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patterns", type=int, nargs="*", default=[10**n for n in (3, 4, 5, 6)])
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        which, count, name = options.one
        print(json.dumps(measure(which, int(count), Path(name))))
        return
    with tempfile.TemporaryDirectory() as name:
        path = prepared(Path(name))
        print(f"| {' | '.join(COLUMNS)} |")
        print(f"|--:|---|{'--:|' * (len(COLUMNS) - 2)}")
        for count in options.patterns:
            for which in ("plain", "fast"):
                command = [sys.executable, __file__, "--one", which, str(count), str(path)]
                done = subprocess.run(  # noqa: S603 - this program again
                    command, check=True, capture_output=True, text=True
                )
                found = json.loads(done.stdout)
                cells = [
                    f"{found.pop('built'):.2f}",
                    *(f"{value:,.0f}" for value in found.values()),
                ]
                print(f"| {count:,} | {which} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
