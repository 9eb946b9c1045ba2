"""Keyed hashing inside kernels: a fast inner mix and SipHash-2-4 (Aumasson & Bernstein, 2012).

Every constant is an explicit `uint64`: numba turns `int64 op uint64` into a float and
`uint32 * uint32` into `uint64`, both silently.
"""

from typing import Final

import numpy as np
from numba import njit

from stillwatch.events.kernels.types import Bytes, Int, Starts, U64s

MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)
_FINISH_1: Final = np.uint64(0xFF51AFD7ED558CCD)
_FINISH_2: Final = np.uint64(0xC4CEB9FE1A85EC53)
_S32: Final = np.uint64(32)
_S33: Final = np.uint64(33)
_BYTE: Final = np.uint64(8)
_BYTES_PER_WORD: Final = 8


@njit(nogil=True, cache=True)
def mix(state: np.uint64, value: np.uint64) -> np.uint64:
    """Fold one 64-bit value into an inner hash; order matters."""
    state = (state ^ value) * MULTIPLIER
    return state ^ (state >> _S32)


@njit(nogil=True, cache=True)
def finish(state: np.uint64) -> np.uint64:
    """Spread every bit of an inner hash over all 64 (the finaliser of MurmurHash3)."""
    state = (state ^ (state >> _S33)) * _FINISH_1
    state = (state ^ (state >> _S33)) * _FINISH_2
    return state ^ (state >> _S33)


@njit(nogil=True, cache=True)
def _rotate(value: np.uint64, bits: int) -> np.uint64:
    return (value << np.uint64(bits)) | (value >> np.uint64(64 - bits))


@njit(nogil=True, cache=True)
def _round(
    v0: np.uint64, v1: np.uint64, v2: np.uint64, v3: np.uint64
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    v0 += v1
    v1 = _rotate(v1, 13) ^ v0
    v0 = _rotate(v0, 32)
    v2 += v3
    v3 = _rotate(v3, 16) ^ v2
    v0 += v3
    v3 = _rotate(v3, 21) ^ v0
    v2 += v1
    v1 = _rotate(v1, 17) ^ v2
    v2 = _rotate(v2, 32)
    return v0, v1, v2, v3


@njit(nogil=True, cache=True)
def siphash_bytes(data: Bytes, start: Int, stop: Int, key: U64s) -> np.uint64:
    """SipHash-2-4 of `data[start:stop]` under a key of two words."""
    v0 = key[0] ^ np.uint64(0x736F6D6570736575)
    v1 = key[1] ^ np.uint64(0x646F72616E646F6D)
    v2 = key[0] ^ np.uint64(0x6C7967656E657261)
    v3 = key[1] ^ np.uint64(0x7465646279746573)
    length = stop - start
    for block in range(length // _BYTES_PER_WORD + 1):
        at = start + block * _BYTES_PER_WORD
        left = min(_BYTES_PER_WORD, stop - at)
        word = np.uint64(0)
        for i in range(left):
            word |= np.uint64(data[at + i]) << (np.uint64(i) * _BYTE)
        if left < _BYTES_PER_WORD:
            word |= np.uint64(length & 0xFF) << np.uint64(56)
        v3 ^= word
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
        v0 ^= word
    v2 ^= np.uint64(0xFF)
    for _ in range(4):
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    return np.uint64(v0 ^ v1 ^ v2 ^ v3)


@njit(nogil=True, cache=True)
def siphash_word(word: np.uint64, key: U64s) -> np.uint64:
    """SipHash-2-4 of one 64-bit value as eight little-endian bytes."""
    v0 = key[0] ^ np.uint64(0x736F6D6570736575)
    v1 = key[1] ^ np.uint64(0x646F72616E646F6D)
    v2 = key[0] ^ np.uint64(0x6C7967656E657261)
    v3 = key[1] ^ np.uint64(0x7465646279746573) ^ word
    v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    v0 ^= word
    length = np.uint64(_BYTES_PER_WORD) << np.uint64(56)
    v3 ^= length
    v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    v0 ^= length
    v2 ^= np.uint64(0xFF)
    for _ in range(4):
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    return v0 ^ v1 ^ v2 ^ v3


@njit(nogil=True, cache=True)
def sign_texts(data: Bytes, offsets: Starts, key: U64s, out: U64s) -> None:
    """SipHash-2-4 of each text of a buffer into `out`."""
    for row in range(len(out)):
        out[row] = siphash_bytes(data, offsets[row], offsets[row + 1], key)


@njit(nogil=True, cache=True)
def sign_words(words: U64s, key: U64s, out: U64s) -> None:
    """SipHash-2-4 of each 64-bit value into `out`."""
    for row in range(len(words)):
        out[row] = siphash_word(words[row], key)


@njit(nogil=True, cache=True)
def combine_columns(columns: U64s, out: U64s) -> None:
    """Inner hash of each row of an `(n, k)` uint64 matrix into `out`."""
    for row in range(columns.shape[0]):
        state = np.uint64(0)
        for column in range(columns.shape[1]):
            state = mix(state, columns[row, column])
        out[row] = finish(state)
