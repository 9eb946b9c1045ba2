"""Patterns of signatures over the signature index: the fast `Index`.

An event carries at least m of a mark's n values only if it carries one of any n - m + 1 of them. So
a pattern stands in the index under so many values of one of its marks, the rarest ones among all
patterns, and each event that carries one is compared with the whole pattern. The index knows each
value once, however many patterns stand under it: its limits on what one value reports, which keep a
request short, never hide a pattern here. An event whose value many patterns stand under is compared
with all of them.

Bands are looked up as values, too: each is hashed with its place among the eight, and a signature
lists them without it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa

from stillwatch.events.kernels.types import U64s
from stillwatch.events.schema import FINGERPRINTS
from stillwatch.share.signatures.families import ASPECTS, Family, carried, is_text, number_of
from stillwatch.share.signatures.index import SignatureIndex
from stillwatch.share.signatures.index_build import in_memory
from stillwatch.share.signatures.index_entries import Entries
from stillwatch.share.signatures.index_kernels import fold
from stillwatch.share.signatures.index_matching_kernels import Marks, carries_all
from stillwatch.share.signatures.matching import Hits, Ints, ranges
from stillwatch.share.signatures.model import Pattern

_NO_KEY: Final = "0" * 16
"""The index stays in memory, where nobody asks for its key."""
_EXACT: Final = 0
"""The family under which all words stand: their own family is folded in."""


class _Places(NamedTuple):
    """Where the values of a family stand in the row of an event, and what folds them."""

    low: int
    high: int
    mask: int
    alone: bool


class FastIndex:
    """An index for hundreds to millions of patterns, for whole logs and for one event at a time.

    Any number of threads may look up. It is made once: for other patterns make another, and put it
    in the place of the first.

    Args:
        patterns: what to look for; each has at least one feature with a column.
        salt: two secret words that decide where values are placed; draw them anew for each index.
    """

    def __init__(self, patterns: Sequence[Pattern], salt: U64s) -> None:
        self._count = max(len(patterns), 1)
        used = {feature.family for pattern in patterns for feature in pattern.features}
        self._places = _places([family for family in Family if family in used])
        self._width = max([place.high for place in self._places.values()], default=0)
        self._marks = _flat(patterns, self._places)
        words, standing, marks = _standing(self._marks, self._places)
        known, first = np.unique(words, return_index=True)
        self._first = np.append(first, len(words)).astype(np.int64)
        self._standing = standing
        self._looked = np.zeros(self._width, bool)
        for low, high in {(self._marks.lows[m], self._marks.highs[m]) for m in marks}:
            self._looked[low:high] = True
        entries = Entries(
            numbers=np.arange(len(known), dtype=np.uint32),
            families=np.full(len(known), _EXACT, np.uint8),
            values=known,
        )
        self._index = SignatureIndex(in_memory(entries, _NO_KEY, salt))

    @property
    def nbytes(self) -> int:
        """Bytes of the index and of what candidates are compared with."""
        parts = (self._first, self._standing, *self._marks)
        return self._index.nbytes + sum(part.nbytes for part in parts)

    def find(self, batch: pa.RecordBatch) -> Hits:
        """Return every pair of a row of `batch` and the place of a pattern that it carries."""
        events = np.empty((len(batch), self._width), np.uint64)
        for family, place in self._places.items():
            numbers, there = carried(batch, family)
            words = np.maximum(numbers ^ np.uint64(place.mask), np.uint64(1))
            events[:, place.low : place.high] = np.where(there, words, np.uint64(0))
        return self._find(events)

    def find_one(self, event: Mapping[str, Any]) -> list[int]:
        """Return the places of the patterns that one event carries, ascending.

        Args:
            event: its fingerprint by column: a number, a name, several numbers, or None.
        """
        words = np.zeros((1, self._width), np.uint64)
        for family, place in self._places.items():
            value = event.get(str(ASPECTS[family].column))
            if value is None:
                continue
            if ASPECTS[family].many:
                found = [max(number ^ place.mask, 1) for number in value if number]
                words[0, place.low : place.low + len(found)] = found
            else:
                number = number_of(family, value) if is_text(family) else int(value)
                words[0, place.low] = max(number ^ place.mask, 1)
        places: list[int] = self._find(words).patterns.tolist()
        return places

    def _find(self, events: U64s) -> Hits:
        """Look values up, then compare the patterns that stand under them."""
        looked = events[:, self._looked]
        which, hits = self._index.exact_batch(looked.reshape(-1, 1))
        if not len(hits):
            return Hits(which, which)
        values = hits[:, 0].astype(np.int64)
        width = self._first[values + 1] - self._first[values]
        standing = self._standing[ranges(self._first[values], width)]
        rows = np.repeat(which // looked.shape[1], width)
        kept = np.empty(len(rows), bool)
        carries_all(events, rows, standing, self._marks, kept)
        # Sorted, not hashed: numpy's hash of such pairs collides, and takes fifty times as long.
        pairs = np.sort(rows[kept] * self._count + standing[kept])
        pairs = pairs[np.diff(pairs, prepend=-1) > 0]
        return Hits(pairs // self._count, pairs % self._count)


def _places(families: Sequence[Family]) -> dict[Family, _Places]:
    """Give each family its places in the row of an event, one after the other."""
    places, at = {}, 0
    for code, family in enumerate(families):
        aspect = ASPECTS[family]
        if aspect.column is None:
            continue
        width = FINGERPRINTS.field(aspect.column).type.list_size if aspect.many else 1
        places[family] = _Places(at, at + width, int(fold(np.uint64(0), code)), aspect.alone)
        at += width
    return places


def _flat(patterns: Sequence[Pattern], places: Mapping[Family, _Places]) -> Marks:
    """Lay out the marks of all patterns."""
    firsts, starts, words = [0], [0], []
    about: list[tuple[int, int, int]] = []
    for pattern in patterns:
        for mark in pattern.marks:
            place = places[mark.family]
            words += sorted({max(number ^ place.mask, 1) for number in mark.numbers})
            starts.append(len(words))
            about.append((place.low, place.high, mark.least))
        firsts.append(len(about))
    lows, highs, leasts = np.array(about, np.int64).reshape(-1, 3).T.copy()
    return Marks(
        np.array(firsts, np.int64),
        lows,
        highs,
        leasts,
        np.array(starts, np.int64),
        np.array(words, np.uint64),
    )


def _standing(marks: Marks, places: Mapping[Family, _Places]) -> tuple[U64s, Ints, Ints]:
    """Choose the words under which each pattern stands.

    Of each mark the n - m + 1 rarest among all patterns; of each pattern the mark whose words are
    least used, and content before clients and markers, which most of the traffic carries.

    Returns:
        Words, ascending, the pattern that stands under each, and the marks that were chosen.
    """
    _, back, counts = np.unique(marks.words, return_inverse=True, return_counts=True)
    sizes = np.diff(marks.starts)
    owner = np.repeat(np.arange(len(sizes)), sizes)
    order = np.lexsort((counts[back], owner))
    rank = np.arange(len(order)) - marks.starts[owner]
    order = order[rank < (sizes - marks.leasts + 1)[owner]]
    cost = np.bincount(owner[order], counts[back[order]], len(sizes))
    content = {place.low for place in places.values() if place.alone}
    narrow = ~np.isin(marks.lows, list(content))
    pattern = np.repeat(np.arange(len(marks.firsts) - 1), np.diff(marks.firsts))
    by_cost = np.lexsort((cost, narrow, pattern))
    chosen = by_cost[np.diff(pattern[by_cost], prepend=-1) > 0]
    order = order[np.isin(owner[order], chosen)]
    order = order[np.argsort(marks.words[order], kind="stable")]
    return marks.words[order], pattern[owner[order]], chosen
