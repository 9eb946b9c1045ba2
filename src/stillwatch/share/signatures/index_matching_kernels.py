"""Compiled check of candidates; `reference` holds the naive twin."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from stillwatch.events.kernels.types import Int, U64s

Ints = NDArray[np.int64]


class Marks(NamedTuple):
    """The marks of all patterns, flat: those of pattern p are `firsts[p]` to `firsts[p + 1]`.

    Attributes:
        firsts: shape (patterns + 1,).
        lows: first place of a mark's family in the row of an event.
        highs: the place after its last.
        leasts: how many of its values an event must carry.
        starts: where the words of each mark begin, shape (marks + 1,).
        words: folded values, ascending within a mark.
    """

    firsts: Ints
    lows: Ints
    highs: Ints
    leasts: Ints
    starts: Ints
    words: U64s


@njit(cache=True)
def _is_in(words: U64s, low: Int, high: Int, word: np.uint64) -> bool:
    """Whether a word stands among those from `low` up to `high`, which ascend."""
    end = high
    while low < high:
        middle = (low + high) // 2
        if words[middle] < word:
            low = middle + 1
        else:
            high = middle
    return bool(low < end and words[low] == word)


@njit(nogil=True, cache=True)
def carries_all(
    events: U64s, rows: Ints, patterns: Ints, marks: Marks, out: NDArray[np.bool_]
) -> None:
    """Say of each pair of an event and a pattern whether the event carries all its marks.

    Args:
        events: folded values, 0 where there is none, shape (events, places).
        rows: event of each pair.
        patterns: pattern of each pair.
        marks: of all patterns.
        out: receives the answers.
    """
    firsts, lows, highs, leasts, starts, words = marks
    for pair in range(len(rows)):
        row, pattern = rows[pair], patterns[pair]
        carried = True
        for mark in range(firsts[pattern], firsts[pattern + 1]):
            met = 0
            for place in range(lows[mark], highs[mark]):
                word = events[row, place]
                if word != 0 and _is_in(words, starts[mark], starts[mark + 1], word):
                    met += 1
            if met < leasts[mark]:
                carried = False
                break
        out[pair] = carried
