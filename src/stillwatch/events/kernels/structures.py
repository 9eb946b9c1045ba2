"""Training-format rules that need line structure: sections, records, worked examples, verdicts."""

from typing import Final

import numpy as np
from numba import njit

from stillwatch.events.kernels import phrases as ph
from stillwatch.events.kernels import tokens as tk
from stillwatch.events.kernels.hashing import finish, mix
from stillwatch.events.kernels.types import Bytes, Starts, U32s, U64s
from stillwatch.events.kernels.words import MASK_NUMBER
from stillwatch.events.markers import Marker

_RECORDS: Final = np.uint32(Marker.RECORDS)
_SECTIONS: Final = np.uint32(Marker.SECTIONS)
_GRADING: Final = np.uint32(Marker.GRADING)
_FEW_SHOT: Final = np.uint32(Marker.FEW_SHOT)
_THINKING: Final = np.uint32(Marker.THINKING)

_CHARACTER: Final = np.uint64((1 << tk.RUN_SHIFT) - 1)
_HASH, _HYPHEN, _ASTERISK, _PLUS = 0x23, 0x2D, 0x2A, 0x2B
_COLON, _FULL_STOP, _CLOSING_PARENTHESIS = 0x3A, 0x2E, 0x29
_QUOTE, _APOSTROPHE, _BACKTICK = 0x22, 0x27, 0x60
_OPENING_SQUARE, _CLOSING_SQUARE, _LESS, _GREATER = 0x5B, 0x5D, 0x3C, 0x3E
_LABEL_TOKENS: Final = 8
_LABELS: Final = 16


@njit(nogil=True, cache=True)
def character_of(values: U64s, kinds: Bytes, at: int, stop: int) -> int:
    """Character of a punctuation token, 0 for any other token and past the end."""
    if at >= stop or kinds[at] & tk.KIND_MASK != tk.PUNCTUATION:
        return 0
    return np.int64(values[at] & _CHARACTER)


@njit(nogil=True, cache=True)
def run_of(values: U64s, at: int) -> int:
    """Run length, 1 to 3, of a punctuation token."""
    return np.int64(values[at] >> np.uint64(tk.RUN_SHIFT))


@njit(nogil=True, cache=True)
def is_list_item(values: U64s, kinds: Bytes, at: int, stop: int) -> bool:
    """Whether a line that begins at a token is a bullet or a numbered item."""
    first = character_of(values, kinds, at, stop)
    if first in (_HYPHEN, _ASTERISK, _PLUS):
        return run_of(values, at) == 1
    if at < stop and kinds[at] & tk.KIND_MASK == tk.NUMBER:
        return character_of(values, kinds, at + 1, stop) in (_FULL_STOP, _CLOSING_PARENTHESIS)
    return False


@njit(nogil=True, cache=True)
def _name_bits(
    values: U64s, kinds: Bytes, at: int, stop: int, keys: U64s, bits: U64s
) -> tuple[np.uint64, np.uint64]:
    """Phrase bits and hash of the words in `[at, stop)`, without a number at their end."""
    if stop - at > 1 and kinds[stop - 1] & tk.KIND_MASK == tk.NUMBER:
        stop -= 1
    state = np.uint64(0)
    for i in range(at, stop):
        kind = kinds[i] & tk.KIND_MASK
        if kind > tk.NUMBER:
            return np.uint64(0), np.uint64(0)
        state = mix(state, MASK_NUMBER if kind == tk.NUMBER else values[i])
    key = finish(state)
    slot = ph.find_slot(keys, key)
    return (bits[slot], key) if keys[slot] != 0 else (np.uint64(0), key)


@njit(nogil=True, cache=True)
def _label_end(values: U64s, kinds: Bytes, at: int, stop: int) -> int:
    """Position of the colon that ends a short label at a line's start; -1 if there is none."""
    for i in range(at, min(at + _LABEL_TOKENS, stop)):
        if character_of(values, kinds, i, stop) == _COLON:
            return i
        if kinds[i] & tk.KIND_MASK > tk.NUMBER:
            return -1
    return -1


@njit(nogil=True, cache=True)
def _enclosed(values: U64s, kinds: Bytes, at: int, stop: int, closer: int) -> int:
    """Position of `closer` after one to three words from `at`; -1 if something else comes."""
    for i in range(at, min(at + 4, stop)):
        if kinds[i] & tk.KIND_MASK > tk.NUMBER:
            return i if i > at and character_of(values, kinds, i, stop) == closer else -1
    return -1


@njit(nogil=True, cache=True)
def find_structures(
    values: U64s,
    kinds: Bytes,
    starts: Starts,
    keys: U64s,
    bits: U64s,
    markers: U32s,
    constraints: np.ndarray,
) -> None:
    """Add structural markers of each text and count its list items as constraints."""
    label_bit = np.uint64(1 << ph.LABEL_BIT)
    verdict_bit = np.uint64(1 << ph.VERDICT_BIT)
    tag_bit = np.uint64(1 << ph.TAG_BIT)
    labels = np.empty(_LABELS, np.uint64)
    counts = np.empty(_LABELS, np.int64)
    for row in range(len(starts) - 1):
        stop = starts[row + 1]
        found = np.uint32(0)
        sections, records, items, known = 0, 0, 0, 0
        line_start = True
        for at in range(starts[row], stop):
            if kinds[at] & tk.KIND_MASK == tk.NEWLINE:
                line_start = True
                continue
            first = character_of(values, kinds, at, stop)
            if line_start:
                line_start = False
                items += is_list_item(values, kinds, at, stop)
                begin = at
                if first == _HASH or first == _ASTERISK:
                    begin += 1
                end = _label_end(values, kinds, begin, stop)
                if end > begin:
                    name, label = _name_bits(values, kinds, begin, end, keys, bits)
                    if name & label_bit:
                        sections += 2 if first == _HASH and run_of(values, at) == 3 else 1
                        slot = 0
                        while slot < known and labels[slot] != label:
                            slot += 1
                        if slot == known and known < _LABELS:
                            labels[known] = label
                            counts[known] = 0
                            known += 1
                        if slot < _LABELS:
                            counts[slot] += 1
            if first == _QUOTE or first == _APOSTROPHE:
                end = _enclosed(values, kinds, at + 1, stop, first)
                if end > 0 and character_of(values, kinds, end + 1, stop) == _COLON:
                    name, label = _name_bits(values, kinds, at + 1, end, keys, bits)
                    records += (name & label_bit) != 0
            elif first == _OPENING_SQUARE and run_of(values, at) == 2:
                end = _enclosed(values, kinds, at + 1, stop, _CLOSING_SQUARE)
                if end > 0 and run_of(values, end) >= 2:
                    name, label = _name_bits(values, kinds, at + 1, end, keys, bits)
                    if name & verdict_bit:
                        found |= _GRADING
            elif first == _LESS:
                begin = at + 1
                end = _enclosed(values, kinds, begin, stop, _GREATER)
                if end > 0 and run_of(values, at) == 3 and run_of(values, end) == 3:
                    sections += 2
                elif end > 0 and run_of(values, at) == 1:
                    name, label = _name_bits(values, kinds, begin, end, keys, bits)
                    if name & tag_bit:
                        found |= _THINKING
        repeated = 0
        most = 0
        for slot in range(known):
            repeated += counts[slot] >= 2
            most = max(most, counts[slot])
        if sections >= 2:
            found |= _SECTIONS
        if records >= 2:
            found |= _RECORDS
        if repeated >= 2 or most >= 3:
            found |= _FEW_SHOT
        markers[row] |= found
        constraints[row] = min(constraints[row] + items, 65_535)
