"""Words that many organisations carry in their names: legal forms, lines of business, places.

They say little about who somebody is. A legal form is left out of a comparison; a line of business
only tells two names apart; a place too, and it never adds: who shares a city or a country with a
listed entity is no nearer to it. In `tables/` a line is `meaning=spelling|spelling|...`.
"""

from collections.abc import Iterator
from enum import StrEnum
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

import msgspec

from stillwatch.detect.screening.forms import LEAST_STEM, cognate, expansions, one_off, stem
from stillwatch.detect.screening.letters import (
    CACHED,
    Script,
    bare,
    fold,
    is_spaced,
    latin,
    script_of,
)
from stillwatch.detect.screening.romanised import cut, wade


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
    "airline": ("airline", "aviation"),
    "polytechnic": ("technology",),
    "property management": ("management", "real estate"),
    "beauty salon": ("cosmetics",),
}
"""Meanings that are said in two words as well as in one."""

VAGUE: Final = frozenset({
    "advanced", "applied", "center", "concern", "development", "enterprise", "equipment", "factory",
    "family", "first", "general", "global", "group", "industry", "institute", "manufacturing",
    "national", "new", "production", "products", "research", "science", "services", "solutions",
    "special", "systems", "technology", "trading",
})  # fmt: skip
"""Lines of business that go with any other; what a name says besides them is its own."""

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

_JOINED: Final = frozenset("لوب")
LEAST_JOINED: Final = 4
"""Letters of an Arabic word before which "for", "and" or "by" may be written."""

LONGEST: Final = 5
"""Words in the longest phrase of the tables."""


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
        and script_of(phrase[0][0]) is not Script.ARABIC
        and meaning.sort is Sort.FIELD
    }


@lru_cache(CACHED)
def ending(word: str) -> tuple[int, Meaning] | None:
    """The line of business with which a word ends, the longest: its letters and meaning.

    >>> ending("vakuumtechnik")[0], ending("zavod")
    (7, None)
    """
    known = _endings()
    for size in range(len(word) - LEAST_BEGINNING, LEAST_ENDING - 1, -1):
        if word[-size:] in known:
            return size, known[word[-size:]]
    return None


@cache
def _fields() -> dict[str, Meaning]:
    """Lines of business of one word, as they are spelled in each script."""
    return {
        phrase[0]: meaning
        for phrase, meaning in spaced().items()
        if len(phrase) == 1 and meaning.sort is Sort.FIELD
    }


@cache
def _stems() -> dict[str, Meaning]:
    found: dict[str, Meaning] = {}
    for word, meaning in _fields().items():
        found.setdefault(stem(word), meaning)
        if script_of(word[0]) is not Script.ARABIC and len(word) >= LEAST_STEM:
            found.setdefault(word, meaning)
    found.pop("", None)
    return found


@cache
def _cognates() -> dict[str, Meaning]:
    found: dict[str, Meaning] = {}
    for word, meaning in _fields().items():
        if word.isascii() and any(word[:2] == term[:2] for term in meaning.terms):
            # International: it begins as it does in English.
            found.setdefault(cognate(word), meaning)
    found.pop("", None)
    return found


@cache
def _near() -> dict[str, Meaning]:
    return {key: meaning for word, meaning in _fields().items() for key in one_off(word)}


@lru_cache(CACHED)
def inflected(word: str) -> Meaning | None:
    """What a word means whose other forms are in the tables.

    >>> inflected("بحري").terms, inflected("hydraulicos").terms, inflected("ლოჯისტიკის").terms
    (('marine', 'transport'), ('hydraulics',), ('logistics',))
    """
    script = script_of(word[0])
    if script is Script.ARABIC and word[0] in _JOINED and len(word) > LEAST_JOINED:
        joined = _fields().get(word[1:]) or _stems().get(stem(word[1:]))
        if joined:
            return joined
    if cut(word):
        # It may be a name in pinyin, in which every letter counts.
        return None
    whole = word if script is not Script.ARABIC else ""
    if (meaning := _stems().get(stem(word) or whole)) is not None:
        return meaning
    if script is not Script.LATIN:
        return _cognates().get(cognate(word))
    return next((_near()[key] for key in one_off(word) if key in _near()), None)


@cache
def _said() -> dict[str, tuple[str, ...]]:
    return {word: meaning.terms for word, meaning in _fields().items()}


@lru_cache(CACHED)
def abbreviated(short: str) -> Meaning | None:
    """What a word before a full stop is short for; without terms where that is not sure.

    >>> abbreviated("savun").terms, abbreviated("comm").terms, abbreviated("zog")
    (('defence',), (), None)
    """
    found = expansions(short, _said())
    if not found:
        return None
    return Meaning(Sort.FIELD, found.pop() if len(found) == 1 else ())


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
