"""One spelling for what is written in many ways: case, accents, variants of letters, scripts.

Names are compared as they are written where both use one script, and by transliteration where they
do not. `anyascii` gives the Latin letters; the folds here level what different systems of
transliteration make of one sound.
"""

import re
import unicodedata
from enum import StrEnum
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

from anyascii import anyascii

CACHED: Final = 1 << 16
"""Words of which each function of this package remembers the result: memory stays bounded."""


class Script(StrEnum):
    """A writing system, as far as names are compared differently in it."""

    LATIN = "latin"
    HAN = "han"
    KANA = "kana"
    HANGUL = "hangul"
    ARABIC = "arabic"
    INDIC = "indic"
    THAI = "thai"
    OTHER = "other"


_RANGES: Final = (
    (0x0000, 0x024F, Script.LATIN),
    (0x1E00, 0x1EFF, Script.LATIN),
    (0x0590, 0x08FF, Script.ARABIC),  # with Hebrew: both leave vowels out
    (0x0900, 0x0DFF, Script.INDIC),
    (0x0E00, 0x0EFF, Script.THAI),  # with Lao
    (0x1100, 0x11FF, Script.HANGUL),
    (0x3040, 0x30FF, Script.KANA),
    (0x3130, 0x318F, Script.HANGUL),
    (0x3400, 0x9FFF, Script.HAN),
    (0xAC00, 0xD7AF, Script.HANGUL),
)
_UNSPACED: Final = frozenset({Script.HAN, Script.KANA, Script.HANGUL})
_MARKED: Final = frozenset({Script.LATIN, Script.OTHER, Script.ARABIC})

_ARABIC: Final = str.maketrans("أإآٱىیيئکكةۀەؤڪ", "ااااييييككهههوك")
_ARTICLES: Final = ("وال", "بال", "ال", "لل")
_READINGS: Final = {"长": "chang", "厦": "xia", "行": "hang", "拓": "tuo"}
"""Characters that names read in another way than `anyascii`."""
_INHERENT: Final = re.compile(
    "[\u0915-\u0939\u0995-\u09b9\u0a15-\u0a39\u0a95-\u0ab9\u0b15-\u0b39\u0b95-\u0bb9"
    "\u0c15-\u0c39\u0c95-\u0cb9\u0d15-\u0d39]\u093c?(?=[\u0900-\u0dff])"
    "(?![\u093e-\u094d\u09be-\u09cd\u0a3e-\u0a4d\u0abe-\u0acd\u0b3e-\u0b4d\u0bbe-\u0bcd"
    "\u0c3e-\u0c4d\u0cbe-\u0ccd\u0d3e-\u0d4d])"
)
"""Indic consonants that a vowel follows unwritten: before another letter, not at the end."""
_SIGNS: Final = re.compile(
    r"[\u0300-\u036f\u064b-\u065f\u0640\u0591-\u05c7\u05f3\u05f4\u200b-\u200f'’ʼ`´ʹ\"]"
)


def fold(text: str) -> str:
    """One spelling of a text in its own script: case, accents, variants of letters.

    >>> fold("Prüf"), fold("ЁЖ"), fold("藍橋"), fold("Ａ.Ş.")
    ('pruf', 'еж', '蓝桥', 'a.s.')
    """
    text = unicodedata.normalize("NFKC", text).casefold().replace("ı", "i")
    # Kana and Hangul would fall apart: their marks are letters of their own.
    parts = (unicodedata.normalize("NFD", c) if script_of(c) in _MARKED else c for c in text)
    text = _SIGNS.sub("", "".join(parts))
    return unicodedata.normalize("NFC", text).translate(_simplified()).translate(_ARABIC)


@cache
def _simplified() -> dict[int, str]:
    """Traditional Chinese characters and the simplified ones that stand for them."""
    table = files("stillwatch.detect.screening") / "tables/traditional.txt"
    return {ord(pair[0]): pair[1] for pair in table.read_text(encoding="utf-8").split()}


def bare(word: str) -> str:
    """A word without the Arabic article, which Latin spellings write apart or leave out.

    >>> bare("الفراتين"), bare("alpha")
    ('فراتين', 'alpha')
    """
    for article in _ARTICLES:
        if word.startswith(article) and len(word) > len(article) + 2:
            return word[len(article) :]
    return word


@cache
def script_of(letter: str) -> Script:
    """The writing system of a letter."""
    point = ord(letter)
    return next((s for low, high, s in _RANGES if low <= point <= high), Script.OTHER)


def is_spaced(text: str) -> bool:
    """Whether a text has no letter of the scripts whose words are not told apart by spaces.

    >>> is_spaced("институт"), is_spaced("研究所"), is_spaced("연구소")
    (True, False, False)
    """
    return not any(script_of(letter) in _UNSPACED for letter in text)


@lru_cache(CACHED)
def latin(text: str) -> str:
    """A folded text in Latin letters, lower case, letters and digits only.

    >>> latin("天河"), latin("сталь"), latin("نور"), latin("パナソニック")
    ('tianhe', 'stal', 'nwr', 'panasonikku')
    """
    text = _INHERENT.sub("\\g<0>\u0905", text)
    letters = (
        _READINGS.get(c) or anyascii("\u30c4" if c in "っッ" else c) for c in text if c != "ー"
    )
    spelled = "".join(letters).lower()
    if "ッ" in text or "っ" in text:
        spelled = re.sub("tsu([bcdfghjkmprstz])", r"\1\1", spelled)
    return re.sub(r"[^a-z0-9]", "", spelled)


def _replacing(*pairs: tuple[str, str]) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(pattern), to) for pattern, to in pairs)


_SAME: Final = _replacing(
    ("(?<=[a-z]{3}i)ch$", "c"), ("ph", "f"), ("ck", "k"), ("qu", "kv"),
    ("x(?=[bcdfghjklmnpqrstvz])", "ks"),
    ("w(?=[^aeiou]|$)", "u"), ("w", "v"), ("c(?=[rtlks]|$)", "k"),
    ("ae", "a"), ("oe", "o"), ("ue", "u"), ("ee|ie(?=[bcdfghklmnprstz])", "i"), ("oo", "u"),
    ("[yj](?=[^aeiou]|$)", "i"), ("ii", "i"), ("ia", "ya"), (r"([a-z])\1", r"\1"),
)  # fmt: skip
_OTHER: Final = _replacing(
    ("shch|sch|sh", "s"), ("kh", "h"), ("zh", "z"), ("ch|ts|tz", "s"), ("dh", "d"), ("gh", "g"),
    ("th", "t"), ("c(?=[eiy])", "s"), ("c", "k"), ("q", "k"), ("ou", "u"), (r"([a-z])\1", r"\1"),
)  # fmt: skip
_GLIDES: Final = _replacing(("ks", "x"), ("[yj]", "i"), ("ii", "i"))
_HANGUL: Final = _replacing(
    ("ck|ch(?![aeiouwy])", "k"),
    ("eo", "o"), ("eu", "u"), ("ch", "j"), ("g", "k"), ("d", "t"), ("b", "p"), ("r", "l"),
    ("sh", "s"), ("y(?=[^aeiou])", "i"), ("oo", "u"), (r"([a-z])\1", r"\1"),
)  # fmt: skip
_BONES: Final = _replacing(
    ("[aeiouvwy]", ""), ("z", "d"), ("p", "b"), ("l", "r"), ("x", "ks"), ("g", "j"),
    (r"([a-z])\1", r"\1"),
)  # fmt: skip


def _apply(text: str, rules: tuple[tuple[re.Pattern[str], str], ...]) -> str:
    for pattern, to in rules:
        text = pattern.sub(to, text)
    return text


@lru_cache(CACHED)
def sound(spelled: str) -> str:
    """Latin letters with spellings of one sound levelled, for names of the same script.

    >>> sound("sanjeevan") == sound("sanjivan"), sound("vector") == sound("vektor")
    (True, True)
    >>> sound("haixin") == sound("haixing")
    False
    """
    return _apply(spelled, _SAME)


@lru_cache(CACHED)
def loose(spelled: str) -> str:
    """The same for names of which one was transliterated from an alphabet.

    >>> loose("zaria") == loose("zarya"), loose("sukhoy") == loose("suhoj")
    (True, True)
    """
    return _apply(sound(spelled), _OTHER + _GLIDES)


@lru_cache(CACHED)
def korean(spelled: str) -> str:
    """The same for names of which one was transliterated from Hangul.

    >>> korean("seorin") == korean("sorin"), korean("daedong") == korean("taedong")
    (True, True)
    """
    return _apply(spelled, _HANGUL)


@lru_cache(CACHED)
def bones(spelled: str) -> str:
    """The consonants, for scripts that leave vowels out or add them.

    >>> bones("azarakhsh") == bones("adhrkhsh"), bones("minatronics") == bones("minatoronikusu")
    (True, True)
    """
    return _apply(sound(spelled), _OTHER + _BONES)
