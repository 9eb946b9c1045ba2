"""From events that carry signatures to accounts that match them, in bounded memory.

What is kept grows with the accounts, their active hours and the pairs of account and pattern that
met, never with the events.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stillwatch.share.signatures.families import Family
from stillwatch.share.signatures.matching import Index, Ints
from stillwatch.share.signatures.model import Pattern
from stillwatch.share.signatures.shapes import BINS, Hours

_PENDING: Final = 1 << 20


class Match(NamedTuple):
    """An account that matches the pattern at a place, and how many of its events carry it."""

    account_id: str
    place: int
    events: int
    of: int


class Tally:
    """Counts, per account and pattern, the events that carry the pattern.

    Args:
        patterns: in the order in which `index` numbers them.
        index: finds them in a batch.
        shapes: whether to keep the hours that shapes are made from; None asks the patterns.
    """

    def __init__(
        self, patterns: Sequence[Pattern], index: Index, *, shapes: bool | None = None
    ) -> None:
        self.patterns = patterns
        self.accounts: dict[str, int] = {}
        self._index = index
        wanted = any(p.shapes for p in patterns) if shapes is None else shapes
        self._hours = Hours() if wanted else None
        self._events = np.zeros(0, np.int64)
        self._keys: list[Ints] = []
        self._counts: list[Ints] = []
        self._waiting = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Take up a batch of fingerprints."""
        codes = self._codes(batch.column("account_id"))
        self._events = np.pad(self._events, (0, len(self.accounts) - len(self._events)))
        self._events += np.bincount(codes, minlength=len(self.accounts))
        if self._hours is not None:
            self._hours.add(codes, batch.column("time"))
        found = self._index.find(batch)
        keys, counts = np.unique(
            codes[found.rows] * self._width + found.patterns, return_counts=True
        )
        self._keys.append(keys)
        self._counts.append(counts)
        self._waiting += len(keys)
        if self._waiting > _PENDING:
            self._merge()

    @property
    def events(self) -> Ints:
        """Events of each account, in the order of `accounts`."""
        return self._events

    def pairs(self) -> tuple[Ints, Ints, Ints]:
        """Return accounts, patterns and how many events of the one carry the other."""
        self._merge()
        return self._keys[0] // self._width, self._keys[0] % self._width, self._counts[0]

    def bins(self) -> dict[Family, Ints]:
        """Return the shape of each account; empty where no shape was asked for."""
        return {} if self._hours is None else self._hours.bins(len(self.accounts))

    def matches(self) -> list[Match]:
        """Return the accounts that match, by pattern and then by events, most first."""
        names = list(self.accounts)
        accounts, places, counts = self.pairs()
        keep = self.decided(accounts, places, counts)
        found = [
            Match(names[a], int(s), int(c), int(self._events[a]))
            for a, s, c in zip(accounts[keep], places[keep], counts[keep], strict=True)
        ]
        return sorted(found, key=lambda m: (m.place, -m.events, m.account_id))

    def decided(self, accounts: Ints, places: Ints, counts: Ints) -> NDArray[np.bool_]:
        """Say of each pair whether the rule and the shapes of the pattern hold."""
        if not self.patterns:
            return np.zeros(len(accounts), bool)
        least = np.array([p.rule.events for p in self.patterns])[places]
        share = np.array([p.rule.share for p in self.patterns])[places]
        decided = (counts >= least) & (counts >= share * self._events[accounts])
        bins = self.bins()
        for family, allowed in _allowed(self.patterns).items():
            decided &= (allowed[places] >> bins[family][accounts]) & 1 == 1
        return np.asarray(decided)

    @property
    def _width(self) -> int:
        return max(len(self.patterns), 1)

    def _codes(self, column: pa.Array) -> Ints:
        encoded = column.dictionary_encode()
        known = [
            self.accounts.setdefault(name, len(self.accounts))
            for name in encoded.dictionary.to_pylist()
        ]
        codes: Ints = np.array(known, np.int64)[np.asarray(encoded.indices)]
        return codes

    def _merge(self) -> None:
        keys = np.concatenate([np.empty(0, np.int64), *self._keys])
        counts = np.concatenate([np.empty(0, np.int64), *self._counts])
        distinct, back = np.unique(keys, return_inverse=True)
        total = np.bincount(back, counts, len(distinct)).astype(np.int64)
        self._keys, self._counts, self._waiting = [distinct], [total], 0


def _allowed(patterns: Sequence[Pattern]) -> dict[Family, Ints]:
    """Return the bins that each pattern allows, as a bit set by family; all where it asks none."""
    allowed: dict[Family, Ints] = {}
    for place, pattern in enumerate(patterns):
        for shape in pattern.shapes:
            bits = allowed.setdefault(shape.family, np.full(len(patterns), -1))
            bits[place] &= sum(1 << BINS[shape.family].index(v) for v in set(shape.values))
    return allowed


def tally(
    patterns: Sequence[Pattern],
    index: Index,
    batches: Iterable[pa.RecordBatch],
    *,
    shapes: bool | None = None,
) -> Tally:
    """Take up a whole log; see `Tally`."""
    made = Tally(patterns, index, shapes=shapes)
    for batch in batches:
        made.add(batch)
    return made
