"""Naive twins of the kernels that read structure: phrases, sections, records, templates."""

import itertools
from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from stillwatch.events.kernels import phrases as ph
from stillwatch.events.kernels import templates as tp
from stillwatch.events.kernels import tokens as tk
from stillwatch.events.kernels.reference import (
    Token,
    Word,
    finish,
    hash_sequence,
    masked_value,
    mix,
    prefix,
    words_of,
)
from stillwatch.events.markers import Marker

_NOTHING: Final = -1


class Lexicon(NamedTuple):
    """Bits of each phrase, by the hash of its words."""

    bits: dict[int, int]


# markers


def find_phrases(words: Sequence[Word], lexicon: Lexicon) -> tuple[int, int, list[bool]]:
    """Twin of `phrases.find_phrases`: markers, constraint words, and where requests begin."""
    longest = 32
    here = [
        _bits_of(lexicon, [words[start:end] for end in range(start + 1, start + longest + 1)])
        for start in range(len(words))
    ]
    markers = 0
    for bits in here:
        markers |= bits & (1 << len(Marker)) - 1
    for marker in Marker:
        index = int(marker).bit_length() - 1
        first = [at for at, bits in enumerate(here) if bits >> ph.FIRST_SHIFT + index & 1]
        second = [at for at, bits in enumerate(here) if bits >> ph.SECOND_SHIFT + index & 1]
        if any(abs(a - b) <= ph.PAIR_REACH for a in first for b in second):
            markers |= marker
    topics = int(Marker.CODE | Marker.MATHS)
    requests = [bool(bits & (1 << len(Marker)) - 1 & ~topics) for bits in here]
    return markers, sum(bits >> ph.CONSTRAINT_BIT & 1 for bits in here), requests


def _bits_of(lexicon: Lexicon, candidates: Sequence[Sequence[Word]]) -> int:
    bits = 0
    for candidate in {tuple(words) for words in candidates}:
        bits |= lexicon.bits.get(hash_sequence([word.value for word in candidate]), 0)
    return bits


def find_structures(tokens: Sequence[Token], lexicon: Lexicon) -> tuple[int, int]:
    """Twin of `structures.find_structures`: markers and list items."""
    lines = _lines(tokens)
    items = sum(_item_marks(line) > 0 for line in lines)
    labels: Counter[int] = Counter()
    sections = exemplars = 0
    for line in lines:
        skip = _item_marks(line) or int(_character(line, 0) in {"#", "*"})
        name = list(itertools.takewhile(lambda token: token.kind <= tk.NUMBER, line[skip:]))
        if not 0 < len(name) < 8 or _character(line, skip + len(name)) != ":":
            continue
        bits, label = _name_bits(name, lexicon)
        if not bits >> ph.LABEL_BIT & 1:
            continue
        sections += 2 if _character(line, 0) == "#" and _run(line[0]) == 3 else 1
        if label in labels or len(labels) < 16:
            labels[label] += 1
            if bits >> ph.EXEMPLAR_BIT & 1:
                exemplars = max(exemplars, labels[label])
    markers, sections, records = _enclosures(tokens, lexicon, sections)
    repeated = sum(count >= 2 for count in labels.values())
    markers |= Marker.SECTIONS if sections >= 2 else 0
    markers |= Marker.RECORDS if records >= 2 else 0
    markers |= Marker.FEW_SHOT if repeated >= 2 or exemplars >= 3 else 0
    return markers, items


def _enclosures(tokens: Sequence[Token], lexicon: Lexicon, sections: int) -> tuple[int, int, int]:
    """Markers, sections and record fields of names between quotes, brackets and angles."""
    markers = records = 0
    for at in range(len(tokens)):
        name = list(itertools.takewhile(lambda token: token.kind <= tk.NUMBER, tokens[at + 1 :]))
        end = at + 1 + len(name)
        if not 0 < len(name) < 4:
            continue
        bits, _ = _name_bits(name, lexicon)
        marks = (_character(tokens, at), _character(tokens, end))
        if marks in {('"', '"'), ("'", "'")} and _character(tokens, end + 1) == ":":
            records += bits >> ph.LABEL_BIT & 1
        elif marks == ("[", "]") and _run(tokens[at]) == 2 <= _run(tokens[end]):
            markers |= Marker.GRADING if bits >> ph.VERDICT_BIT & 1 else 0
        elif marks == ("<", ">") and _run(tokens[at]) == _run(tokens[end]) == 3:
            sections += 2
        elif marks == ("<", ">") and _run(tokens[at]) == 1:
            markers |= Marker.THINKING if bits >> ph.TAG_BIT & 1 else 0
    return markers, sections, records


def _lines(tokens: Sequence[Token]) -> list[list[Token]]:
    groups = itertools.groupby(tokens, key=lambda token: token.kind == tk.NEWLINE)
    return [list(line) for is_break, line in groups if not is_break]


def _character(tokens: Sequence[Token], at: int) -> str:
    if at >= len(tokens) or tokens[at].kind != tk.PUNCTUATION:
        return ""
    return chr(tokens[at].value & (1 << tk.RUN_SHIFT) - 1)


def _run(token: Token) -> int:
    return token.value >> tk.RUN_SHIFT


def _item_marks(line: Sequence[Token]) -> int:
    """Tokens of the bullet or number that begins a list item; 0 for another line."""
    if _character(line, 0) in {"-", "*", "+"}:
        return int(_run(line[0]) == 1)
    if line and line[0].kind == tk.NUMBER and _character(line, 1) in {".", ")"}:
        return 2
    return 0


def _name_bits(name: Sequence[Token], lexicon: Lexicon) -> tuple[int, int]:
    if len(name) > 1 and name[-1].kind == tk.NUMBER:
        name = name[:-1]
    key = hash_sequence([word.value for word in words_of(name, masked=False)])
    return lexicon.bits.get(key, 0), key


# templates


class Unit(NamedTuple):
    """A piece of a text up to a line break, stop or colon."""

    value: int
    weight: int
    is_label: bool
    is_request: bool


def template(tokens: Sequence[Token], requests: Sequence[bool], lexicon: Lexicon) -> int:
    """Inner hash of the skeleton."""
    flags = iter(_near_ends(requests))
    flagged = [(token, next(flags) if token.kind <= tk.URL else False) for token in tokens]
    flagged = [(_drop_quoted(tokens, at), flag) for at, (_, flag) in enumerate(flagged)]
    kept_tokens = [token for token, _ in flagged]
    units: list[Unit] = []
    groups = itertools.groupby(flagged, key=lambda pair: pair[0].kind == tk.NEWLINE)
    for is_break, line in groups:
        if not is_break:
            units += _units(list(line), lexicon)
    units = [
        unit._replace(is_request=unit.is_request and (at == 0 or not unit.is_label))
        for at, unit in enumerate(units)
    ]
    labels = list(dict.fromkeys(unit.value for unit in units if unit.is_label))
    wanted = [unit.value for unit in units if unit.is_request]
    last = [unit.value for unit in units if unit.is_label][-1:] or [0]
    kept = labels[: tp.LABELS_KEPT]
    state = 0
    for value in [*kept, *last, *list(dict.fromkeys(wanted))[: tp.REQUESTS_KEPT]]:
        state = mix(state, value)
    weights = {unit.value: unit.weight for unit in reversed(units) if unit.is_label}
    weight = sum(weights[value] for value in kept)
    if not wanted and len(labels) < 2 and weight < tp.ENOUGH_WEIGHT:
        state = mix(state, _end(kept_tokens))
        if not labels:
            state = mix(state, _end(kept_tokens[::-1]))
    return finish(state)


def _drop_quoted(tokens: Sequence[Token], at: int) -> Token:
    """The token, or one without value where a quoted string goes on after its first word."""
    token = tokens[at]
    if token.kind > tk.URL or not token.span & tk.QUOTED:
        return token
    before = tokens[at - 1]
    first = before.kind == tk.PUNCTUATION and before.value == ord('"') | 1 << tk.RUN_SHIFT
    return token if first else token._replace(value=_NOTHING)


def _near_ends(requests: Sequence[bool]) -> list[bool]:
    back = len(requests) - tp.BACK_WORDS
    return [flag and (at < tp.FRONT_WORDS or at >= back) for at, flag in enumerate(requests)]


def _units(line: list[tuple[Token, bool]], lexicon: Lexicon) -> list[Unit]:
    tokens = [token for token, _ in line]
    first = _character(tokens, 0)
    block = first in {"#", "[", "<"} or (first in {"*", "=", "-"} and _run(tokens[0]) == 3)
    marks = _item_marks(tokens)
    rest = line[2:] if marks == 2 else line
    units: list[Unit] = []
    piece: list[tuple[Token, bool]] = []
    for token, flag in [*rest, (Token(0, tk.NEWLINE), False)]:
        mark = _character([token], 0)
        if token.kind <= tk.URL:
            if not token.span & tk.CODE:
                piece.append((token, flag))
        elif token.span & tk.QUOTED:
            continue
        elif token.kind == tk.NEWLINE or mark in {":", ".", "?", "!"}:
            if any(token.value != _NOTHING for token, _ in piece):
                units.append(_unit(piece, mark, opens=not units, block=block))
                if units[-1].is_label and marks:
                    bits = lexicon.bits.get(units[-1].value, 0)
                    units[-1] = units[-1]._replace(is_label=bool(bits >> ph.LABEL_BIT & 1))
            piece = []
    return units


def _unit(piece: list[tuple[Token, bool]], mark: str, *, opens: bool, block: bool) -> Unit:
    words = _skeleton_words([token for token, _ in piece])
    values = prefix(words, tp.REQUEST_WEIGHT)
    weight = sum(word.weight for word in words[: len(values)])
    short = opens and weight <= tp.LABEL_WEIGHT
    return Unit(
        hash_sequence(values),
        weight,
        short and (mark == ":" or (block and not mark)),
        any(flag for _, flag in piece),
    )


def _end(tokens: Sequence[Token]) -> int:
    return hash_sequence(prefix(_skeleton_words(tokens), tp.END_WEIGHT))


def _skeleton_words(tokens: Sequence[Token]) -> list[Word]:
    """Masked words, a quoted string as one."""
    return [
        Word(masked_value(token), 1 if token.kind == tk.SINGLE and not token.span else 2)
        for token in tokens
        if token.kind <= tk.URL and token.value != _NOTHING
    ]
