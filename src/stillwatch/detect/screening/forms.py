"""Other forms of common words: inflected, abbreviated, loaned into another script, mistyped.

The tables hold the forms that are read most. Here the others are found by rule: a word that begins
as a common word does and differs in its ending; the first letters of one before a full stop; the
consonants of an international word in another script; one wrong letter in a long word.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final, TypeVar

from stillwatch.detect.screening.letters import Script, bones, latin, script_of

_T = TypeVar("_T")

LEAST_STEM: Final = 5
"""Letters of a stem in an alphabet; in a shorter one another word may begin so."""
LEAST_ABBREVIATED: Final = 3
"""Letters of an abbreviation; a shorter one may be anything."""
LEFT_OUT: Final = 2
"""Letters that an abbreviation leaves out at least."""
LEAST_BONES: Final = 5
"""Consonants by which an international word is known in another script."""
LEAST_MISTYPED: Final = 8
"""Letters of a common word that is known with one letter wrong."""

_ARABIC: Final = re.compile("([\u0621-\u06ff]{3,}?)(?:هاي|يات|يه|ات|ين|ها|ي|ه)")
_CYRILLIC: Final = re.compile(
    "([\u0400-\u04ff]{5,}?)(?:ического|ическои|ическии|ическая|ическое|ческих|ични[ийх]|ована|"
    "ских|скои|ского|скии|ская|ское|ськии|ська|ське|ських|ського|ическ|ных|нои|ного|ныи|ная|ное|"
    "ные|нии|нии|на|не|ни|ов|ів|ев|ами|ями|ах|ях|ои|ыи|ии|ая|яя|ое|ее|ые|ие|ия|ію|ія|ії|"
    "ам|ом|ем|[аеиіоуыьюяй])"
)
_LATIN: Final = re.compile(
    "([a-z]{5,}?)(?:ically|icals?|iques?|ischen?|isches|ics?|icos?|icas?|ici|iche|iczny|iczne|"
    "iczna|icky|icke|icka|icki|nyi|naya|noe|nye|skii|skiy|skaya|skoe|skyi|"
    "ings?|ers?|ors?|als?|ales?|als|en|es|ie|ia|ya|iya|ija|y|s|e|a|o|os|as)"
)
_WEAK: Final = frozenset("aeiouvwy")
"""First letters that the consonants leave out."""
_STEMS: Final = {Script.ARABIC: _ARABIC, Script.LATIN: _LATIN}


def stem(word: str) -> str:
    """A folded word without its ending; empty where it has none that is known.

    >>> stem("hydraulics"), stem("hydraulique"), stem("приборостроительного")
    ('hydraul', 'hydraul', 'приборостроитель')
    """
    rule = _CYRILLIC if "\u0400" <= word[:1] <= "\u04ff" else _STEMS.get(script_of(word[:1] or "a"))
    found = rule.fullmatch(word) if rule else None
    return found[1] if found else ""


def cognate(word: str) -> str:
    """The consonants of a word in another script, or nothing where they tell too little.

    >>> cognate("ლოჯისტიკა") == cognate("logistika")
    True
    """
    spelled = latin(word)
    key = bones(spelled)
    begin = "" if spelled[:1] not in _WEAK else "a" if spelled[0] in "aeiou" else spelled[0]
    return begin + key if len(key) >= LEAST_BONES else ""


def one_off(word: str) -> Iterable[str]:
    """A long Latin word with each of its letters but the first left out: keys of near misses."""
    if len(word) < LEAST_MISTYPED or not (word.isascii() and word.isalpha()):
        return ()
    return (word[:at] + "_" + word[at + 1 :] for at in range(1, len(word)))


def expansions(short: str, words: Mapping[str, _T]) -> set[_T]:
    """What a word before a full stop may be short for.

    Args:
        short: folded, without the full stop.
        words: common words and what each means.

    Returns:
        Meanings of the common words that begin so and are longer.

    >>> sorted(expansions("sav", {"savunma": "defence", "savings": "bank", "save": "keep"}))
    ['bank', 'defence']
    """
    if len(short) < LEAST_ABBREVIATED:
        return set()
    least = len(short) + LEFT_OUT
    return {means for word, means in words.items() if len(word) >= least and word.startswith(short)}
