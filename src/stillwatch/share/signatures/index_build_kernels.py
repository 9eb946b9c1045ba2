"""Compiled steps of building a signature index; the laws of the index are tested on the result."""

from typing import Final

import numpy as np
from numba import njit

from stillwatch.events.kernels.hashing import finish, siphash_word
from stillwatch.events.kernels.types import Bytes, U32s, U64s
from stillwatch.events.schema import BANDS
from stillwatch.share.signatures.index_kernels import filter_bit, fold
from stillwatch.share.signatures.index_layout import FAMILIES, MAKERS_SHIFT, NEED_SHIFT

_U64: Final = 64
_S32: Final = np.uint64(32)
_BYTE: Final = np.uint64(0xFF)


@njit(nogil=True, cache=True)
def place_words(words: U64s, salt: U64s, out: U64s) -> None:
    """Write the salted hash of each word, whose top bits are its partition and its bucket."""
    for at in range(len(words)):
        out[at] = siphash_word(words[at], salt)


@njit(nogil=True, cache=True)
def fold_all(values: U64s, families: Bytes, out: U64s) -> None:
    """Fold each value with its family."""
    for at in range(len(values)):
        out[at] = fold(values[at], families[at])


@njit(nogil=True, cache=True)
def count_bands(sets: U64s, seen: Bytes) -> None:
    """Count, up to 255, how many band sets have each band; colliding bands share a counter."""
    mask = np.uint64(len(seen) - 1)
    for row in range(sets.shape[0]):
        for band in range(BANDS):
            at = np.int64(finish(fold(sets[row, band], FAMILIES + band)) & mask)
            if seen[at] < 255:
                seen[at] += 1


@njit(nogil=True, cache=True)
def choose_makers(sets: U64s, seen: Bytes, first: int, words: U64s, rows: U32s) -> int:
    """Choose the bands of each set that make it a candidate: the rarest.

    If at least `need` of eight bands agree, then at least one of any `9 - need` does, so only so
    many stand in the table and none of the others is missed.

    Args:
        sets: band sets; the bits of the chosen bands are written to the last word.
        seen: counters of `count_bands`.
        first: row of the first set in the whole index.
        words: receives the folded bands.
        rows: receives the row of each.

    Returns:
        Words written.
    """
    mask = np.uint64(len(seen) - 1)
    found = 0
    for row in range(sets.shape[0]):
        need = np.int64((sets[row, BANDS] >> np.uint64(NEED_SHIFT)) & _BYTE)
        chosen = np.uint64(0)
        for _ in range(BANDS + 1 - need):
            best, rarest = -1, 256
            for band in range(BANDS):
                if (chosen >> np.uint64(band)) & np.uint64(1) != 0:
                    continue
                word = fold(sets[row, band], FAMILIES + band)
                count = int(seen[np.int64(finish(word) & mask)])
                if count < rarest:
                    best, rarest = band, count
            chosen |= np.uint64(1) << np.uint64(best)
            words[found] = fold(sets[row, best], FAMILIES + best)
            rows[found] = first + row
            found += 1
        sets[row, BANDS] |= chosen << np.uint64(MAKERS_SHIFT)
    return found


@njit(nogil=True, cache=True)
def group(  # noqa: PLR0917 - numba takes positional arguments
    words: U64s, postings: U32s, salt: U64s, bits: int, first: int, buckets: int, before: int
) -> tuple[U64s, U64s, U32s]:
    """Put words, ascending, into their buckets, equal ones once.

    Args:
        words: words of the buckets `[first, first + buckets)`.
        postings: what each entry points to.
        salt: two words.
        bits: logarithm of the number of buckets of the table.
        first: first bucket.
        buckets: how many buckets.
        before: shared postings of earlier buckets.

    Returns:
        Words in each bucket, with its filter above; records, bucket after bucket; the postings of
        words that have several, ascending and each once.
    """
    shift = np.uint64(_U64 - bits)
    bucket = np.empty(len(words), np.int64)
    start = np.zeros(buckets + 1, np.int64)
    sizes = np.zeros(buckets, np.uint64)
    for at in range(len(words)):
        if at > 0 and words[at] == words[at - 1]:
            bucket[at] = bucket[at - 1]
        else:
            place = siphash_word(words[at], salt)
            bucket[at] = np.int64(place >> shift) - first
            sizes[bucket[at]] |= np.uint64(1) << filter_bit(place, shift)
            sizes[bucket[at]] += np.uint64(1)
        start[bucket[at] + 1] += 1
    start = np.cumsum(start)
    by_bucket = np.empty(len(words), np.int64)
    for at in range(len(words)):
        by_bucket[start[bucket[at]]] = at
        start[bucket[at]] += 1
    records = np.empty(2 * len(words), np.uint64)
    pointed = np.empty(len(words), np.uint32)
    found = 0
    kept = 0
    at = 0
    while at < len(words):
        word = words[by_bucket[at]]
        begin = kept
        while at < len(words) and words[by_bucket[at]] == word:
            pointed[kept] = postings[by_bucket[at]]
            kept += 1
            at += 1
        if kept - begin > 1:
            pointed[begin:kept].sort()
            last = begin
            for k in range(begin + 1, kept):
                if pointed[k] != pointed[last]:
                    last += 1
                    pointed[last] = pointed[k]
            kept = last + 1
        records[2 * found] = word
        records[2 * found + 1] = np.uint64(kept - begin) << _S32
        if kept - begin == 1:
            records[2 * found + 1] |= np.uint64(pointed[begin])
            kept = begin
        else:
            records[2 * found + 1] |= np.uint64(before + begin)
        found += 1
    return sizes, records[: 2 * found], pointed[:kept]
