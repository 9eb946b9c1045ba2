"""Phrase lookup, training-format rules and constraint counts over tokens.

A phrase sets its marker at once. A cue pair sets it only where both halves stand within
`PAIR_REACH` words of each other, so that «come up with a set of 20 diverse task instructions»
needs no phrase of its own.
"""

from typing import Final, NamedTuple

import numpy as np
from numba import njit

from stillwatch.events.kernels.hashing import finish, mix
from stillwatch.events.kernels.types import Bytes, Int, Starts, U16s, U32s, U64s, Words
from stillwatch.events.markers import Marker

MARKERS: Final = len(Marker)
PAIR_REACH: Final = 12
"""Words between the halves of a cue pair."""

# a phrase's value is a set of bits: marker m at m, first half at m + 16, second half at m + 32
FIRST_SHIFT: Final = 16
SECOND_SHIFT: Final = 32
CONSTRAINT_BIT: Final = 48
LABEL_BIT: Final = 49
"""A name of a section or field of training data ("instruction", "output")."""
EXEMPLAR_BIT: Final = 50
"""A label whose repetition shows worked examples ("question", "task")."""
VERDICT_BIT: Final = 51
"""A verdict in double square brackets, as judges write it ("[[A]]")."""
TAG_BIT: Final = 52
"""A tag around hidden thinking ("<think>")."""

_EMPTY: Final = np.uint64(0)
_ONE: Final = np.uint64(1)
_NEVER: Final = -1_000_000
_MARKER_MASK: Final = np.uint64((1 << MARKERS) - 1)
_REQUEST_MASK: Final = np.uint64(((1 << MARKERS) - 1) & ~(Marker.CODE | Marker.MATHS))


class Hits(NamedTuple):
    """Where requests begin: one flag per word of the plain stream, and where each text starts."""

    flags: Bytes
    starts: Starts


class PhraseTable(NamedTuple):
    """An open-addressing hash table of phrases.

    `first` maps the first word of phrases to a bit set of their lengths; `keys` maps whole
    phrases to `bits`. Both have power-of-two sizes and 0 for an empty slot.
    """

    first: U64s
    lengths: U32s
    keys: U64s
    bits: U64s


@njit(nogil=True, cache=True)
def find_slot(keys: U64s, key: np.uint64) -> np.uint64:
    """Slot that holds `key`, or the empty slot where it would go."""
    mask = np.uint64(len(keys) - 1)
    slot = key & mask
    while keys[slot] != _EMPTY:
        if keys[slot] == key:
            break
        slot = (slot + _ONE) & mask
    return slot


@njit(nogil=True, cache=True)
def phrase_bits(values: U64s, at: Int, stop: Int, table: PhraseTable) -> np.uint64:
    """Bits of all phrases that begin at a word."""
    first, lengths, keys, bits = table
    slot = find_slot(first, values[at])
    wanted = lengths[slot]
    found = _EMPTY
    state = _EMPTY
    while wanted != 0 and at < stop:
        state = mix(state, values[at])
        at += 1
        if wanted & np.uint32(1):
            slot = find_slot(keys, finish(state))
            found |= bits[slot] if keys[slot] != _EMPTY else _EMPTY
        wanted = np.uint32(wanted >> np.uint32(1))
    return found


@njit(nogil=True, cache=True)
def find_phrases(
    words: Words, table: PhraseTable, hits: Bytes, markers: U32s, constraints: U16s
) -> None:
    """Add markers of phrases and cue pairs, count constraint words, and fill `hits`.

    `hits` has one value per word: 1 where a phrase begins that asks for something, 0 elsewhere.
    """
    values, _, starts = words
    first = table.first
    first_seen = np.empty(MARKERS, np.int64)
    second_seen = np.empty(MARKERS, np.int64)
    for row in range(len(starts) - 1):
        first_seen[:] = _NEVER
        second_seen[:] = _NEVER
        found = np.uint64(0)
        total: Int = 0
        stop = starts[row + 1]
        for at in range(starts[row], stop):
            hits[at] = 0
            if first[find_slot(first, values[at])] == _EMPTY:
                continue  # most words begin no phrase
            here = phrase_bits(values, at, stop, table)
            if here == _EMPTY:
                continue
            hits[at] = here & _REQUEST_MASK != _EMPTY
            found |= here & _MARKER_MASK
            total += np.int64((here >> np.uint64(CONSTRAINT_BIT)) & _ONE)
            if (here >> np.uint64(FIRST_SHIFT)) & np.uint64(0xFFFFFFFF) == _EMPTY:
                continue
            for m in range(MARKERS):
                if (here >> np.uint64(FIRST_SHIFT + m)) & _ONE:
                    first_seen[m] = at
                if (here >> np.uint64(SECOND_SHIFT + m)) & _ONE:
                    second_seen[m] = at
                if abs(first_seen[m] - second_seen[m]) <= PAIR_REACH and first_seen[m] >= 0:
                    found |= _ONE << np.uint64(m)
        markers[row] |= np.uint32(found)
        constraints[row] = min(constraints[row] + total, 65_535)
