"""Measures of a text: words and the entropy of their distribution."""

from typing import Final

import numpy as np
from numba import njit

from stillwatch.events.kernels.types import F32s, U32s, Words

_EMPTY: Final = np.uint64(0)


@njit(nogil=True, cache=True)
def count_words(words: Words, out: U32s) -> None:
    """Words of each text; two characters of a script written without spaces count as one."""
    _, weights, starts = words
    for row in range(len(starts) - 1):
        weight = 0
        for at in range(starts[row], starts[row + 1]):
            weight += weights[at]
        out[row] = (weight + 1) // 2


@njit(nogil=True, cache=True)
def entropy(words: Words, out: F32s) -> None:
    """Shannon entropy in bits of the distribution of words within each text; 0 if empty."""
    values, _, starts = words
    slots = np.zeros(64, np.uint64)
    counts = np.zeros(64, np.int64)
    for row in range(len(starts) - 1):
        start, stop = starts[row], starts[row + 1]
        total = stop - start
        if total < 2:
            out[row] = 0.0
            continue
        size = 64
        while size < 2 * total:
            size *= 2
        if size > len(slots):
            slots = np.zeros(size, np.uint64)
            counts = np.zeros(size, np.int64)
        slots[:size] = _EMPTY
        counts[:size] = 0
        mask = np.uint64(size - 1)
        for at in range(start, stop):
            slot = values[at] & mask
            while slots[slot] != _EMPTY:
                if slots[slot] == values[at]:
                    break
                slot = (slot + np.uint64(1)) & mask
            slots[slot] = values[at]
            counts[slot] += 1
        repeated = 0.0
        for i in range(size):
            if counts[i] > 1:
                repeated += counts[i] * np.log2(counts[i])
        out[row] = np.log2(total) - repeated / total
