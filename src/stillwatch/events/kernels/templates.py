"""The masked skeleton of a prompt: what stays when the slots of a template change."""

from typing import Final

import numpy as np
from numba import njit

from stillwatch.events.kernels import tokens as tk
from stillwatch.events.kernels.hashing import finish, mix, siphash_word
from stillwatch.events.kernels.structures import character_of, is_list_item
from stillwatch.events.kernels.types import Bytes, Starts, U64s
from stillwatch.events.kernels.words import MASK_CODE, MASK_NUMBER, MASK_QUOTE, MASK_URL

_HASH, _OPENING_SQUARE, _LESS, _COLON = 0x23, 0x5B, 0x3C, 0x3A
LABEL_WEIGHT: Final = 16
SHORT_WEIGHT: Final = 16
FEW_WEIGHT: Final = 8
END_WEIGHT: Final = 6
_LINES: Final = 64


@njit(nogil=True, cache=True)
def _masked(value: np.uint64, kind: int) -> np.uint64:
    if kind & tk.CODE:
        return MASK_CODE
    if kind & tk.QUOTED:
        return MASK_QUOTE
    kind &= tk.KIND_MASK
    if kind == tk.NUMBER:
        return MASK_NUMBER
    if kind == tk.URL:
        return MASK_URL
    return value


@njit(nogil=True, cache=True)
def sign_templates(values: U64s, kinds: Bytes, starts: Starts, key: U64s, out: U64s) -> None:
    """Hash the masked skeleton of each text."""
    lines = np.empty(_LINES, np.uint64)
    for row in range(len(starts) - 1):
        start, stop = starts[row], starts[row + 1]
        state = np.uint64(0)
        known = 0
        kept = 0
        at = start
        while at < stop:
            end = at
            while end < stop and kinds[end] & tk.KIND_MASK != tk.NEWLINE:
                end += 1
            line, weight = _line(values, kinds, at, end)
            if weight > 0:
                i = 0
                while i < known and lines[i] != line:
                    i += 1
                if i == known and known < _LINES:
                    lines[known] = line
                    known += 1
                    state = mix(state, line)
                    kept += weight
            at = end + 1
        if kept < FEW_WEIGHT:
            state = mix(state, _end(values, kinds, start, stop, 1))
            state = mix(state, _end(values, kinds, stop - 1, start - 1, -1))
        out[row] = siphash_word(finish(state), key)


@njit(nogil=True, cache=True)
def _end(values: U64s, kinds: Bytes, at: int, stop: int, step: int) -> np.uint64:
    state = np.uint64(0)
    weight = 0
    while at != stop and weight < END_WEIGHT:
        kind = kinds[at] & tk.KIND_MASK
        if kind <= tk.URL:
            state = mix(state, _masked(values[at], kinds[at]))
            weight += 1 if kind == tk.SINGLE else 2
        at += step
    return state


@njit(nogil=True, cache=True)
def _line(values: U64s, kinds: Bytes, at: int, end: int) -> tuple[np.uint64, int]:
    """Hash and weight of what a line keeps; weight 0 keeps nothing."""
    if at >= end or kinds[at] & tk.CODE:
        return np.uint64(0), 0
    if is_list_item(values, kinds, at, end):
        return np.uint64(0), 0
    state = np.uint64(0)
    weight = 0
    for i in range(at, end):
        if character_of(values, kinds, i, end) == _COLON and weight <= LABEL_WEIGHT:
            return mix(state, np.uint64(_COLON)), weight
        kind = kinds[i] & tk.KIND_MASK
        if kind <= tk.URL:
            state = mix(state, _masked(values[i], kinds[i]))
            weight += 1 if kind == tk.SINGLE else 2
    first = character_of(values, kinds, at, end)
    if first in (_HASH, _OPENING_SQUARE, _LESS) or weight <= SHORT_WEIGHT:
        return state, weight
    return np.uint64(0), 0
