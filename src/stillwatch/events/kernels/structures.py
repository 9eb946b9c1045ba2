"""Training-format rules that need line structure: sections, records, worked examples, verdicts."""

from typing import Final

import numpy as np
from numba import njit

from stillwatch.events.kernels import phrases as ph
from stillwatch.events.kernels import tokens as tk
from stillwatch.events.kernels.hashing import finish, mix
from stillwatch.events.kernels.types import Int, Tokens, U16s, U32s
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
_QUOTE, _APOSTROPHE = 0x22, 0x27
_OPENING_SQUARE, _CLOSING_SQUARE, _LESS, _GREATER = 0x5B, 0x5D, 0x3C, 0x3E
_LABEL_TOKENS: Final = 8
_LABELS: Final = 16


@njit(nogil=True, cache=True, inline="always")
def character_of(tokens: Tokens, at: Int, stop: Int) -> Int:
    """Character of a punctuation token, 0 for any other token and past the end."""
    if at >= stop or tokens.kinds[at] & tk.KIND_MASK != tk.PUNCTUATION:
        return 0
    return np.int64(tokens.values[at] & _CHARACTER)


@njit(nogil=True, cache=True)
def run_of(tokens: Tokens, at: Int) -> Int:
    """Run length, 1 to 3, of a punctuation token."""
    return np.int64(tokens.values[at] >> np.uint64(tk.RUN_SHIFT))


@njit(nogil=True, cache=True)
def is_list_item(tokens: Tokens, at: Int, stop: Int) -> bool:
    """Whether a line that begins at a token is a bullet or a numbered item."""
    first = character_of(tokens, at, stop)
    if first in (_HYPHEN, _ASTERISK, _PLUS):
        return run_of(tokens, at) == 1
    if at < stop and tokens.kinds[at] & tk.KIND_MASK == tk.NUMBER:
        return character_of(tokens, at + 1, stop) in (_FULL_STOP, _CLOSING_PARENTHESIS)
    return False


@njit(nogil=True, cache=True)
def _name_bits(
    tokens: Tokens, at: Int, stop: Int, table: ph.PhraseTable
) -> tuple[np.uint64, np.uint64]:
    """Phrase bits and hash of the words in `[at, stop)`, without a number at their end."""
    values, kinds, _ = tokens
    if stop - at > 1 and kinds[stop - 1] & tk.KIND_MASK == tk.NUMBER:
        stop -= 1
    state = np.uint64(0)
    for i in range(at, stop):
        kind = kinds[i] & tk.KIND_MASK
        if kind > tk.NUMBER:
            return np.uint64(0), np.uint64(0)
        state = mix(state, MASK_NUMBER if kind == tk.NUMBER else values[i])
    key = finish(state)
    slot = ph.find_slot(table.keys, key)
    return (table.bits[slot], key) if table.keys[slot] != 0 else (np.uint64(0), key)


@njit(nogil=True, cache=True)
def _label_end(tokens: Tokens, at: Int, stop: Int) -> Int:
    """Position of the colon that ends a short label at a line's start; -1 if there is none."""
    for i in range(at, min(at + _LABEL_TOKENS, stop)):
        if character_of(tokens, i, stop) == _COLON:
            return i
        if tokens.kinds[i] & tk.KIND_MASK > tk.NUMBER:
            return -1
    return -1


@njit(nogil=True, cache=True)
def _enclosed(tokens: Tokens, at: Int, stop: Int, closer: Int) -> Int:
    """Position of `closer` after one to three words from `at`; -1 if something else comes."""
    for i in range(at, min(at + 4, stop)):
        if tokens.kinds[i] & tk.KIND_MASK > tk.NUMBER:
            return i if i > at and character_of(tokens, i, stop) == closer else -1
    return -1


@njit(nogil=True, cache=True)
def find_structures(
    tokens: Tokens, table: ph.PhraseTable, markers: U32s, constraints: U16s
) -> None:
    """Add structural markers of each text and count its list items as constraints."""
    _, kinds, starts = tokens
    label_bit = np.uint64(1 << ph.LABEL_BIT)
    exemplar_bit = np.uint64(1 << ph.EXEMPLAR_BIT)
    verdict_bit = np.uint64(1 << ph.VERDICT_BIT)
    tag_bit = np.uint64(1 << ph.TAG_BIT)
    labels = np.empty(_LABELS, np.uint64)
    counts = np.empty(_LABELS, np.int64)
    for row in range(len(starts) - 1):
        stop = starts[row + 1]
        found = np.uint32(0)
        sections, records, items, known, exemplars = 0, 0, 0, 0, 0
        line_start = True
        for at in range(starts[row], stop):
            kind = kinds[at] & tk.KIND_MASK
            if kind == tk.NEWLINE:
                line_start = True
                continue
            if kind != tk.PUNCTUATION and not line_start:
                continue
            first = character_of(tokens, at, stop)
            if line_start:
                line_start = False
                begin = at
                if is_list_item(tokens, at, stop):
                    items += 1
                    begin += 1 if kind == tk.PUNCTUATION else 2
                elif first in (_HASH, _ASTERISK):
                    begin += 1
                end = _label_end(tokens, begin, stop)
                if end > begin:
                    name, label = _name_bits(tokens, begin, end, table)
                    if name & label_bit:
                        sections += 2 if first == _HASH and run_of(tokens, at) == 3 else 1
                        slot = 0
                        while slot < known and labels[slot] != label:
                            slot += 1
                        if slot == known and known < _LABELS:
                            labels[known] = label
                            counts[known] = 0
                            known += 1
                        if slot < _LABELS:
                            counts[slot] += 1
                            if name & exemplar_bit:
                                exemplars = max(exemplars, counts[slot])
            if first in (_QUOTE, _APOSTROPHE):
                end = _enclosed(tokens, at + 1, stop, first)
                if end > 0 and character_of(tokens, end + 1, stop) == _COLON:
                    name, label = _name_bits(tokens, at + 1, end, table)
                    records += (name & label_bit) != 0
            elif first == _OPENING_SQUARE and run_of(tokens, at) == 2:
                end = _enclosed(tokens, at + 1, stop, _CLOSING_SQUARE)
                if end > 0 and run_of(tokens, end) >= 2:
                    name, label = _name_bits(tokens, at + 1, end, table)
                    if name & verdict_bit:
                        found |= _GRADING
            elif first == _LESS:
                begin = at + 1
                end = _enclosed(tokens, begin, stop, _GREATER)
                if end > 0 and run_of(tokens, at) == 3 and run_of(tokens, end) == 3:
                    sections += 2
                elif end > 0 and run_of(tokens, at) == 1:
                    name, label = _name_bits(tokens, begin, end, table)
                    if name & tag_bit:
                        found |= _THINKING
        repeated = 0
        for slot in range(known):
            repeated += counts[slot] >= 2
        if sections >= 2:
            found |= _SECTIONS
        if records >= 2:
            found |= _RECORDS
        if repeated >= 2 or exemplars >= 3:
            found |= _FEW_SHOT
        markers[row] |= found
        constraints[row] = min(constraints[row] + items, 65_535)
