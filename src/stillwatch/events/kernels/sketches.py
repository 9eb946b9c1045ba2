"""Similarity-preserving samples: MinHash bands, a bottom-k sketch and sampled passages.

A window starts at each word and grows to a given weight: 2 for a word, 1 for a character of a
script written without spaces. So a window of weight 6 is three words or six Han characters.

MinHash: Broder (1997). Banding: Leskovec, Rajaraman & Ullman, Mining of Massive Datasets, ch. 3.
Bottom-k sketch: Cohen & Kaplan (2007). FracMinHash: Irber et al. (2022).
"""

from typing import Final

import numpy as np
from numba import njit

from stillwatch.events.kernels.hashing import finish, mix, siphash_word
from stillwatch.events.kernels.types import U32s, U64s, Words

BAND_ROWS: Final = 4
SHINGLE_WEIGHT: Final = 6
UNIGRAM_WEIGHT: Final = 2
BIGRAM_WEIGHT: Final = 4
PASSAGE_WEIGHT: Final = 12
PASSAGE_LIMIT: Final = 2**32 // 8
"""A passage is sampled if its 32-bit hash is below this: one in eight."""

_ALL: Final = np.uint32(0xFFFFFFFF)
_LOW: Final = np.uint64(0xFFFFFFFF)
_S32: Final = np.uint64(32)
_S15: Final = np.uint32(15)


@njit(nogil=True, cache=True)
def _window(words: Words, at: int, stop: int, width: int) -> tuple[np.uint64, bool]:
    """Hash of the window from `at`, and whether it reached its weight."""
    values, weights, _ = words
    state = np.uint64(width)
    weight = 0
    while at < stop and weight < width:
        state = mix(state, values[at])
        weight += weights[at]
        at += 1
    return finish(state), weight >= width


@njit(nogil=True, cache=True)
def _min_hash(words: Words, multipliers: U32s, additions: U32s, signatures: U32s) -> None:
    starts = words.starts
    permutations = len(multipliers)
    for row in range(len(starts) - 1):
        start, stop = starts[row], starts[row + 1]
        signature = signatures[row]
        signature[:] = _ALL
        for at in range(start, max(stop, start + 1)):
            shingle, full = _window(words, at, stop, SHINGLE_WEIGHT)
            if not full and at > start:
                break  # a text shorter than one window is one shingle
            low = np.uint32(shingle & _LOW)
            for j in range(permutations):
                # uint32 * uint32 is uint64 in numba: cast each product back
                hashed = np.uint32(multipliers[j] * low) + additions[j]
                hashed = np.uint32(hashed)
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
    at = last
    while at > 0 and slots[at - 1] > value:
        at -= 1
    if at > 0 and slots[at - 1] == value:
        return
    for i in range(last, at, -1):
        slots[i] = slots[i - 1]
    slots[at] = value


@njit(nogil=True, cache=True)
def _zero_padding(slots: U32s) -> None:
    for i in range(len(slots)):
        if slots[i] == _ALL:
            slots[i] = np.uint32(0)


@njit(nogil=True, cache=True)
def sketch(words: Words, key: U64s, out: U32s) -> None:
    """Smallest distinct 32-bit hashes of one- and two-word windows; 0 pads."""
    starts = words.starts
    for row in range(len(starts) - 1):
        start, stop = starts[row], starts[row + 1]
        out[row, :] = _ALL
        for at in range(start, stop):
            for width in (UNIGRAM_WEIGHT, BIGRAM_WEIGHT):
                gram, full = _window(words, at, stop, width)
                if full or at == start:
                    hashed = np.uint32(siphash_word(gram, key) >> _S32)
                    if hashed != 0:
                        _insert(out[row], hashed)
        _zero_padding(out[row])


@njit(nogil=True, cache=True)
def passages(words: Words, key: U64s, out: U32s) -> None:
    """Smallest distinct hashes below `PASSAGE_LIMIT` of six-word windows; 0 pads."""
    starts = words.starts
    for row in range(len(starts) - 1):
        start, stop = starts[row], starts[row + 1]
        out[row, :] = _ALL
        for at in range(start, stop):
            gram, full = _window(words, at, stop, PASSAGE_WEIGHT)
            if not full:
                break
            hashed = np.uint32(siphash_word(gram, key) >> _S32)
            if hashed != 0 and hashed < PASSAGE_LIMIT:
                _insert(out[row], hashed)
        _zero_padding(out[row])
