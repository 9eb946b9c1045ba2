"""Words that many organisations carry in their names: legal forms, lines of business, places.

They say little about who somebody is. A legal form is left out of a comparison; a line of business
only tells two names apart; a place too, and it never adds: who shares a city or a country with a
listed entity is no nearer to it. In `tables/` a line is `meaning=spelling|spelling|...`.
"""

from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec

from stillwatch.detect.screening.letters import bare, fold, is_spaced, latin


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
}
"""Meanings that are said in two words as well as in one."""

LEAST_SPELLED: Final = 5
"""Letters that a transliterated phrase must have to be known; a shorter one may be a name."""

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
    return found


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
