"""The tokeniser: UTF-8 bytes to words, numbers, addresses, punctuation and line breaks.

Words of alphabetic scripts are one token each; each character of a script written without spaces
is one. An apostrophe between letters vanishes, an underscore joins, a run of letters and digits
with a digit in it is a number, `1,000.5` is one number, `scheme://…` and `www.…` are addresses, and
a run of one punctuation character is one token.
"""

from typing import Final

import numpy as np
from numba import njit

from stillwatch.events.kernels import characters as ch
from stillwatch.events.kernels.hashing import MULTIPLIER, finish, mix
from stillwatch.events.kernels.types import Bytes, Int, Measures, Starts, Texts, Tokens, U32s
from stillwatch.events.scripts import Script

# kinds of tokens
WORD: Final = 0
SINGLE: Final = 1
NUMBER: Final = 2
URL: Final = 3
PUNCTUATION: Final = 4
NEWLINE: Final = 5
# bits beside the kind
QUOTED: Final = 0x10
CODE: Final = 0x20
KIND_MASK: Final = 0x0F

RUN_SHIFT: Final = 24
"""A punctuation token is its character plus the run length, at most 3, shifted by this."""
LONGEST_RUN: Final = 3

_SCRIPTS: Final = len(Script)
_HAN: Final = int(Script.HAN)
_FOLD_MASK: Final = (1 << ch.CLASS_SHIFT) - 1
# Helpers that run for every character are inlined by numba itself, which saves a third of the time.
_ASCII: Final = 0x80
_BLANK: Final = 0x20
_QUOTE, _APOSTROPHE, _COMMA, _FULL_STOP, _SLASH, _COLON = 0x22, 0x27, 0x2C, 0x2E, 0x2F, 0x3A
_HYPHEN, _ASTERISK, _PLUS, _UNDERSCORE, _BACKTICK = 0x2D, 0x2A, 0x2B, 0x5F, 0x60
_W: Final = 0x77
_MOST_NESTING: Final = 255


@njit(nogil=True, cache=True, inline="always")
def _decode(data: Bytes, at: Int, stop: Int) -> tuple[Int, Int]:
    """Code point at a position and the position after it; never reads past `stop`."""
    lead = np.int64(data[at])
    if lead < 0x80:
        return lead, at + 1
    if lead < 0xE0:
        extra, code = 1, lead & 0x1F
    elif lead < 0xF0:
        extra, code = 2, lead & 0x0F
    else:
        extra, code = 3, lead & 0x07
    last = min(at + 1 + extra, stop)
    for i in range(at + 1, last):
        code = (code << 6) | (np.int64(data[i]) & 0x3F)
    return code, last


@njit(nogil=True, cache=True, inline="always")
def _look_up(table: U32s, code: Int) -> tuple[Int, Int, Int]:
    """Fold, class and script of a code point."""
    if code < ch.TABLE_SIZE:
        entry = np.int64(table[code])
        return entry & _FOLD_MASK, (entry >> ch.CLASS_SHIFT) & 15, entry >> ch.SCRIPT_SHIFT
    if code < ch.HAN_PLANES_END:
        return code, ch.SINGLE, _HAN
    return code, ch.IGNORED, 0


@njit(nogil=True, cache=True)
def _class_at(data: Bytes, at: Int, stop: Int, table: U32s) -> Int:
    """Class of the character at a position; a space past the end."""
    if at >= stop:
        return ch.SPACE
    code, _ = _decode(data, at, stop)
    return _look_up(table, code)[1]


@njit(nogil=True, cache=True)
def _url_end(data: Bytes, at: Int, stop: Int) -> Int:
    """First position from `at` that cannot belong to an address."""
    while at < stop:
        byte = data[at]
        if byte <= 0x20 or byte >= 0x7F or byte in (0x22, 0x27, 0x28, 0x29, 0x3C, 0x3E, 0x60):
            break
        at += 1
    return at


@njit(nogil=True, cache=True, inline="always")
def _is_url(data: Bytes, word: Int, at: Int, stop: Int) -> bool:
    """Whether `data[word:at]`, a word just read, opens an address: `scheme://` or `www.`."""
    if at + 3 > stop:
        return False
    if data[at] == _COLON:
        return bool(data[at + 1] == _SLASH and data[at + 2] == _SLASH)
    if data[at] != _FULL_STOP or at - word != 3:
        return False
    first, second, third = data[word], data[word + 1], data[word + 2]
    return bool(first | 0x20 == _W and second | 0x20 == _W and third | 0x20 == _W)


@njit(nogil=True, cache=True, inline="always")
def _read_word(
    data: Bytes, span: tuple[Int, Int], table: U32s, seed: np.uint64, scripts: Starts
) -> tuple[Int, np.uint64, bool, Int]:
    """Read letters, digits and marks from the start of a span.

    Returns the position after them, their hash, whether a digit is among them, and how many
    characters were read. A word's letters count for the script of the last one.
    """
    at, stop = span
    state = seed
    has_digit = False
    after_digit = False
    read = 0
    letters = 0
    script_of_word: Int = 0
    while at < stop:
        byte = data[at]
        if byte < _ASCII:
            # most characters of most texts take this short way
            entry = np.int64(table[byte])
            if (entry >> ch.CLASS_SHIFT) & 15 == ch.LETTER:
                state = (state ^ np.uint64(entry & _FOLD_MASK)) * MULTIPLIER
                script_of_word = entry >> ch.SCRIPT_SHIFT
                after_digit = False
                letters += 1
                read += 1
                at += 1
                continue
        code, after = _decode(data, at, stop)
        fold, kind, script = _look_up(table, code)
        if ch.LETTER <= kind <= ch.MARK:
            after_digit = kind == ch.DIGIT
            has_digit |= after_digit
            if kind == ch.LETTER:
                script_of_word = script
                letters += 1
            state = (state ^ np.uint64(fold)) * MULTIPLIER
        elif kind == ch.PUNCTUATION and fold == _APOSTROPHE:
            if after_digit or _class_at(data, after, stop, table) != ch.LETTER:
                break
        elif kind == ch.PUNCTUATION and fold == _UNDERSCORE:
            follower = _class_at(data, after, stop, table)
            if follower not in (ch.LETTER, ch.DIGIT):
                break
            state = (state ^ np.uint64(fold)) * MULTIPLIER
        elif kind == ch.PUNCTUATION and fold in (_COMMA, _FULL_STOP, _COLON):
            if not after_digit or _class_at(data, after, stop, table) != ch.DIGIT:
                break
            state = (state ^ np.uint64(fold)) * MULTIPLIER
        elif kind != ch.IGNORED:
            break
        read += 1
        at = after
    scripts[script_of_word] += letters
    return at, finish(state), has_digit, read


@njit(nogil=True, cache=True)
def _dominant(scripts: Starts) -> Int:
    """Script of most letters, the first of equals; 0 without letters."""
    best = 0
    for script in range(1, _SCRIPTS):
        if scripts[script] > scripts[best] or (best == 0 and scripts[script] == scripts[0] > 0):
            best = script
    return best


@njit(nogil=True, cache=True)
def _tokenise(
    texts: Texts, table: U32s, seed: np.uint64, tokens: Tokens, measures: Measures
) -> None:
    data, offsets = texts
    values, kinds, starts = tokens
    scripts = np.zeros(_SCRIPTS, np.int64)
    count = 0
    for row in range(len(offsets) - 1):
        starts[row] = count
        at, stop = offsets[row], offsets[row + 1]
        scripts[:] = 0
        total: Int = 0
        depth, deepest = 0, 0
        indent = 0
        line_start = True
        while at < stop:
            if data[at] == _BLANK and not line_start:
                total += 1
                at += 1
                continue
            code, after = _decode(data, at, stop)
            fold, kind, script = _look_up(table, code)
            if line_start and ch.IGNORED != kind < ch.SPACE:
                line_start = False
                if kind == ch.DIGIT or fold in (_HYPHEN, _ASTERISK, _PLUS):
                    deepest = max(deepest, 1 + indent // 2)
            if ch.LETTER <= kind <= ch.MARK:
                word = at
                at, value, has_digit, read = _read_word(data, (at, stop), table, seed, scripts)
                total += read
                kinds[count] = NUMBER if has_digit else WORD
                if not has_digit and _is_url(data, word, at, stop):
                    end = _url_end(data, at, stop)
                    total += end - at
                    for i in range(at, end):
                        value = mix(value, np.uint64(data[i]))
                    at = end
                    kinds[count] = URL
                values[count] = value
                count += 1
                continue
            total += 1
            at = after
            if kind == ch.SINGLE:
                scripts[script] += 1
                state = mix(seed, np.uint64(fold))
                while at < stop:
                    code, after = _decode(data, at, stop)
                    fold, kind, script = _look_up(table, code)
                    if kind != ch.MARK:
                        break
                    state = mix(state, np.uint64(fold))
                    total += 1
                    at = after
                values[count] = finish(state)
                kinds[count] = SINGLE
                count += 1
            elif kind == ch.PUNCTUATION:
                run = 1
                while at < stop:
                    code, after = _decode(data, at, stop)
                    if _look_up(table, code)[0] != fold:
                        break
                    run += 1
                    total += 1
                    at = after
                if fold in (0x28, 0x5B, 0x7B):
                    depth += run
                    deepest = max(deepest, depth)
                elif fold in (0x29, 0x5D, 0x7D):
                    depth = max(0, depth - run)
                values[count] = np.uint64(fold | min(run, LONGEST_RUN) << RUN_SHIFT)
                kinds[count] = PUNCTUATION
                count += 1
            elif kind == ch.NEWLINE:
                breaks = 1
                before = code
                indent = 0
                line_start = True
                while at < stop:
                    code, after = _decode(data, at, stop)
                    kind = _look_up(table, code)[1]
                    if kind == ch.NEWLINE:
                        # CR LF is one line break
                        breaks += not (before == 0x0D and code == 0x0A)
                        indent = 0
                    elif kind == ch.SPACE:
                        indent += 1
                    elif kind != ch.IGNORED:
                        break
                    before = code
                    total += 1
                    at = after
                values[count] = np.uint64(min(breaks, 2))
                kinds[count] = NEWLINE
                count += 1
            elif line_start and kind == ch.SPACE:
                indent += 1
        measures.characters[row] = total
        measures.scripts[row] = _dominant(scripts)
        measures.nesting[row] = min(deepest, _MOST_NESTING)
    starts[len(offsets) - 1] = count


@njit(nogil=True, cache=True)
def _mark_spans(tokens: Tokens) -> None:
    """Set `QUOTED` between double quotes on one line and `CODE` between fences."""
    values, kinds, starts = tokens
    fence = np.uint64(_BACKTICK | LONGEST_RUN << RUN_SHIFT)
    quote = np.uint64(_QUOTE | 1 << RUN_SHIFT)
    for row in range(len(starts) - 1):
        at, stop = starts[row], starts[row + 1]
        while at < stop:
            if kinds[at] != PUNCTUATION or values[at] not in (fence, quote):
                at += 1
                continue
            opener = values[at]
            end = at + 1
            while end < stop and not (kinds[end] == PUNCTUATION and values[end] == opener):
                if opener == quote and kinds[end] == NEWLINE:
                    break
                end += 1
            if opener == fence:
                bit = CODE  # an unclosed fence runs to the end
            elif end < stop and kinds[end] == PUNCTUATION:
                bit = QUOTED
            else:
                at += 1
                continue
            for i in range(at, min(end + 1, stop)):
                kinds[i] |= bit
            at = end + 1


def tokenise(texts: Texts, table: U32s, seed: np.uint64) -> tuple[Tokens, Measures]:
    """Cut texts into tokens, mark quoted and code spans, and measure the texts on the way."""
    rows = len(texts.offsets) - 1
    bound = int(texts.offsets[-1] - texts.offsets[0])  # a token takes at least one byte
    tokens = Tokens(
        np.empty(bound, np.uint64), np.empty(bound, np.uint8), np.empty(rows + 1, np.int64)
    )
    measures = Measures(
        np.empty(rows, np.uint32), np.empty(rows, np.uint8), np.empty(rows, np.uint8)
    )
    _tokenise(texts, table, seed, tokens, measures)
    _mark_spans(tokens)
    return tokens, measures
