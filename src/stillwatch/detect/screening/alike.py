"""How surely two telling words are one: the same spelling, the same sound, a slip of a letter."""

import re
from functools import lru_cache
from typing import Final

import msgspec
from rapidfuzz.distance import OSA

from stillwatch.detect.screening.abjad import fits
from stillwatch.detect.screening.letters import CACHED, Script, korean, loose, sound
from stillwatch.detect.screening.names import Name, Token, skeleton
from stillwatch.detect.screening.romanised import cut, readings, romaji, same_word
from stillwatch.detect.screening.slips import slip

SKELETAL: Final = frozenset({Script.ARABIC, Script.KANA, Script.INDIC, Script.THAI})
"""Scripts whose transliteration lacks vowels or has more of them than the name."""
_READ: Final = frozenset({Script.ARABIC, Script.HAN, Script.KANA})
"""Scripts that are compared with Latin letters in ways of their own."""
SPELLED_BY_SOUND: Final = (Script.LATIN, Script.OTHER)
LEAST_JOINED: Final = 0.5
"""Least likeness of telling words that are written as one."""
LEAST_SAME: Final = 0.8
"""The same where both are cut into as many words."""
_SYSTEM: Final = 0.9
"""Two systems of romanisation."""
_LOOSE: Final = 0.85
"""The same word but for letters that romanisations confuse."""
_LEAST_LOOSE: Final = 4
_NEAR: Final = 0.75
"""The same word but for vowels that romanisations confuse."""
_LEAST_NEAR: Final = 3
_BONES: Final = (0.0, 0.0, 0.25, 0.6, 0.8)
"""Words of the same consonants, by their number."""
_ODD: Final = 0.6
"""The same where the vowels do not fit the pattern of an Arabic word."""


@lru_cache(CACHED)
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
        if a.script is Script.HAN:
            return 0.0
        if a.script in SPELLED_BY_SOUND:
            return _same_alphabet(a.spelled, b.spelled)
        return slip(a.own, b.own)
    return across((a,), (b,))


def across(asked: tuple[Token, ...], listed: tuple[Token, ...]) -> float:
    """The same for words run together, in two scripts; 0..1."""
    scripts = {token.script for token in asked + listed}
    if Script.LATIN in scripts and len(scripts) == 2 and scripts & _READ:
        return _beside_latin(*((asked, listed) if asked[0].script in _READ else (listed, asked)))
    if scripts & SKELETAL and Script.HANGUL not in scripts:
        return _skeletons(asked, listed)
    level = korean if Script.HANGUL in scripts else loose if Script.OTHER in scripts else sound
    return slip(*(level("".join(token.spelled for token in some)) for some in (asked, listed)))


def _beside_latin(theirs: tuple[Token, ...], latin: tuple[Token, ...]) -> float:
    """Compare with Latin words as they are read in each script."""
    spelled = "".join(token.spelled for token in latin)
    own = tuple(token.own for token in theirs)
    match theirs[0].script:
        case Script.ARABIC:
            return max(fits(own, spelled), _ODD * _skeletons(theirs, latin))
        case Script.HAN:
            ways = readings("".join(own))
            if cut(spelled):
                # Pinyin: another letter is another name, though Wade-Giles may be one off.
                return float(spelled in ways)
            return max(_same_alphabet(way, spelled) for way in ways)
        case _:
            kana = romaji("".join(token.spelled for token in theirs))
            same = bool(kana) and kana == romaji(spelled)
            return 1.0 if same else _skeletons(theirs, latin)


def _same_alphabet(a: str, b: str) -> float:
    """Compare words in Latin letters."""
    if a == b or _undoubled(a) == _undoubled(b):
        return 1.0
    if same_word(a, b):
        return _SYSTEM
    if cut(a) and cut(b):
        # Made of syllables, both: another letter is another name.
        return 0.0
    heard = slip(sound(a), sound(b))
    if heard < 1 and OSA.distance(a, b, score_cutoff=2) == 1:
        heard = min(heard, slip(a, b))
    same = len(loose(a)) >= _LEAST_LOOSE and loose(a) == loose(b)
    written = _vowels(a)
    near = len(written) >= _LEAST_NEAR and written == _vowels(b)
    return max(heard, _LOOSE * same, _NEAR * near)


@lru_cache(CACHED)
def _vowels(word: str) -> str:
    """A word with the vowels that romanisations confuse as one: o and u, e and i.

    >>> _vowels("mowj") == _vowels("muj"), _vowels("dalkor") == _vowels("delkor")
    (True, False)
    """
    word = re.sub("o[uw]?|u[wo]?", "u", sound(word))
    return re.sub("e[iy]?|i[ey]?|y(?![aeiou])", "i", word)


@lru_cache(CACHED)
def _undoubled(word: str) -> str:
    return re.sub(r"([a-z])\1", r"\1", word)


def _skeletons(asked: tuple[Token, ...], listed: tuple[Token, ...]) -> float:
    """Compare consonants alone, which fit more words."""
    a, b = ("".join(map(skeleton, some)) for some in (asked, listed))
    if a == b:
        return _BONES[min(len(a), 4)]
    return slip(a, b) / 2


def joined(asked: Name, listed: Name) -> float:
    """Compare the telling words written as one, where they are cut apart differently; 0..1."""
    if len(asked.core) == len(listed.core) == 1:
        return 0.0
    least = LEAST_JOINED if len(asked.core) != len(listed.core) else LEAST_SAME
    if asked.script is not listed.script:
        quality = across(asked.core, listed.core)
    elif asked.script in SPELLED_BY_SOUND:
        runs = ((asked.run, listed.run), (asked.spelled, listed.spelled))
        quality = max(_same_alphabet(a, b) for a, b in runs)
    else:
        quality = float(_own(asked) == _own(listed))
    return quality if quality >= least else 0.0


def rejoined(name: Name, other: Name) -> Name:
    """The name with words written as one that the other writes as one.

    Tala Sazeh beside Talasazeh; only in scripts that are spelled by sound, and where the other word
    has no part of its own here.
    """
    if name.script is not other.script or name.script not in SPELLED_BY_SOUND:
        return name
    whole = {sound(token.spelled) for token in other.core} - {sound(t.spelled) for t in name.core}
    core, at = list(name.core), 0
    while whole and at + 1 < len(core):
        one, two = core[at], core[at + 1]
        if sound(one.spelled + two.spelled) in whole:
            core[at : at + 2] = [Token(one.own + two.own, one.spelled + two.spelled, one.script)]
        at += 1
    return msgspec.structs.replace(name, core=tuple(core)) if len(core) < len(name.core) else name


def _own(name: Name) -> str:
    return "".join(token.own for token in name.core)
