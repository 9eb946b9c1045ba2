"""From tokens to the two streams of words that the sketches read, and hashes of their ends.

The plain stream keeps every word and masks numbers. The masked stream also replaces each quoted
string, code block and address by one placeholder.
"""

from typing import Final

import numpy as np
from numba import njit

from stillwatch.events.kernels import tokens as tk
from stillwatch.events.kernels.hashing import finish, mix, siphash_word
from stillwatch.events.kernels.types import Tokens, U64s, Words

MASK_NUMBER: Final = np.uint64(1)
MASK_QUOTE: Final = np.uint64(2)
MASK_CODE: Final = np.uint64(3)
MASK_URL: Final = np.uint64(4)

WORD_WEIGHT: Final = 2
SINGLE_WEIGHT: Final = 1
OPENING_WEIGHT: Final = 12
"""Six words from the front."""
CLOSING_WEIGHT: Final = 8
"""Four words from the back: the usual tails of a template are short."""


@njit(nogil=True, cache=True)
def _stream(tokens: Tokens, masked: int, words: Words) -> None:
    values, kinds, starts = tokens
    out, weights, out_starts = words
    count = 0
    for row in range(len(starts) - 1):
        out_starts[row] = count
        span = 0
        for at in range(starts[row], starts[row + 1]):
            kind = kinds[at] & tk.KIND_MASK
            inside = kinds[at] & (tk.QUOTED | tk.CODE)
            if masked and inside:
                # the opening mark of a span stands for all of it; a closing mark equals it, so
                # two spans that touch count once
                if inside != span:
                    out[count] = MASK_CODE if inside & tk.CODE else MASK_QUOTE
                    weights[count] = WORD_WEIGHT
                    count += 1
                span = inside
                continue
            span = 0
            if kind > tk.URL:
                continue
            if kind == tk.NUMBER:
                out[count] = MASK_NUMBER
            elif kind == tk.URL and masked:
                out[count] = MASK_URL
            else:
                out[count] = values[at]
            weights[count] = SINGLE_WEIGHT if kind == tk.SINGLE else WORD_WEIGHT
            count += 1
    out_starts[len(starts) - 1] = count


def words_of(tokens: Tokens, *, masked: bool) -> Words:
    """Return the plain or the masked stream of words."""
    bound = int(tokens.starts[-1])
    out = Words(np.empty(bound, np.uint64), np.empty(bound, np.uint8), np.empty_like(tokens.starts))
    _stream(tokens, int(masked), out)
    return out


@njit(nogil=True, cache=True)
def sign_ends(
    words: Words, opening_key: U64s, closing_key: U64s, openings: U64s, closings: U64s
) -> None:
    """Hash the first and the last words of each text."""
    values, weights, starts = words
    for row in range(len(starts) - 1):
        start, stop = starts[row], starts[row + 1]
        state = np.uint64(0)
        weight = 0
        at = start
        while at < stop and weight < OPENING_WEIGHT:
            state = mix(state, values[at])
            weight += weights[at]
            at += 1
        openings[row] = siphash_word(finish(state), opening_key)
        state = np.uint64(0)
        weight = 0
        at = stop - 1
        while at >= start and weight < CLOSING_WEIGHT:
            state = mix(state, values[at])
            weight += weights[at]
            at -= 1
        closings[row] = siphash_word(finish(state), closing_key)


@njit(nogil=True, cache=True)
def sign_contents(tokens: Tokens, key: U64s, out: U64s) -> None:
    """Hash all tokens of each text but line breaks: equal up to case, accents and spacing."""
    values, kinds, starts = tokens
    for row in range(len(starts) - 1):
        state = np.uint64(0)
        for at in range(starts[row], starts[row + 1]):
            if kinds[at] & tk.KIND_MASK != tk.NEWLINE:
                state = mix(state, values[at])
        out[row] = siphash_word(finish(state), key)
