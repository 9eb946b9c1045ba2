"""One table entry per code point: what it folds to, its class and its script.

Case, accents, vowel points and full-width forms fold away for Latin, Greek, Cyrillic, Arabic and
Hebrew, so that composed and decomposed spellings agree; quotes, dashes, bullets and stops of all
scripts fold to their ASCII relatives.
"""

import functools
import unicodedata
from typing import Final

import numpy as np

from stillwatch.events.kernels.types import U32s
from stillwatch.events.scripts import Script

TABLE_SIZE: Final = 0x20000
"""Code points from here on are Han (planes 2 and 3) or ignored."""
HAN_PLANES_END: Final = 0x40000

# classes of characters, ordered so that a range test tells what makes up words and what is blank
IGNORED: Final = 0  # joins nothing, ends nothing: accents, vowel points, zero-width characters
LETTER: Final = 1
DIGIT: Final = 2
MARK: Final = 3  # continues the token before it, as Devanagari vowel signs do
SINGLE: Final = 4  # a character of a script written without spaces: a token of its own
PUNCTUATION: Final = 5
SPACE: Final = 6
NEWLINE: Final = 7

CLASS_SHIFT: Final = 21
SCRIPT_SHIFT: Final = 25

_SCRIPTS: Final = (
    (Script.LATIN, ((0x41, 0x2AF), (0x1D00, 0x1DBF), (0x1E00, 0x1EFF), (0x2C60, 0x2C7F))),
    (Script.LATIN, ((0xA720, 0xA7FF), (0xFB00, 0xFB06), (0xAB30, 0xAB6F))),
    (Script.GREEK, ((0x370, 0x3FF), (0x1F00, 0x1FFF))),
    (Script.CYRILLIC, ((0x400, 0x52F), (0x1C80, 0x1C8F), (0x2DE0, 0x2DFF), (0xA640, 0xA69F))),
    (Script.HEBREW, ((0x590, 0x5FF), (0xFB1D, 0xFB4F))),
    (Script.ARABIC, ((0x600, 0x6FF), (0x750, 0x77F), (0x870, 0x8FF))),
    (Script.ARABIC, ((0xFB50, 0xFDFF), (0xFE70, 0xFEFC))),
    (Script.DEVANAGARI, ((0x900, 0x97F), (0xA8E0, 0xA8FF))),
    (Script.THAI, ((0xE00, 0xE7F),)),
    (Script.HANGUL, ((0x1100, 0x11FF), (0x3130, 0x318F), (0xA960, 0xA97F), (0xAC00, 0xD7FF))),
    (Script.KANA, ((0x3041, 0x30FF), (0x31F0, 0x31FF), (0x1B000, 0x1B16F))),
    (Script.HAN, ((0x2E80, 0x2FDF), (0x3005, 0x3007), (0x3400, 0x4DBF), (0x4E00, 0x9FFF))),
    (Script.HAN, ((0xF900, 0xFAFF),)),
)
# Lao, Burmese and Khmer are written without spaces too.
_UNSPACED: Final = ((0xE00, 0xEFF), (0x1000, 0x109F), (0x1780, 0x17FF))
_ACCENTS_FOLD: Final = frozenset(
    {Script.LATIN, Script.GREEK, Script.CYRILLIC, Script.ARABIC, Script.HEBREW}
)
_NEWLINES: Final = frozenset("\n\r\x0b\x0c\x85\u2028\u2029")
_PUNCTUATION_FOLDS: Final = {
    '"': "“”„‟«»「」『』《》〝〞〟",
    "'": "‘’‚‛ʼ´‹›",
    "-": "‐‑‒–—―−•‣◦⁃∙·・●○■□▪►",
    ".": "。｡।۔",
    ",": "、،､",
    ";": "؛",
    "?": "؟",
    "[": "【〔〖",
    "]": "】〕〗",
}
_PUNCTUATION: Final = {
    source: target for target, sources in _PUNCTUATION_FOLDS.items() for source in sources
}


@functools.cache
def character_table() -> U32s:
    """Return the packed table: fold in 21 bits, class in 4, script in 4."""
    table = np.zeros(TABLE_SIZE, np.uint32)
    for code in range(TABLE_SIZE):
        if 0xD800 <= code < 0xE000:  # surrogates never occur in UTF-8
            continue
        folded, kind, script = describe(chr(code))
        table[code] = ord(folded) | kind << CLASS_SHIFT | script << SCRIPT_SHIFT
    table.setflags(write=False)
    return table


def describe(character: str) -> tuple[str, int, Script]:
    """Return the fold, class and script of one character.

    >>> describe("É"), describe("中")[1] == SINGLE
    (('e', 1, <Script.LATIN: 1>), True)
    """
    if ord(character) >= TABLE_SIZE:
        han = ord(character) < HAN_PLANES_END
        return character, SINGLE if han else IGNORED, Script.HAN if han else Script.OTHER
    if character in _NEWLINES:
        return "\n", NEWLINE, Script.OTHER
    if character in _PUNCTUATION:
        return _PUNCTUATION[character], PUNCTUATION, Script.OTHER
    folded = _fold(character)
    category = unicodedata.category(folded)
    script = _script(ord(folded))
    if category == "Nd":
        return folded, DIGIT, Script.OTHER
    if category[0] == "M":
        kind = IGNORED if _is_accent(ord(folded), script) else MARK
        return folded, kind, Script.OTHER
    if category[0] == "L":
        unspaced = script in {Script.HAN, Script.KANA} or _within(ord(folded), _UNSPACED)
        return folded, SINGLE if unspaced else LETTER, script
    if category == "Cf":
        return folded, IGNORED, Script.OTHER
    if category[0] == "Z" or category == "Cc":
        return folded, SPACE, Script.OTHER
    return _PUNCTUATION.get(folded, folded), PUNCTUATION, Script.OTHER


def _fold(character: str) -> str:
    """One character without case, width and, where the script allows, accents."""
    compatible = unicodedata.normalize("NFKC", character)
    if len(compatible) != 1:
        compatible = character
    if _script(ord(compatible)) in _ACCENTS_FOLD:
        parts = unicodedata.normalize("NFKD", compatible)
        if all(unicodedata.category(mark) == "Mn" for mark in parts[1:]):
            compatible = parts[0]
    for cased in (compatible.casefold(), compatible.lower()):
        if len(cased) == 1:
            return cased
    return compatible


@functools.cache
def _blocks() -> bytes:
    """Script of each code point by its block."""
    scripts = bytearray(TABLE_SIZE)
    for script, ranges in _SCRIPTS:
        for low, high in ranges:
            scripts[low : high + 1] = bytes([script]) * (high + 1 - low)
    return bytes(scripts)


def _script(code: int) -> Script:
    return Script(_blocks()[code]) if code < TABLE_SIZE else Script.OTHER


def _is_accent(code: int, script: Script) -> bool:
    return 0x300 <= code <= 0x36F or 0xFE00 <= code <= 0xFE0F or script in _ACCENTS_FOLD


def _within(code: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(low <= code <= high for low, high in ranges)
