"""How alike two names are: what agrees, what speaks against, and in which words to say it.

The telling words are aligned, the rarest counting most. What is left over on one side may be a
branch or a short form; what is left over on both sides is another organisation. Lines of business,
places and numbers that contradict each other count against; that they agree counts for nothing
where telling words are there.
"""

import math
import re
from collections.abc import Mapping
from typing import Final

import msgspec
from rapidfuzz.distance import OSA

from stillwatch.detect.screening.letters import Script, korean, loose, sound
from stillwatch.detect.screening.names import Name, Token, skeleton

Rarity = Mapping[str, float]
"""Weight of a telling word in Latin letters, 0..1: 1 where the lists do not have it."""


class Likeness(msgspec.Struct, frozen=True):
    """What a comparison of two names found; every number is 0..1 and speaks against them.

    Attributes:
        both: telling words left over on both sides: the root of the smaller share.
        one: telling words left over on one side alone.
        spelling: how far matched words differ in spelling.
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
    turned: float
    scripts: float
    fields: float
    silent: float
    places: float
    numbers: float
    short: float
    common: float


LETTERS: Final = 8.0
"""Matched letters, weighted by rarity, that tell enough."""
LEAST_JOINED: Final = 0.5
"""Least likeness of telling words that are written as one."""
LEAST_SAME: Final = 0.8
"""The same where both are cut into as many words."""
_SKELETAL: Final = frozenset({Script.ARABIC, Script.KANA})
"""Scripts whose transliteration lacks vowels or has more of them than the name."""
_LEAST_FUZZY: Final = 5


def compare(asked: Name, listed: Name, rarity: Rarity) -> Likeness:
    """Compare a name with a listed one."""
    if asked.core and listed.core and _same_whole(asked, listed):
        both, one, spelling, turned = 0.0, 0.0, 0.0, 0.0
        short = max(0.0, 1 - _told(listed.core, [rarity.get(t.spelled, 1.0) for t in listed.core]))
    elif asked.core and listed.core:
        both, one, spelling, short, turned = _cores(asked, listed, rarity)
    elif asked.core or listed.core:
        both, one, spelling, short, turned = 1.0, 0.0, 0.0, 1.0, 0.0
    else:
        both, one, spelling, short = _common(asked, listed)
        turned = 0.0
    only_asked, only_listed = asked.fields - listed.fields, listed.fields - asked.fields
    fewer = min(len(asked.fields), len(listed.fields))
    return Likeness(
        both=both,
        one=one,
        spelling=spelling,
        turned=turned,
        scripts=float(asked.script is not listed.script),
        fields=min(len(only_asked), len(only_listed)) / fewer if fewer else 0.0,
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
    if asked.script is listed.script and asked.script not in (Script.LATIN, Script.OTHER):
        return False
    return sound(asked.whole) == sound(listed.whole)


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
    return apart if contrary else 0.0, 0.0 if contrary else apart, 0.0, max(0.0, 1 - told / 4)


def _cores(asked: Name, listed: Name, rarity: Rarity) -> tuple[float, float, float, float, float]:
    """What is left over on both sides and on one, the spelling, how little is told, and a turn."""
    pairs = _align(asked.core, listed.core)
    weights = [rarity.get(token.spelled, 1.0) for token in asked.core]
    others = [rarity.get(token.spelled, 1.0) for token in listed.core]
    met = {i: (j, quality) for quality, i, j in pairs}
    joined = _joined(asked, listed)
    if joined > 0 and len(met) < max(len(weights), len(others)):
        told = max(_told(asked.core, weights), _told(listed.core, others))
        return 0.0, 0.0, 1 - joined, max(0.0, 1 - told), 0.0
    left = 1 - sum(weights[i] for i in met) / sum(weights)
    left_other = 1 - sum(others[j] for j, _ in met.values()) / sum(others)
    if not met:
        return 1.0, 0.0, 0.0, 1.0, 0.0
    matched = sum(weights[i] for i in met)
    spelling = sum(weights[i] * (1 - quality) for i, (_, quality) in met.items()) / matched
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


def alike(a: Token, b: Token) -> float:
    """How surely two words are one, 0..1.

    >>> word = lambda text, script=Script.LATIN: Token(text, text, script)
    >>> alike(word("sanjeevan"), word("sanjivan")), alike(word("haixin"), word("yunhe"))
    (1.0, 0.0)
    """
    if a.own == b.own:
        return 1.0
    if any(map(str.isdigit, a.own + b.own)):
        return 0.0
    if a.script is b.script:
        if a.script in (Script.LATIN, Script.OTHER):
            return _near(sound(a.spelled), sound(b.spelled))
        return _near(a.own, b.own)
    scripts = {a.script, b.script}
    if scripts & _SKELETAL and Script.HANGUL not in scripts:
        return max(_skeletons(skeleton(x), skeleton(y)) for x in _articled(a) for y in _articled(b))
    return _across(a.spelled, b.spelled, scripts)


def _articled(token: Token) -> tuple[Token, ...]:
    """A Latin word that may begin with the Arabic article, with it and without."""
    if token.script is not Script.LATIN or not re.match("[ae]l.{3}", token.own):
        return (token,)
    return token, Token(token.own[2:], token.spelled[2:], token.script)


def _across(a: str, b: str, scripts: set[Script]) -> float:
    """Compare Latin spellings of words from two scripts, both of which write vowels."""
    if Script.HANGUL in scripts:
        return _near(korean(a), korean(b))
    if Script.OTHER in scripts:
        return _near(loose(a), loose(b))
    return _near(sound(a), sound(b))


def _near(a: str, b: str) -> float:
    """1 for the same, less for a slip in a long word, 0 for anything else."""
    if a == b:
        return 1.0
    if min(len(a), len(b)) < _LEAST_FUZZY:
        return 0.0
    return max(0.0, 4 * OSA.normalized_similarity(a, b) - 3)


def _skeletons(a: str, b: str) -> float:
    """The same for consonants alone, which fit more words."""
    if a == b:
        return (0.0, 0.0, 0.5, 0.8)[min(len(a), 3)]
    return _near(a, b) / 2


def _joined(asked: Name, listed: Name) -> float:
    """Compare the telling words written as one, where they are cut apart differently."""
    if len(asked.core) == len(listed.core) == 1:
        return 0.0
    least = LEAST_JOINED if len(asked.core) != len(listed.core) else LEAST_SAME
    if asked.script is listed.script and asked.script not in (Script.LATIN, Script.OTHER):
        return float(_own(asked) == _own(listed))
    scripts = {asked.script, listed.script}
    if scripts & _SKELETAL and Script.HANGUL not in scripts:
        quality = _skeletons(asked.consonants, listed.consonants)
    else:
        runs = ((asked.run, listed.run), (asked.spelled, listed.spelled))
        quality = max(_same_run(a, b, scripts) for a, b in runs)
    return quality if quality >= least else 0.0


def _same_run(a: str, b: str, scripts: set[Script]) -> float:
    return _near(sound(a), sound(b)) if len(scripts) == 1 else _across(a, b, scripts)


def _own(name: Name) -> str:
    return "".join(token.own for token in name.core)
