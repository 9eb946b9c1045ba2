"""A name taken apart: what tells an organisation from others, and what many share."""

import re
import unicodedata
from collections.abc import Iterator
from functools import cached_property, lru_cache
from typing import Final

import msgspec

from stillwatch.detect.screening.abjad import ARTICLE
from stillwatch.detect.screening.letters import (
    CACHED,
    Script,
    bare,
    bones,
    fold,
    is_spaced,
    latin,
    script_of,
)
from stillwatch.detect.screening.words import (
    ARTICLES,
    LONGEST,
    VAGUE,
    Meaning,
    Sort,
    abbreviated,
    ending,
    inflected,
    spaced,
    unspaced,
)


class Token(msgspec.Struct, frozen=True):
    """One telling word: folded in its own script, in Latin letters, and the script."""

    own: str
    spelled: str
    script: Script


_HARD: Final = {"כ": "k", "פ": "p", "ב": "b"}
"""Hebrew letters that are hard where a word begins and may be soft elsewhere."""


@lru_cache(CACHED)
def skeleton(token: Token) -> str:
    """The consonants of a word; in Arabic and Hebrew letter by letter.

    >>> word = Token("سپهر", "sphr", Script.ARABIC)
    >>> skeleton(word) == skeleton(Token("sepehr", "sepehr", Script.LATIN))
    True
    """
    if token.script is not Script.ARABIC:
        return bones(re.sub("(?<=..[ae])h$", "", token.spelled))
    own = token.own[:-1] if token.own.endswith("ه") and len(token.own) > 3 else token.own
    begin = _HARD.get(own[:1]) or latin(own[:1])
    letters = "".join(bones(one) for one in (begin, *map(latin, own[1:])))
    return re.sub(r"(.)\1", r"\1", letters)


_WITH_ARTICLE: Final = re.compile(f"{ARTICLE}(?=.{{3}})")


def articled(token: Token) -> tuple[Token, ...]:
    """A Latin word that may begin with the Arabic article, with it and without.

    >>> [one.own for one in articled(Token("assuqoor", "assuqoor", Script.LATIN))]
    ['assuqoor', 'suqoor']
    """
    begin = _WITH_ARTICLE.match(token.spelled) if token.script is Script.LATIN else None
    if not begin:
        return (token,)
    rest = token.spelled[begin.end() :]
    return token, Token(rest, rest, token.script)


class Name(msgspec.Struct, frozen=True, dict=True):
    """A name taken apart.

    Attributes:
        text: as it was written.
        core: the words that tell it from others, in order.
        run: the core in Latin letters without spaces, with articles such as "al".
        whole: everything but legal forms in Latin letters without spaces.
        fields: what it does, in English words.
        places: places in the name.
        numbers: numbers in the name.
        said: its lines of business in its own words, in Latin letters.
    """

    text: str
    core: tuple[Token, ...]
    run: str
    whole: str
    fields: frozenset[str]
    places: frozenset[str]
    numbers: frozenset[int]
    said: frozenset[str]

    @cached_property
    def script(self) -> Script:
        """The script of most of its telling letters; Latin where it has none."""
        sizes: dict[Script, int] = {}
        for token in self.core:
            sizes[token.script] = sizes.get(token.script, 0) + len(token.spelled)
        return max(sizes, key=lambda script: sizes[script]) if sizes else Script.LATIN

    @cached_property
    def consonants(self) -> str:
        """The consonants of its telling words, run together."""
        return "".join(skeleton(token) for token in self.core)

    @cached_property
    def spelled(self) -> str:
        """Its telling words in Latin letters, run together."""
        return "".join(token.spelled for token in self.core)

    @cached_property
    def terms(self) -> frozenset[str]:
        """Everything in the name that is not its core."""
        return self.fields | self.places | {str(number) for number in self.numbers}


_INITIALS: Final = re.compile(r"(?<!\w)(?:\w\. ?){2,}(?:\w(?!\w))?(?!\w)|(?<!\w)\w/\w(?!\w)")
_SIGN: Final = re.compile(r"№|#|(?<!\w)(?:no|nr|n[°º])\.? ?(?=\d)", re.IGNORECASE)
_BRACKETED: Final = re.compile(r"[(（\[](?:주|유|株|有)[)）\]]")
_WORD: Final = re.compile(r"(?:[^\W_]|[\u0900-\u109f\u1780-\u17ff])+\.?")
_NUMBER: Final = re.compile(r"(\d{1,9})(?:st|nd|rd|th|й|ый|ои|ого|го|я|ая|号|호)?")
_HAN_DIGITS: Final = {d: i for i, d in enumerate("〇一二三四五六七八九")} | {"零": 0, "两": 2}
_HAN_NUMBER: Final = re.compile(
    r"第([〇零一二两三四五六七八九十百]+)|([〇一二三四五六七八九十百]{2,})(?=研究|所|厂|院)"
)
_TENS: Final = {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70,
    "eighty": 80, "ninety": 90,
}  # fmt: skip
_ORDINALS: Final = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7,
    "eighth": 8, "ninth": 9, "tenth": 10, "eleventh": 11, "twelfth": 12, "thirteenth": 13,
    "fourteenth": 14, "fifteenth": 15, "sixteenth": 16, "seventeenth": 17, "eighteenth": 18,
    "nineteenth": 19, "twentieth": 20,
}  # fmt: skip
_KEPT: Final = frozenset({"al", "el"})


def parse_name(text: str) -> Name:
    """Take a name apart.

    >>> name = parse_name("Beijing Tianhe Technology Co., Ltd.")
    >>> [token.own for token in name.core], sorted(name.fields), sorted(name.places)
    (['tianhe'], ['technology'], ['beijing'])
    >>> [token.spelled for token in parse_name("北京天河科技有限公司").core]
    ['tianhe']
    >>> parse_name("第三十八研究所").numbers == parse_name("38th Research Institute").numbers
    True
    """
    core: list[Token] = []
    run: list[str] = []
    whole: list[str] = []
    terms: dict[Sort, set[str]] = {sort: set() for sort in Sort}
    numbers: set[int] = set()
    said: set[str] = set()
    for part in _parts(_words(text)):
        match part:
            case int():
                numbers.add(part)
                whole.append(str(part))
            case str():
                token = Token(part, latin(part), script_of(part[0]))
                if token.spelled:
                    core.append(token)
                    run.append(token.spelled)
                    whole.append(token.spelled)
            case (word, meaning):
                terms[meaning.sort].update(meaning.terms)
                if meaning.sort is Sort.FIELD:
                    said.add(latin(word))
                if word in _KEPT:
                    run.append(word)
                if meaning.sort in (Sort.FIELD, Sort.PLACE):
                    whole.append(latin(word))
    return Name(
        text,
        tuple(core),
        "".join(run),
        "".join(whole),
        frozenset(terms[Sort.FIELD]),
        frozenset(terms[Sort.PLACE]),
        frozenset(numbers),
        frozenset(said),
    )


def _words(text: str) -> list[str]:
    """The folded words of a name; one that may be an abbreviation keeps its full stop."""
    text = _INITIALS.sub(lambda found: re.sub("[./ ]", "", found[0]) + " ", _SIGN.sub(" no ", text))
    text = _BRACKETED.sub(" ", unicodedata.normalize("NFKC", text))
    text = _HAN_NUMBER.sub(lambda found: f" {_han_number(found[1] or found[2])} ", fold(text))
    found = _WORD.findall(re.sub("[&+]", " and ", text))
    return [bare(word) if _abbreviation(word) else bare(word.rstrip(".")) for word in found]


def _abbreviation(word: str) -> bool:
    return word.endswith(".") and abbreviated(word[:-1]) is not None


Part = int | str | tuple[str, Meaning]


def _parts(words: list[str]) -> Iterator[Part]:
    """Numbers, telling words, and common words with their meaning."""
    at = 0
    while at < len(words):
        if words[at] in _TENS and words[at + 1 : at + 2] and words[at + 1] in _ORDINALS:
            yield _TENS[words[at]] + _ORDINALS[words[at + 1]]
            at += 2
        elif words[at] in _ORDINALS:
            yield _ORDINALS[words[at]]
            at += 1
        elif number := _NUMBER.fullmatch(words[at]):
            yield int(number[1])
            at += 1
        elif not is_spaced(words[at]):
            yield from _segments(words[at])
            at += 1
        else:
            size, part = _phrase(words, at)
            yield from _compound(part) if isinstance(part, str) else (part,)
            at += size


def _compound(word: str) -> Iterator[Part]:
    """A telling word, cut where a trade is written together with it, as in Vakuumtechnik."""
    end = ending(word)
    head = _phrase([word[: -end[0]]], 0)[1] if end else word
    if end is None or (isinstance(head, tuple) and VAGUE.issuperset(head[1].terms + end[1].terms)):
        # Two words that go with any trade, written as one, are a name: Technoservice.
        yield word
    else:
        yield head
        yield word[-end[0] :], end[1]


def _phrase(words: list[str], at: int) -> tuple[int, Part]:
    """The longest common phrase that begins here, or else one telling word."""
    known = spaced()
    for size in range(min(LONGEST, len(words) - at), 0, -1):
        phrase = tuple(word.rstrip(".") for word in words[at : at + size])
        meaning = known.get(phrase)
        if meaning is None and phrase[-1].endswith("s"):
            singular = known.get((*phrase[:-1], phrase[-1][:-1]))
            meaning = singular if singular and singular.sort is Sort.FIELD else None
        if meaning is None and size == 1:
            short = abbreviated(phrase[0]) if words[at].endswith(".") else None
            meaning = short or inflected(phrase[0])
        if meaning is not None:
            return size, ("".join(phrase), meaning)
    following = words[at + 1] if at + 1 < len(words) else ""
    if words[at] in ARTICLES and following.startswith(words[at][1:]):
        # An article before a sun letter, written apart: as-Suqur.
        return 1, (words[at], Meaning(Sort.PARTICLE, ()))
    return 1, words[at]


def _segments(run: str) -> Iterator[Part]:
    """Cut text without spaces at the common words in it, the longest first."""
    known = unspaced()
    rest, at = "", 0
    while at < len(run):
        size = next(
            (n for n in range(min(14, len(run) - at), 0, -1) if run[at : at + n] in known), 0
        )
        if size:
            yield from _by_script(rest)
            rest = ""
            yield run[at : at + size], known[run[at : at + size]]
        else:
            rest += run[at]
        at += size or 1
    yield from _by_script(rest)


def _by_script(text: str) -> Iterator[Part]:
    start = 0
    for at in range(1, len(text) + 1):
        if at == len(text) or script_of(text[at]) != script_of(text[start]):
            piece = text[start:at]
            yield int(piece) if piece.isdecimal() and len(piece) < 10 else piece
            start = at


def _han_number(text: str) -> int:
    """A Chinese numeral below a thousand.

    >>> _han_number("三十八"), _han_number("一四"), _han_number("百二十")
    (38, 14, 120)
    """
    if not set(text) & {"十", "百"}:
        return int("".join(str(_HAN_DIGITS[d]) for d in text))
    total = 0
    rest = text
    for unit, size in (("百", 100), ("十", 10)):
        before, found, after = rest.partition(unit)
        if found:
            total += size * (_HAN_DIGITS.get(before[-1:], 1) or 1)
            rest = after
    return total + _HAN_DIGITS.get(rest[-1:], 0)
