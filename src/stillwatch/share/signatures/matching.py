"""Which patterns each event carries: a protocol, and a plain index in memory.

The index looks at single events; `stillwatch.share.signatures.tally` decides on accounts.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stillwatch.share.signatures.families import ASPECTS, Family, carried
from stillwatch.share.signatures.model import Feature, Pattern

Ints = NDArray[np.int64]


class Hits(NamedTuple):
    """Pairs of an event and a pattern whose marks it carries all; distinct, in any order."""

    rows: Ints
    patterns: Ints


class Index(Protocol):
    """Finds patterns in fingerprints."""

    def find(self, batch: pa.RecordBatch) -> Hits:
        """Return every pair of a row of `batch` and the place of a pattern that it carries."""
        ...


class _Looked(NamedTuple):
    """Values of one family, ascending, and the feature that each belongs to."""

    values: NDArray[np.uint64]
    features: Ints


class PlainIndex:
    """An index in memory: sorted values by family, binary search, counts of what was met.

    Args:
        patterns: what to look for; each has at least one feature with a column.
    """

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        marks = [list(dict.fromkeys(pattern.marks)) for pattern in patterns]
        features = list(dict.fromkeys(feature for group in marks for feature in group))
        place = {feature: number for number, feature in enumerate(features)}
        self._count = max(len(patterns), 1)
        self._needed = np.array([len(group) for group in marks], np.int64)
        self._least = np.array([feature.least for feature in features], np.int64)
        uses = sorted((place[f], s) for s, group in enumerate(marks) for f in group)
        self._users = np.array([user for _, user in uses], np.int64)
        owners = np.array([owner for owner, _ in uses], np.int64)
        self._first = np.searchsorted(owners, np.arange(len(features) + 1))
        self._looked = _by_family(features)

    def find(self, batch: pa.RecordBatch) -> Hits:
        """Return every pair of a row of `batch` and the place of a pattern that it carries."""
        found = [
            _met(batch, family, looked, self._least) for family, looked in self._looked.items()
        ]
        if not found:
            return Hits(np.empty(0, np.int64), np.empty(0, np.int64))
        rows = np.concatenate([pair[0] for pair in found])
        features = np.concatenate([pair[1] for pair in found])
        width = self._first[features + 1] - self._first[features]
        at = ranges(self._first[features], width)
        keys = np.repeat(rows, width) * self._count + self._users[at]
        pairs, met = np.unique(keys, return_counts=True)
        pairs = pairs[met == self._needed[pairs % self._count]]
        return Hits(pairs // self._count, pairs % self._count)


def _by_family(features: Sequence[Feature]) -> dict[Family, _Looked]:
    looked = {}
    for family in Family:
        pairs = sorted(
            (number, place)
            for place, feature in enumerate(features)
            if feature.family is family and ASPECTS[family].column is not None
            for number in feature.numbers
        )
        if pairs:
            values = np.array([value for value, _ in pairs], np.uint64)
            looked[family] = _Looked(values, np.array([place for _, place in pairs], np.int64))
    return looked


def _met(batch: pa.RecordBatch, family: Family, looked: _Looked, least: Ints) -> tuple[Ints, Ints]:
    """Rows and the features of one family that each carries."""
    numbers, there = carried(batch, family)
    low = np.searchsorted(looked.values, numbers, "left")
    high = np.searchsorted(looked.values, numbers, "right")
    rows, columns = np.nonzero(there & (high > low))
    first = low[rows, columns].astype(np.int64)
    width = high[rows, columns] - first
    count = len(least)
    keys = np.repeat(rows, width) * count + looked.features[ranges(first, width)]
    pairs, met = np.unique(keys, return_counts=True)
    pairs = pairs[met >= least[pairs % count]]
    return pairs // count, pairs % count


def ranges(first: Ints, width: Ints) -> Ints:
    """Return `range(first, first + width)` of each pair, one after the other."""
    ends = np.cumsum(width)
    total = int(ends[-1]) if ends.size else 0
    found: Ints = np.arange(total) + np.repeat(first - (ends - width), width)
    return found
