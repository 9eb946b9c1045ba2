"""Words in scripts that leave short vowels out, read as patterns of their Latin spellings.

Arabic, Persian, Urdu and Hebrew write consonants and long vowels. There are many systems of
romanisation and each person has their own, so no one transliteration is compared: each letter
stands for the spellings that are in use, and a short vowel may stand between any two.
"""

import re
from functools import lru_cache
from typing import Final

from stillwatch.detect.screening.letters import CACHED

_CONSONANTS: Final = {
    "ب": "b|p|v", "پ": "p", "ت": "t|th", "ث": "th|s|t", "ج": "dj|j|g|zh", "چ": "tch|ch",
    "ح": "h|kh", "خ": "kh|h|x", "د": "d|dh", "ذ": "dh|z|d|th", "ر": "r", "ز": "z|s", "ژ": "zh|j",
    "س": "ss|s|c", "ش": "sch|sh|ch|s", "ص": "ss|s|c", "ض": "dh|d|z", "ط": "t|th",
    "ظ": "zh|z|dh|th|d", "غ": "gh|g|q", "ف": "ph|f|v", "ق": "gh|q|k|g|c", "ك": "ck|k|c|q",
    "گ": "gu|g", "ل": "l", "م": "m", "ن": "n", "ه": "h", "ڤ": "v|f",
    "ב": "v|b", "ג": "g|j", "ד": "d", "ה": "h", "ז": "z|s", "ח": "ch|kh|h", "ט": "t",
    "כ": "ch|kh|k|c", "ך": "ch|kh|k", "ל": "l", "מ": "m", "ם": "m", "נ": "n", "ן": "n",
    "ס": "s", "פ": "ph|p|f", "ף": "ph|p|f", "צ": "tz|ts|z|s", "ץ": "tz|ts|z|s", "ק": "q|k|c",
    "ר": "r", "ש": "sh|s", "ת": "th|t",
}  # fmt: skip
_WAW: Final = "[aeo]?(?:w{1,2}|v|oo|ou|u|o)"
_YA: Final = "[aei]?(?:y{1,2}|i|j)|ee|ea|e"
_VOWELS: Final = {
    "ا": "aa|a|e|o|u", "و": _WAW, "ו": _WAW, "ي": _YA, "י": _YA,
    "ع": "(?:aa|ee|[aeiou])?", "ע": "[aeiou]?", "א": "[aeiou]?", "ء": "[aeiou]?",
}  # fmt: skip
_FIRST: Final = {"ا": "aa|ee|ou|[aeiou]", "ي": "y|i|j", "י": "y|i", "و": "w|v|ou|u|o", "ו": "v|u|o"}
_LAST: Final = {
    "ه": "(?:ah|at|eh|et|he|h|a|e)?", "ה": "(?:ah|eh|a|e|h)?", "ا": "aa|ah|a|e",
    "ي": "iyy|iy|ee|ie|ij|i|y|a|e", "י": "i|y|ee|ay|ai",
}  # fmt: skip
_SHORT: Final = "(?:ou|oo|ee|ei|[aeiou])?"
ARTICLE: Final = r"(?:[aeu](?:l|(sh|dh|th|s|d|t|n|r|z)(?=\1)))"
"""The article as it is heard: before a sun letter it takes that letter."""
_QUALITY: Final = (0.0, 0.2, 0.6, 0.85, 0.95, 1.0)
"""How much a pattern of so many letters tells."""


@lru_cache(CACHED // 16)
def pattern(word: str) -> re.Pattern[str]:
    """All the Latin spellings of a folded word.

    >>> words = "yaqoot", "yaqut", "yaqout", "yakout", "yakt", "bakut"
    >>> [bool(pattern("ياقوت").fullmatch(spelling)) for spelling in words]
    [True, True, True, True, False, False]
    """
    last = len(word) - 1
    parts = []
    for at, letter in enumerate(word):
        short = _SHORT if at < last else ""
        if at == 0 and letter == "ה" and last > 1:
            parts.append("(?:h[ae]?)?")  # the Hebrew article, often left out
        elif at == 0 and letter in _FIRST:
            parts.append(f"(?:{_FIRST[letter]}){short}")
        elif at == last and at > 0 and letter in _LAST:
            parts.append(f"(?:{_LAST[letter]})")
        elif letter in _VOWELS:
            parts.append(f"(?:{_VOWELS[letter]}){short}")
        elif letter in _CONSONANTS:
            parts.append(f"(?:{_CONSONANTS[letter]}){{1,2}}{short}")
        else:
            parts.append(re.escape(letter))
    return re.compile("".join(parts))


def fits(words: tuple[str, ...], spelled: str) -> float:
    """How surely a Latin spelling is of these words, run together, 0..1.

    Args:
        words: folded words, without the article.
        spelled: Latin letters without spaces, with or without articles.

    >>> fits(("حكمه",), "alhikmah"), fits(("صقور",), "assuqoor"), fits(("صقور",), "zuhur")
    (0.95, 0.95, 0.0)
    """
    return _QUALITY[min(sum(map(len, words)), 5)] if _run(words).fullmatch(spelled) else 0.0


@lru_cache(CACHED // 16)
def _run(words: tuple[str, ...]) -> re.Pattern[str]:
    # Each article has a group of its own for the letter that it takes.
    articles = (ARTICLE.replace(r"\1", rf"\{at}") for at in range(1, len(words) + 1))
    return re.compile("".join(f"{a}?{pattern(w).pattern}" for a, w in zip(articles, words)))  # noqa: B905
