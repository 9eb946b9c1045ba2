"""The writing system of a prompt: for reporting rates per language, never a signal."""

from enum import IntEnum


class Script(IntEnum):
    """Values of the `script` column: the script of most letters."""

    OTHER = 0
    LATIN = 1
    CYRILLIC = 2
    GREEK = 3
    ARABIC = 4
    HEBREW = 5
    DEVANAGARI = 6
    THAI = 7
    HAN = 8
    KANA = 9
    HANGUL = 10
