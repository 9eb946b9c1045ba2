"""Screening: accounts a second on one core and peak memory, beside rapidfuzz over all pairs.

Names are invented, with as many different words as lists have; three to an entry. One account in a
hundred is a listed name in capitals, without its accents: both methods must find it. rapidfuzz
(`process.cdist`, `token_sort_ratio` of names without case and signs) compares every pair; it runs
on a sample of the accounts, and its time grows with their number.

    python benchmarks/speed/screen.py [--accounts 100000] [--entries 20000] [--sample 200]
"""

import argparse
import resource
import sys
import time

import msgspec
import numpy as np
import pyarrow as pa
from rapidfuzz import fuzz, process, utils

from stillwatch.bench.benign_names import NAMINGS, Naming, benign_names
from stillwatch.detect.screening.entries import Entry, EntryKind
from stillwatch.detect.screening.letters import fold
from stillwatch.detect.screening.matches import Level, screen

SEED = 41
ALIASES = 2
PLANTED = 100
"""One account in so many is a listed name."""
WORDS = 8000
"""Invented telling words of each country, each put together from parts of others."""
PEER_AT = 90.0


def with_more_words(naming: Naming, rng: np.random.Generator) -> Naming:
    """The same country with many more telling words, each the halves of two."""
    triples = rng.choice(naming.telling.split(" "), (WORDS, 3))
    whole = naming.join == ""
    made = {a + b if whole else a[:3] + b[1:3] + c[-3:] for a, b, c in triples}
    return msgspec.structs.replace(naming, telling=" ".join(sorted(made)))


def names(count: int, rng: np.random.Generator) -> list[str]:
    """Names of all countries, in a random order."""
    each = -(-count // len(NAMINGS))
    made = [name for n in NAMINGS for name in benign_names(with_more_words(n, rng), each, rng)]
    return [made[at] for at in rng.permutation(len(made))[:count]]


def entries(count: int, rng: np.random.Generator) -> list[Entry]:
    """Invented entries with aliases."""
    made = names(count * (1 + ALIASES), rng)
    kind = EntryKind.ORGANISATION
    return [
        Entry("list", str(at), made[at], kind, aliases=tuple(made[at + count :: count]))
        for at in range(count)
    ]


def main() -> None:
    """Print one row a method."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--entries", type=int, default=20_000)
    parser.add_argument("--sample", type=int, default=200)
    parser.add_argument("--no-peer", action="store_true")
    given = parser.parse_args()
    rng = np.random.default_rng(SEED)
    listed = entries(given.entries, rng)
    given_names = names(given.accounts, rng)
    planted = dict(
        zip(
            range(0, given.accounts, PLANTED),
            map(int, rng.integers(0, given.entries, -(-given.accounts // PLANTED))),
            strict=True,
        )
    )
    for at, entry in planted.items():
        given_names[at] = fold(listed[entry].name).upper()
    accounts = pa.table(
        {"account_id": [str(at) for at in range(given.accounts)], "org_name": given_names}
    )
    before = peak()
    begun, wall = time.process_time(), time.perf_counter()
    found = screen(accounts, listed, progress=Told())
    cpu, wall = time.process_time() - begun, time.perf_counter() - wall
    hits = {(m.account_id, m.entry_id) for m in found if m.level is Level.MATCH}
    right = sum((str(at), str(entry)) in hits for at, entry in planted.items())
    print(
        "method | accounts | entries | names | CPU s | accounts a second | planted found | matches"
    )
    print(
        f"stillwatch | {given.accounts:,} | {given.entries:,} | "
        f"{given.entries * (1 + ALIASES):,} | {cpu:.0f} | {given.accounts / cpu:,.0f} | "
        f"{right} of {len(planted)} | {len(hits):,}"
    )
    print(f"wall {wall:.0f} s; peak memory {peak():,.0f} MB, {peak() - before:,.0f} MB of it here")
    if not given.no_peer:
        peer(given_names[: given.sample], given.accounts, listed, planted)


def peer(asked: list[str], accounts: int, listed: list[Entry], planted: dict[int, int]) -> None:
    """Rapidfuzz over all pairs of a sample."""
    choices = [name for entry in listed for name in entry.names]
    owners = [at for at, entry in enumerate(listed) for _ in entry.names]
    begun = time.process_time()
    clean, against = ([utils.default_process(fold(n)) for n in some] for some in (asked, choices))
    scores = process.cdist(
        clean, against, scorer=fuzz.token_sort_ratio, score_cutoff=PEER_AT, workers=1
    )
    hits = {(int(a), owners[b]) for a, b in zip(*np.nonzero(scores), strict=True)}
    cpu = time.process_time() - begun
    inside = {pair for pair in planted.items() if pair[0] < len(asked)}
    print(
        f"rapidfuzz, all pairs | {len(asked):,} | {len(listed):,} | {len(choices):,} | {cpu:.0f} | "
        f"{len(asked) / cpu:,.1f} | {len(inside & hits)} of {len(inside)} | {len(hits):,}"
    )
    print(f"rapidfuzz for {accounts:,} accounts at that rate: {cpu * accounts / len(asked):,.0f} s")


class Told:
    """Progress on the error stream."""

    def start(self, stage: str, total: int | None) -> None:
        """Begin to count."""
        self.done, self.total, self.begun = 0, total or 0, time.perf_counter()
        print(f"{stage}: {total:,}", file=sys.stderr)

    def advance(self, amount: int) -> None:
        """Say how far, every tenth."""
        before, self.done = self.done, self.done + amount
        if self.done * 10 // max(self.total, 1) > before * 10 // max(self.total, 1):
            spent = time.perf_counter() - self.begun
            print(f"{self.done:,} after {spent:.0f} s", file=sys.stderr)

    def finish(self) -> None:
        """Say nothing."""


def peak() -> float:
    """Peak resident memory of this process in MB (Linux)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


if __name__ == "__main__":
    main()
