"""How alike two names are: what agrees, what speaks against, and in which words to say it.

The telling words are aligned, the rarest counting most. What is left over on one side may be a
branch or a short form; what is left over on both sides is another organisation. Lines of business,
places and numbers that contradict each other count against; that they agree counts for nothing
where telling words are there.
"""

import math
from collections.abc import Mapping
from typing import Final

import msgspec

from stillwatch.detect.screening.alike import SPELLED_BY_SOUND, alike, joined, rejoined
from stillwatch.detect.screening.letters import Script, sound
from stillwatch.detect.screening.names import Name, Token
from stillwatch.detect.screening.translated import apart
from stillwatch.detect.screening.words import VAGUE

Rarity = Mapping[str, float]
"""Weight of a telling word in Latin letters, 0..1: 1 where the lists do not have it."""


class Likeness(msgspec.Struct, frozen=True):
    """What a comparison of two names found; every number is 0..1 and speaks against them.

    Attributes:
        both: telling words left over on both sides: the root of the smaller share.
        one: telling words left over on one side alone.
        spelling: how far the matched words differ in spelling: the word that differs most.
        unread: 1 where a Chinese name and a Latin one have words left that may be translations.
        turned: 1 where one name has a telling word that the other lacks, and the other has a line
            of business or a place instead.
        scripts: 1 where the names were compared across scripts.
        fields: lines of business that contradict each other.
        silent: 1 where only one of the names says what it does.
        places: 1 where both name places and none is the same.
        numbers: 1 where both have numbers and they differ, a half where only one has.
        short: how little the matched words tell: few letters, or words that many entries have.
        common: 1 where the names have no telling word and agree or differ in common ones.
    """

    both: float
    one: float
    spelling: float
    unread: float
    turned: float
    scripts: float
    fields: float
    silent: float
    places: float
    numbers: float
    short: float
    common: float


_BEGINNING: Final = 3
"""Letters that forms of one word share."""
_ANOTHER: Final = 0.5
"""How far two names of common words are apart where a word is not the same but means the same."""
LETTERS: Final = 8.0
"""Matched letters, weighted by rarity, that tell enough."""


def compare(asked: Name, listed: Name, rarity: Rarity) -> Likeness:
    """Compare a name with a listed one."""
    asked, listed, unread = apart(asked, listed)
    asked, listed = rejoined(asked, listed), rejoined(listed, asked)
    if (asked.core or listed.core) and _same_whole(asked, listed):
        both, one, spelling, turned = 0.0, 0.0, 0.0, 0.0
        core = listed.core or asked.core
        short = max(0.0, 1 - _told(core, [rarity.get(t.spelled, 1.0) for t in core]))
    elif asked.core and listed.core:
        both, one, spelling, short, turned = _cores(asked, listed, rarity)
    elif asked.core or listed.core:
        both, one, spelling, short, turned = 1.0, 0.0, 0.0, 1.0, 0.0
    else:
        both, one, spelling, short = _common(asked, listed)
        turned = 0.0
    return Likeness(
        both=both,
        one=one,
        spelling=spelling,
        unread=float(unread),
        turned=turned,
        scripts=float(asked.script is not listed.script),
        fields=_fields(asked.fields, listed.fields),
        silent=float(bool(asked.fields) != bool(listed.fields)),
        places=float(bool(asked.places and listed.places and not asked.places & listed.places)),
        numbers=_numbers(asked.numbers, listed.numbers),
        short=short,
        common=float(not asked.core and not listed.core),
    )


def _same_whole(asked: Name, listed: Name) -> bool:
    """Whether two names are one but for spaces and legal forms.

    Two names in one script that is not spelled by sound may only sound the same.
    """
    if asked.script is listed.script and asked.script not in SPELLED_BY_SOUND:
        return False
    return sound(asked.whole) == sound(listed.whole)


def _fields(asked: frozenset[str], listed: frozenset[str]) -> float:
    """The share of lines of business that contradict each other, 0..1; vague ones only alone."""
    if asked - VAGUE and listed - VAGUE:
        asked, listed = asked - VAGUE, listed - VAGUE
    fewer = min(len(asked), len(listed))
    return min(len(asked - listed), len(listed - asked)) / fewer if fewer else 0.0


def _numbers(asked: frozenset[int], listed: frozenset[int]) -> float:
    if asked == listed:
        return 0.0
    return 1.0 if asked and listed else 0.5


def _common(asked: Name, listed: Name) -> tuple[float, float, float, float]:
    """Names of common words alone must agree in all of them."""
    shared, every = asked.terms & listed.terms, asked.terms | listed.terms
    told = len(shared) + len(asked.numbers & listed.numbers)
    apart = 1 - len(shared) / len(every) if every else 1.0
    contrary = bool(asked.terms - listed.terms) and bool(listed.terms - asked.terms)
    if not asked.numbers and asked.script is listed.script and _other_words(asked, listed):
        # Global Trade and Worldwide Trade mean one thing and are two firms.
        contrary, apart = True, max(apart, _ANOTHER)
    return apart if contrary else 0.0, 0.0 if contrary else apart, 0.0, max(0.0, 1 - told / 4)


def _other_words(a: Name, b: Name) -> bool:
    """Whether both have a common word of which the other has no form: none that begins so."""
    begin, other = ({word[:_BEGINNING] for word in some.said} for some in (a, b))
    return bool(begin - other) and bool(other - begin)


def _cores(asked: Name, listed: Name, rarity: Rarity) -> tuple[float, float, float, float, float]:
    """What is left over on both sides and on one, the spelling, how little is told, and a turn."""
    pairs = _align(asked.core, listed.core)
    weights = [rarity.get(token.spelled, 1.0) for token in asked.core]
    others = [rarity.get(token.spelled, 1.0) for token in listed.core]
    met = {i: (j, quality) for quality, i, j in pairs}
    together = joined(asked, listed)
    if together > 0 and len(met) < max(len(weights), len(others)):
        told = max(_told(asked.core, weights), _told(listed.core, others))
        return 0.0, 0.0, 1 - together, max(0.0, 1 - told), 0.0
    # Never below 0: a sum in another order may be larger by a rounding error.
    left = max(0.0, 1 - sum(weights[i] for i in met) / sum(weights))
    left_other = max(0.0, 1 - sum(others[j] for j, _ in met.values()) / sum(others))
    if not met:
        return 1.0, 0.0, 0.0, 1.0, 0.0
    most = max(weights[i] for i in met)
    spelling = max(weights[i] * (1 - quality) for i, (_, quality) in met.items()) / most
    told = _told([asked.core[i] for i in met], [weights[i] for i in met])
    fewer, more = sorted((left, left_other))
    less, longer = (asked, listed) if left_other > left else (listed, asked)
    replaced = (less.fields | less.places) - (longer.fields | longer.places)
    turned = float(more > fewer and bool(replaced))
    return math.sqrt(fewer), more - fewer, spelling, max(0.0, 1 - told), turned


def _told(tokens: list[Token] | tuple[Token, ...], weights: list[float]) -> float:
    """Letters that tell, as a share of enough; a Chinese character tells as much as three."""
    letters = (
        3 * len(token.own) if token.script is Script.HAN else len(token.spelled) for token in tokens
    )
    return sum(n * weight for n, weight in zip(letters, weights, strict=True)) / LETTERS


def _align(asked: tuple[Token, ...], listed: tuple[Token, ...]) -> list[tuple[float, int, int]]:
    """Pairs of words that match, the best first, each word once."""
    found = sorted(
        (
            (quality, -i, -j)
            for i, a in enumerate(asked)
            for j, b in enumerate(listed)
            if (quality := alike(a, b)) > 0
        ),
        reverse=True,
    )
    pairs: list[tuple[float, int, int]] = []
    for quality, i, j in found:
        if all(-i != x and -j != y for _, x, y in pairs):
            pairs.append((quality, -i, -j))
    return pairs
