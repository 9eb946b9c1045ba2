"""Compiled look-ups of the signature index; `index_reference` holds a naive twin.

An image is an index as `index_layout` describes it. Every look-up reads two images of one salt: the
base, and the delta of what was added since, which also lists the numbers whose entries in the base
no longer count.
"""

from typing import Final

import numpy as np
from numba import njit

from stillwatch.events.kernels.hashing import MULTIPLIER, finish, siphash_word
from stillwatch.events.kernels.types import Int, Starts, U32s, U64s
from stillwatch.events.schema import BANDS
from stillwatch.share.signatures.index_layout import (
    AT_DEAD,
    AT_DEAD_COUNT,
    AT_SALT,
    AT_SETS,
    AT_SETS_COUNT,
    BANDED,
    BITS,
    BUCKETS,
    EXACT,
    FAMILIES,
    MAKERS_SHIFT,
    NEED_SHIFT,
    POSTINGS,
    RECORDS,
    SET_WORDS,
)

_U64: Final = 64
_S32: Final = np.uint64(32)
_BYTE: Final = np.uint64(0xFF)
# These stand here because a kernel is compiled anew only when its own file changes.
MOST_HITS: Final = 64
"""Signatures that one exact value reports at most: the lowest numbers."""
MOST_CANDIDATES: Final = 16
"""Band sets that one band makes candidates at most: those longest in the index."""

_HALF: Final = np.uint64(0xFFFFFFFF)


@njit(cache=True)
def fold(value: np.uint64, family: Int) -> np.uint64:
    """Fold a value with its family, so that equal values of two families differ; reversible."""
    return value ^ finish(np.uint64(family + 1) * MULTIPLIER)


@njit(cache=True)
def filter_bit(place: np.uint64, shift: np.uint64) -> np.uint64:
    """Return the bit, 32 to 63, that a word sets in its bucket: the next five of its place."""
    return _S32 + ((place >> (shift - np.uint64(5))) & np.uint64(31))


@njit(cache=True)
def _find(image: U64s, table: int, word: np.uint64, place: np.uint64) -> tuple[Int, Int]:
    """Return where the postings of a word begin and end, in 32-bit units of the image.

    Most words looked up are absent, and the filter of the bucket says so of nine in ten before the
    words of the bucket are read from memory.
    """
    shift = np.uint64(_U64) - image[table + BITS]
    bucket = np.int64(image[table + BUCKETS]) + np.int64(place >> shift)
    if (image[bucket] >> filter_bit(place, shift)) & np.uint64(1) == 0:
        return 0, 0
    records = np.int64(image[table + RECORDS])
    for k in range(np.int64(image[bucket] & _HALF), np.int64(image[bucket + 1] & _HALF)):
        record = records + 2 * k
        if image[record] == word:
            count = np.int64(image[record + 1] >> _S32)
            begin = 2 * (record + 1)
            if count > 1:
                begin = 2 * np.int64(image[table + POSTINGS]) + np.int64(image[record + 1] & _HALF)
            return begin, begin + count
    return 0, 0


@njit(cache=True)
def _is_dead(delta: U64s, number: np.uint32) -> bool:
    """Whether a delta says that the base no longer counts a signature."""
    halves = delta.view(np.uint32)
    low = 2 * np.int64(delta[AT_DEAD])
    end = low + np.int64(delta[AT_DEAD_COUNT])
    high = end
    while low < high:
        middle = (low + high) // 2
        if halves[middle] < number:
            low = middle + 1
        else:
            high = middle
    return bool(low < end and halves[low] == number)


@njit(cache=True)
def exact_event(base: U64s, delta: U64s, values: U64s, out: U32s) -> int:
    """Find the signatures of one event's values.

    Args:
        base: image.
        delta: image under the same salt, with the dead numbers.
        values: value per family; 0 is absent.
        out: receives rows of number and family, as many as fit.

    Returns:
        Hits, also those that did not fit; -1 if there are more values than families. Of a value
        that more than `MOST_HITS` signatures carry, that many count.
    """
    if len(values) > FAMILIES:
        return -1
    salt = base[AT_SALT : AT_SALT + 2]
    halves = base.view(np.uint32)
    fresh = delta.view(np.uint32)
    found = 0
    for family in range(len(values)):
        if values[family] == 0:
            continue
        word = fold(values[family], family)
        place = siphash_word(word, salt)
        limit = found + MOST_HITS
        begin, end = _find(base, EXACT, word, place)
        for at in range(begin, end):
            if found == limit:
                break
            if not _is_dead(delta, halves[at]):
                found = _report(out, found, halves[at], family)
        begin, end = _find(delta, EXACT, word, place)
        for at in range(begin, min(end, begin + limit - found)):
            found = _report(out, found, fresh[at], family)
    return found


@njit(cache=True)
def _report(out: U32s, found: int, number: np.uint32, about: Int) -> int:
    """Write a hit if it fits, and count it."""
    if found < len(out):
        out[found, 0] = number
        out[found, 1] = about
    return found + 1


@njit(cache=True)
def _agreement(image: U64s, row: Int, bands: U64s) -> np.uint64:
    """Return the bit set of the bands that a band set and an event share."""
    agreed = np.uint64(0)
    for band in range(BANDS):
        agreed |= np.uint64(image[row + band] == bands[band]) << np.uint64(band)
    return agreed


@njit(cache=True)
def _count(bits: np.uint64) -> Int:
    count: Int = 0
    for band in range(BANDS):
        count += np.int64((bits >> np.uint64(band)) & np.uint64(1))
    return count


@njit(cache=True)
def _examined(
    image: U64s, bands: U64s, places: tuple[np.uint64, ...], made: np.uint64, row: np.uint32
) -> bool:
    """Whether one of the bands `made`, each shared by many sets, had this row among its first."""
    halves = image.view(np.uint32)
    for band in range(BANDS):
        if (made >> np.uint64(band)) & np.uint64(1) == 0:
            continue
        begin, _ = _find(image, BANDED, fold(bands[band], FAMILIES + band), places[band])
        # Rows ascend within the postings of a word.
        if row <= halves[begin + MOST_CANDIDATES - 1]:
            return True
    return False


@njit(cache=True)
def _similar_in(  # noqa: PLR0917 - numba takes positional arguments
    image: U64s, deaths: U64s, bands: U64s, places: tuple[np.uint64, ...], out: U32s, found: int
) -> int:
    """Add the band sets of one image that share enough bands.

    A set is a candidate of each of its bands in the table, so it can come up several times: it
    counts at the first band that examined it. No memory of what was seen is needed. `deaths` is the
    image whose dead numbers do not count; a base has none.
    """
    halves = image.view(np.uint32)
    sets = np.int64(image[AT_SETS])
    whole = np.uint64(0)
    cut = np.uint64(0)
    for band in range(BANDS):
        begin, end = _find(image, BANDED, fold(bands[band], FAMILIES + band), places[band])
        for at in range(begin, min(end, begin + MOST_CANDIDATES)):
            row = sets + np.int64(halves[at]) * SET_WORDS
            agreed = _agreement(image, row, bands)
            about = image[row + BANDS]
            shared = _count(agreed)
            if shared < np.int64((about >> np.uint64(NEED_SHIFT)) & _BYTE):
                continue
            made = agreed & (about >> np.uint64(MAKERS_SHIFT))
            if made & whole != 0:
                continue
            if made & cut != 0 and _examined(image, bands, places, made & cut, halves[at]):
                continue
            number = np.uint32(about & _HALF)
            if not _is_dead(deaths, number):
                found = _report(out, found, number, shared)
        if end - begin > MOST_CANDIDATES:
            cut |= np.uint64(1) << np.uint64(band)
        else:
            whole |= np.uint64(1) << np.uint64(band)
    return found


@njit(cache=True)
def similar_event(base: U64s, delta: U64s, bands: U64s, out: U32s) -> int:
    """Find the signatures that share enough MinHash bands with one event.

    Args:
        base: image.
        delta: image under the same salt, with the dead numbers.
        bands: the eight bands of the event.
        out: receives rows of number and bands shared, as many as fit.

    Returns:
        Hits, also those that did not fit; -1 if there are not eight bands. Missed are sets that
        share only bands with the event on which `MOST_CANDIDATES` older ones come first.
    """
    if len(bands) != BANDS:
        return -1
    salt = base[AT_SALT : AT_SALT + 2]
    places = (
        siphash_word(fold(bands[0], FAMILIES), salt),
        siphash_word(fold(bands[1], FAMILIES + 1), salt),
        siphash_word(fold(bands[2], FAMILIES + 2), salt),
        siphash_word(fold(bands[3], FAMILIES + 3), salt),
        siphash_word(fold(bands[4], FAMILIES + 4), salt),
        siphash_word(fold(bands[5], FAMILIES + 5), salt),
        siphash_word(fold(bands[6], FAMILIES + 6), salt),
        siphash_word(fold(bands[7], FAMILIES + 7), salt),
    )
    found = _similar_in(base, delta, bands, places, out, 0)
    if delta[AT_SETS_COUNT] != 0:
        found = _similar_in(delta, base, bands, places, out, found)
    return found


@njit(nogil=True, cache=True)
def exact_events(  # noqa: PLR0917 - numba takes positional arguments
    base: U64s, delta: U64s, values: U64s, first: int, events: Starts, out: U32s
) -> tuple[int, int]:
    """Look up the values of events from `first` on until they end or `out` may not hold the next.

    Returns:
        The event to go on with, and the hits written: event in `events`, number and family in
        `out`.
    """
    found = 0
    for event in range(first, values.shape[0]):
        if len(out) - found < values.shape[1] * MOST_HITS:
            return event, found
        more = exact_event(base, delta, values[event], out[found:])
        events[found : found + more] = event
        found += more
    return values.shape[0], found


@njit(nogil=True, cache=True)
def similar_events(  # noqa: PLR0917 - numba takes positional arguments
    base: U64s, delta: U64s, bands: U64s, first: int, events: Starts, out: U32s
) -> tuple[int, int]:
    """The same for bands."""
    found = 0
    for event in range(first, bands.shape[0]):
        if len(out) - found < 2 * BANDS * MOST_CANDIDATES:
            return event, found
        more = similar_event(base, delta, bands[event], out[found:])
        events[found : found + more] = event
        found += more
    return bands.shape[0], found
