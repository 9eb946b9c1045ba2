"""Similarity-preserving samples: MinHash bands, a bottom-k sketch and sampled passages.

A window starts at each word and grows to a given weight: 2 for a word, 1 for a character of a
script written without spaces. So a window of weight 6 is three words or six Han characters.

MinHash: Broder (1997). Banding: Leskovec, Rajaraman & Ullman, Mining of Massive Datasets, ch. 3.
Bottom-k sketch: Cohen & Kaplan (2007). FracMinHash: Irber et al. (2022).
"""

from typing import Final

import numpy as np
from numba import njit

from stillwatch.events.kernels.hashing import MULTIPLIER, finish, mix, siphash_word
from stillwatch.events.kernels.types import Int, Starts, U32s, U64s, Words

BAND_ROWS: Final = 4
SHINGLE_WEIGHT: Final = 6
UNIGRAM_WEIGHT: Final = 2
BIGRAM_WEIGHT: Final = 4
PASSAGE_WEIGHT: Final = 12
PASSAGE_LIMIT: Final = np.uint64(2**64 // 8)
"""A passage is sampled if its inner hash is below this: one in eight."""

_ALL: Final = np.uint32(0xFFFFFFFF)
_EVERY: Final = np.uint64(2**64 - 1)
_LOW: Final = np.uint64(0xFFFFFFFF)
_S32: Final = np.uint64(32)
_INVERSE: Final = np.uint64(pow(int(MULTIPLIER), -1, 2**64))


@njit(nogil=True, cache=True)
def windows(words: Words, span: tuple[Int, Int], width: int, out: U64s) -> Int:
    """Hash the windows of weight `width` in a span of words into `out`; return how many.

    A polynomial over the word hashes rolls along, so that the cost does not grow with the width.
    """
    start, stop = span
    values, weights, _ = words  # once: each access to a field counts a reference
    state = np.uint64(0)
    power = np.uint64(1)  # multiplier to the length of the window, less one
    inverse = _INVERSE
    weight, end, count = 0, start, 0
    for at in range(start, stop):
        while end < stop and weight < width:
            state = state * MULTIPLIER + values[end]
            weight += weights[end]
            power = power * MULTIPLIER if end > at else np.uint64(1)
            end += 1
        if weight < width:
            break
        out[count] = finish(state ^ np.uint64(width))
        count += 1
        state -= values[at] * power
        power *= inverse
        weight -= weights[at]
    return count


@njit(nogil=True, cache=True)
def whole(words: Words, span: tuple[Int, Int], width: int) -> np.uint64:
    """Hash a span that is shorter than one window."""
    values = words.values
    state = np.uint64(0)
    for at in range(span[0], span[1]):
        state = state * MULTIPLIER + values[at]
    return finish(state ^ np.uint64(width))


@njit(nogil=True, cache=True)
def _longest(starts: Starts) -> Int:
    most = 0
    for row in range(len(starts) - 1):
        most = max(most, starts[row + 1] - starts[row])
    return most


@njit(nogil=True, cache=True)
def _min_hash(words: Words, multipliers: U32s, additions: U32s, signatures: U32s) -> None:
    starts = words.starts
    permutations = len(multipliers)
    shingles = np.empty(_longest(starts) + 1, np.uint64)
    for row in range(len(starts) - 1):
        span = (starts[row], starts[row + 1])
        count = windows(words, span, SHINGLE_WEIGHT, shingles)
        if count == 0:
            shingles[0] = whole(words, span, SHINGLE_WEIGHT)
            count = 1
        signature = signatures[row]
        signature[:] = _ALL
        for i in range(count):
            low = np.uint32(shingles[i] & _LOW)
            for j in range(permutations):
                # uint32 * uint32 is uint64 in numba: cast each product back
                hashed = np.uint32(np.uint32(multipliers[j] * low) + additions[j])
                signature[j] = min(signature[j], hashed)


@njit(nogil=True, cache=True)
def _sign_bands(signatures: U32s, key: U64s, out: U64s) -> None:
    for row in range(signatures.shape[0]):
        for band in range(out.shape[1]):
            state = np.uint64(band)
            for j in range(band * BAND_ROWS, (band + 1) * BAND_ROWS):
                state = mix(state, np.uint64(signatures[row, j]))
            out[row, band] = siphash_word(finish(state), key)


def min_hash(words: Words, seeds: U64s, permutations: int) -> U32s:
    """MinHash signatures of word 3-shingles, shape `(texts, permutations)`.

    The share of equal columns of two rows estimates the Jaccard similarity of their shingles.
    """
    rows = len(words.starts) - 1
    state = np.empty(2 * permutations, np.uint64)
    expand(seeds[0], state)
    multipliers = (state[:permutations] & _LOW).astype(np.uint32) | np.uint32(1)
    additions = (state[permutations:] & _LOW).astype(np.uint32)
    signatures = np.empty((rows, permutations), np.uint32)
    _min_hash(words, multipliers, additions, signatures)
    return signatures


@njit(nogil=True, cache=True)
def expand(seed: np.uint64, out: U64s) -> None:
    """Fill `out` with words derived from one seed."""
    for i in range(len(out)):
        out[i] = finish(mix(seed, np.uint64(i)))


def bands_of(words: Words, seeds: U64s, key: U64s, bands: int) -> U64s:
    """Keyed hashes of the MinHash bands, shape `(texts, bands)`."""
    signatures = min_hash(words, seeds, bands * BAND_ROWS)
    out = np.empty((len(signatures), bands), np.uint64)
    _sign_bands(signatures, key, out)
    return out


@njit(nogil=True, cache=True)
def _insert(slots: U32s, value: np.uint32) -> None:
    """Keep the smallest distinct values in ascending slots; full slots hold `_ALL`."""
    last = len(slots) - 1
    if value >= slots[last]:
        return
    present = 0
    for i in range(len(slots)):
        present |= slots[i] == value
    if present:
        return
    for i in range(last, 0, -1):  # no branch inside: this is where the time goes
        slots[i] = min(slots[i], max(slots[i - 1], value))
    slots[0] = min(slots[0], value)


@njit(nogil=True, cache=True)
def _keep_smallest(grams: U64s, limit: np.uint64, key: U64s, slots: U32s) -> None:
    """Sign the grams up to `limit` in place and keep the smallest in the slots, padded with 0."""
    count = 0
    for gram in grams:
        if gram <= limit:
            grams[count] = siphash_word(gram, key) >> _S32
            count += 1
    slots[:] = _ALL
    # twice as many values as slots are expected below this bound; only if they hold too few
    # distinct ones do the rest matter
    bound = np.uint64(2**33 // max(count, 1) * len(slots))
    for signed in grams[:count]:
        if np.uint64(0) < signed < bound:
            _insert(slots, np.uint32(signed))
    if slots[len(slots) - 1] == _ALL:
        for signed in grams[:count]:
            if signed >= bound:
                _insert(slots, np.uint32(signed))
    for i in range(len(slots)):
        if slots[i] == _ALL:
            slots[i] = np.uint32(0)


@njit(nogil=True, cache=True)
def sketch(words: Words, key: U64s, out: U32s) -> None:
    """Smallest distinct 32-bit hashes of one- and two-word windows; 0 pads."""
    starts = words.starts
    grams = np.empty(2 * _longest(starts) + 2, np.uint64)
    for row in range(len(starts) - 1):
        span = (starts[row], starts[row + 1])
        count: Int = 0
        if span[1] > span[0]:
            count = windows(words, span, UNIGRAM_WEIGHT, grams)
            more = windows(words, span, BIGRAM_WEIGHT, grams[count:])
            if more == 0:
                grams[count] = whole(words, span, BIGRAM_WEIGHT)
                more = 1
            count += more
        _keep_smallest(grams[:count], _EVERY, key, out[row])


@njit(nogil=True, cache=True)
def passages(words: Words, key: U64s, out: U32s) -> None:
    """Smallest distinct 32-bit hashes of the sampled six-word windows; 0 pads."""
    starts = words.starts
    grams = np.empty(_longest(starts) + 1, np.uint64)
    for row in range(len(starts) - 1):
        count = windows(words, (starts[row], starts[row + 1]), PASSAGE_WEIGHT, grams)
        _keep_smallest(grams[:count], PASSAGE_LIMIT, key, out[row])
