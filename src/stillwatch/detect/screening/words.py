"""Words that many organisations carry in their names: legal forms, lines of business, places.

They say little about who somebody is. A legal form is left out of a comparison; a line of business
only tells two names apart; a place too, and it never adds: who shares a city or a country with a
listed entity is no nearer to it. In `tables/` a line is `meaning=spelling|spelling|...`.
"""

import re
from collections.abc import Iterator
from enum import StrEnum
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

import msgspec

from stillwatch.detect.screening.letters import CACHED, bare, fold, is_spaced, latin
from stillwatch.detect.screening.romanised import wade


class Sort(StrEnum):
    """What a common word says; the values name the tables."""

    LEGAL = "legal"
    PARTICLE = "particles"
    FIELD = "fields"
    PLACE = "places"


class Meaning(msgspec.Struct, frozen=True):
    """What a word or phrase means: its sort, and the English words that stand for it."""

    sort: Sort
    terms: tuple[str, ...]


COMPOUND: Final = {
    "research institute": ("institute", "research"),
    "design bureau": ("bureau", "design"),
    "science and technology": ("science", "technology"),
    "avionics": ("aviation", "electronics"),
    "microelectronics": ("electronics", "micro"),
    "shipping": ("marine", "transport"),
    "heavy industry": ("heavy", "industry"),
    "machine tools": ("machinery", "tools"),
    "petrochemical": ("chemical", "petrochemical"),
    "optical communication": ("communications", "optics"),
    "underwater acoustics": ("acoustics", "underwater"),
    "ship management": ("management", "marine", "transport"),
    "measurement instruments": ("instruments",),
    "storage device": ("memory",),
    "security printing": ("printing", "security"),
    "property management": ("management", "real estate"),
    "beauty salon": ("cosmetics",),
}
"""Meanings that are said in two words as well as in one."""

LEAST_SPELLED: Final = 5
"""Letters that a transliterated phrase must have to be known; a shorter one may be a name."""

ARTICLES: Final = frozenset(
    vowel + letter for vowel in "ae" for letter in ("sh", "th", "dh", *"sdtnrz")
)
"""The Arabic article as it sounds before a sun letter, where it is written apart."""

LEAST_ENDING: Final = 5
"""Letters of a line of business at the end of a longer word."""
LEAST_BEGINNING: Final = 4
"""Letters that must stand before it."""

LONGEST: Final = 5
"""Words in the longest phrase of the tables."""

_INFLECTED: Final = re.compile("([\u0621-\u06ff]{3,}?)(?:يات|يه|ات|ين|ي|ه)")


@cache
def spaced() -> dict[tuple[str, ...], Meaning]:
    """Phrases as folded words, those of other scripts in Latin letters too."""
    found: dict[tuple[str, ...], Meaning] = {}
    for phrase, meaning in _phrases():
        if is_spaced(phrase):
            words = [fold(word) for word in phrase.split()]
            found.setdefault(tuple(words), meaning)
            found.setdefault(tuple(bare(word) for word in words), meaning)
    for phrase, meaning in _phrases():
        spelled = tuple(latin(fold(word)) for word in phrase.split())
        if sum(map(len, spelled)) >= LEAST_SPELLED and meaning.sort is not Sort.PARTICLE:
            found.setdefault(spelled, meaning)
    for phrase, meaning in _phrases():
        syllables = wade(phrase) if meaning.sort is Sort.PLACE else ()
        if sum(map(len, syllables)) >= LEAST_SPELLED:
            found.setdefault(syllables, meaning)
            found.setdefault(("".join(syllables),), meaning)
    return found


@cache
def _endings() -> dict[str, Meaning]:
    return {
        phrase[0]: meaning
        for phrase, meaning in spaced().items()
        if len(phrase) == 1
        and len(phrase[0]) >= LEAST_ENDING
        and phrase[0].isascii()
        and meaning.sort is Sort.FIELD
    }


@lru_cache(CACHED)
def ending(word: str) -> tuple[int, Meaning] | None:
    """The line of business with which a Latin word ends: its letters and meaning; the longest.

    >>> ending("vakuumtechnik")[0], ending("zavod")
    (7, None)
    """
    known = _endings()
    for size in range(len(word) - LEAST_BEGINNING, LEAST_ENDING - 1, -1):
        if word[-size:] in known:
            return size, known[word[-size:]]
    return None


@cache
def _stems() -> dict[str, Meaning]:
    return {
        stem: meaning
        for phrase, meaning in spaced().items()
        if len(phrase) == 1 and meaning.sort is Sort.FIELD and (stem := _stem(phrase[0]))
    }


def _stem(word: str) -> str:
    """An Arabic word without the ending of an adjective or a plural; empty where it has none."""
    found = _INFLECTED.fullmatch(word)
    return found[1] if found else ""


@lru_cache(CACHED)
def inflected(word: str) -> Meaning | None:
    """What an Arabic word means whose other forms are in the tables.

    >>> inflected("بحري").terms
    ('marine',)
    """
    stem = _stem(word)
    return _stems().get(stem) if stem else None


@cache
def unspaced() -> dict[str, Meaning]:
    """Phrases in Chinese, Japanese and Korean, which are found inside a run of letters."""
    found: dict[str, Meaning] = {}
    for phrase, meaning in _phrases():
        if not is_spaced(phrase):
            found.setdefault(fold(phrase), meaning)
    return found


def _phrases() -> Iterator[tuple[str, Meaning]]:
    folder = files("stillwatch.detect.screening") / "tables"
    for sort in Sort:
        for line in (folder / f"{sort}.txt").read_text(encoding="utf-8").splitlines():
            meaning, _, spellings = line.partition("=")
            terms = COMPOUND.get(meaning, (meaning,) if meaning else ())
            for phrase in spellings.split("|"):
                yield phrase, Meaning(sort, terms)
