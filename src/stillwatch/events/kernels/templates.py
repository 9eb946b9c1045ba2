"""The masked skeleton of a prompt: what stays when the slots of a template change.

A text is cut into units at line breaks, stops and colons. Two sorts are kept: a *label*, a short
unit that begins a line and ends in a colon, or a line that opens with a heading mark or a bracket;
and a *request*, a unit near either end of the text that holds a phrase of the lexicon. Only the
first few of each and the last label count, because later ones may come from inside a slot. A text
with too little of both adds its first words, and with nothing of both also its last.
"""

from typing import Final

import numpy as np
from numba import njit

from stillwatch.events.kernels import tokens as tk
from stillwatch.events.kernels.hashing import finish, mix, siphash_word
from stillwatch.events.kernels.phrases import LABEL_BIT, Hits, PhraseTable, find_slot
from stillwatch.events.kernels.structures import character_of, is_list_item, run_of
from stillwatch.events.kernels.types import Int, Tokens, U64s
from stillwatch.events.kernels.words import MASK_CODE, MASK_NUMBER, MASK_QUOTE, MASK_URL

LABELS_KEPT: Final = 2
REQUESTS_KEPT: Final = 1
FRONT_WORDS: Final = 60
"""A request begins within this many words of the front,"""
BACK_WORDS: Final = 30
"""or within this many of the back."""
LABEL_WEIGHT: Final = 12
"""Weight at most of a label: six words."""
REQUEST_WEIGHT: Final = 32
"""Weight of a request that is hashed: its first sixteen words."""
ENOUGH_WEIGHT: Final = 6
"""Labels of this weight in all, three words, make a skeleton by themselves."""
END_WEIGHT: Final = 8
"""Weight of the words at an end: four words."""

_QUOTE_TOKEN: Final = np.uint64(0x22 | 1 << tk.RUN_SHIFT)
_HASH, _COLON, _OPENING_SQUARE, _LESS = 0x23, 0x3A, 0x5B, 0x3C
_ASTERISK, _EQUALS, _HYPHEN = 0x2A, 0x3D, 0x2D
_FULL_STOP, _QUESTION, _EXCLAMATION = 0x2E, 0x3F, 0x21


@njit(nogil=True, cache=True, inline="always")
def _masked(value: np.uint64, kind: Int) -> np.uint64:
    """Value of a word in the skeleton."""
    if kind & tk.CODE:
        return MASK_CODE
    if kind & tk.QUOTED:
        return MASK_QUOTE
    if kind & tk.KIND_MASK == tk.NUMBER:
        return MASK_NUMBER
    if kind & tk.KIND_MASK == tk.URL:
        return MASK_URL
    return value


@njit(nogil=True, cache=True, inline="always")
def _counts(tokens: Tokens, at: Int) -> bool:
    """Whether a token is a word of the skeleton: of a quoted string only the first word is."""
    if tokens.kinds[at] & tk.KIND_MASK > tk.URL:
        return False
    if tokens.kinds[at] & tk.QUOTED:
        quote = tokens.kinds[at - 1] & tk.KIND_MASK == tk.PUNCTUATION
        return bool(quote and tokens.values[at - 1] == _QUOTE_TOKEN)
    return True


@njit(nogil=True, cache=True)
def _ends(tokens: Tokens, at: Int, stop: Int, step: Int) -> np.uint64:
    """Hash of the words from one end, up to `END_WEIGHT`."""
    state = np.uint64(0)
    weight = 0
    while at != stop and weight < END_WEIGHT:
        if _counts(tokens, at):
            state = mix(state, _masked(tokens.values[at], tokens.kinds[at]))
            weight += 1 if tokens.kinds[at] == tk.SINGLE else 2
        at += step
    return finish(state)


@njit(nogil=True, cache=True)
def _opens_block(tokens: Tokens, at: Int, stop: Int) -> bool:
    """Whether a line begins with a heading mark, a bracket or a rule."""
    first = character_of(tokens, at, stop)
    if first in (_HASH, _OPENING_SQUARE, _LESS):
        return True
    return first in (_ASTERISK, _EQUALS, _HYPHEN) and run_of(tokens, at) == tk.LONGEST_RUN


@njit(nogil=True, cache=True)
def _keep(kept: U64s, known: Int, most: Int, value: np.uint64) -> Int:
    """Add a unit to those kept unless it is there or they are full; return how many there are."""
    for i in range(known):
        if kept[i] == value:
            return known
    if known < most:
        kept[known] = value
        return known + 1
    return known


@njit(nogil=True, cache=True)
def sign_templates(tokens: Tokens, hits: Hits, table: PhraseTable, key: U64s, out: U64s) -> None:
    """Hash the masked skeleton of each text.

    Args:
        tokens: Tokens with their spans marked.
        hits: Where request phrases begin.
        table: The lexicon; a list item counts as a label only if the lexicon names it.
        key: SipHash key of the column.
        out: One hash per text.
    """
    values, kinds, starts = tokens
    labels = np.empty(LABELS_KEPT, np.uint64)
    requests = np.empty(REQUESTS_KEPT, np.uint64)
    label_bit = np.uint64(1 << LABEL_BIT)
    for row in range(len(starts) - 1):
        start, stop = starts[row], starts[row + 1]
        word, last_word = hits.starts[row], hits.starts[row + 1]
        front, back = word + FRONT_WORDS, last_word - BACK_WORDS
        known_labels: Int = 0
        known_requests: Int = 0
        kept: Int = 0
        line = start
        last_label = np.uint64(0)
        unit, weight = np.uint64(0), 0
        line_start, block, item, hit = True, False, False, False
        begins_line, opens = True, True
        for at in range(start, stop + 1):
            kind = kinds[at] & tk.KIND_MASK if at < stop else tk.NEWLINE
            coded = at < stop and kinds[at] & tk.CODE != 0
            if line_start and kind != tk.NEWLINE:
                line = at
                block = _opens_block(tokens, at, stop)
                item = is_list_item(tokens, at, stop)
                line_start = False
            if kind <= tk.URL:
                if hits.flags[word] and not coded and (word < front or word >= back):
                    hit = True
                word += 1
                if weight < REQUEST_WEIGHT and not coded and _counts(tokens, at):
                    unit = mix(unit, _masked(values[at], kinds[at]))
                    weight += 1 if kinds[at] == tk.SINGLE else 2
                continue
            if at < stop and kinds[at] & tk.QUOTED:
                continue
            if item and at == line + 1 and kinds[line] & tk.KIND_MASK == tk.NUMBER:
                unit, weight, hit = np.uint64(0), 0, False  # the number of a list item
                continue
            mark = character_of(tokens, at, stop)
            if kind != tk.NEWLINE and mark not in (_COLON, _FULL_STOP, _QUESTION, _EXCLAMATION):
                continue
            if weight > 0:
                unit = finish(unit)
                ends_label = mark == _COLON or (block and kind == tk.NEWLINE)
                is_label = begins_line and ends_label and weight <= LABEL_WEIGHT
                if is_label and item:
                    slot = find_slot(table.keys, unit)
                    is_label = table.bits[slot] & label_bit != 0
                if is_label:
                    last_label = unit
                    before = known_labels
                    known_labels = _keep(labels, known_labels, LABELS_KEPT, unit)
                    kept += weight * (known_labels - before)
                if hit and (opens or not is_label):
                    known_requests = _keep(requests, known_requests, REQUESTS_KEPT, unit)
                begins_line, opens = False, False
            unit, weight, hit = np.uint64(0), 0, False
            if kind == tk.NEWLINE:
                line_start, begins_line = True, True
        state = np.uint64(0)
        for i in range(known_labels):
            state = mix(state, labels[i])
        state = mix(state, last_label)
        for i in range(known_requests):
            state = mix(state, requests[i])
        if known_requests == 0 and known_labels < 2 and kept < ENOUGH_WEIGHT:
            state = mix(state, _ends(tokens, start, stop, 1))
            if known_labels == 0:
                state = mix(state, _ends(tokens, stop - 1, start - 1, -1))
        out[row] = siphash_word(finish(state), key)
