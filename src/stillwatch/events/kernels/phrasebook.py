"""Compiles the lexicon into the table that kernels look phrases up in."""

from collections.abc import Iterable
from typing import Final

import numpy as np

from stillwatch.events import lexicon
from stillwatch.events.kernels import phrases as ph
from stillwatch.events.kernels.characters import character_table
from stillwatch.events.kernels.hashing import combine_columns
from stillwatch.events.kernels.tokens import tokenise
from stillwatch.events.kernels.types import Texts, U64s
from stillwatch.events.kernels.words import words_of

_LOAD: Final = 4  # slots per entry: short probes


def compile_lexicon(seed: np.uint64) -> ph.PhraseTable:
    """Tokenise every phrase under a seed and lay the hash table out."""
    phrases = [phrase for phrase, _ in _entries()]
    bits = [bit for _, bit in _entries()]
    tokens, _ = tokenise(encode(phrases), character_table(), seed)
    words = words_of(tokens, masked=False)
    firsts: dict[int, int] = {}
    keys: dict[int, int] = {}
    for start, stop, bit in zip(words.starts, words.starts[1:], bits, strict=False):
        first = int(words.values[start])
        firsts[first] = firsts.get(first, 0) | 1 << int(stop - start - 1)
        key = _phrase_key(words.values[start:stop])
        keys[key] = keys.get(key, 0) | 1 << bit
    first_slots, lengths = _lay_out(firsts)
    key_slots, values = _lay_out(keys)
    return ph.PhraseTable(first_slots, lengths.astype(np.uint32), key_slots, values)


def encode(texts: Iterable[str]) -> Texts:
    """Lay texts out as one UTF-8 buffer."""
    encoded = [text.encode() for text in texts]
    data = np.frombuffer(b"".join(encoded), np.uint8)
    return Texts(data, np.cumsum([0, *map(len, encoded)], dtype=np.int64))


def _entries() -> Iterable[tuple[str, int]]:
    """Each phrase with the bit that it sets."""
    for marker, phrases in lexicon.PHRASES.items():
        yield from ((phrase, _index(marker)) for phrase in phrases)
    for marker, (first, second) in lexicon.CUE_PAIRS.items():
        yield from ((phrase, ph.FIRST_SHIFT + _index(marker)) for phrase in first)
        yield from ((phrase, ph.SECOND_SHIFT + _index(marker)) for phrase in second)
    for phrases, bit in (
        (lexicon.CONSTRAINTS, ph.CONSTRAINT_BIT),
        (lexicon.LABELS, ph.LABEL_BIT),
        (lexicon.EXEMPLARS, ph.EXEMPLAR_BIT),
        (lexicon.VERDICTS, ph.VERDICT_BIT),
        (lexicon.TAGS, ph.TAG_BIT),
    ):
        yield from ((phrase, bit) for phrase in phrases)


def _index(marker: int) -> int:
    return marker.bit_length() - 1


def _phrase_key(values: U64s) -> int:
    out = np.empty(1, np.uint64)
    combine_columns(values.reshape(1, -1), out)
    return int(out[0])


def _lay_out(entries: dict[int, int]) -> tuple[U64s, U64s]:
    """Place each key at its slot in two arrays of a power-of-two size."""
    size = 1 << (_LOAD * len(entries)).bit_length()
    keys = np.zeros(size, np.uint64)
    values = np.zeros(size, np.uint64)
    for key, value in entries.items():
        slot = ph.find_slot(keys, np.uint64(key))
        keys[slot] = key
        values[slot] = value
    return keys, values
