"""Systems of romanisation: pinyin and Wade-Giles for Chinese, Hepburn and Kunrei for Japanese.

A word that can be read as pinyin is a name made of syllables: another letter is another name, not a
slip. Readings of Japanese characters cannot be told from the characters and are not guessed.
"""

import re
from functools import cache, lru_cache
from itertools import islice, product
from typing import Final

from anyascii import anyascii

from stillwatch.detect.screening.letters import CACHED, korean, latin

_READ_TWICE: Final = {
    "重": ("chong", "zhong"), "长": ("chang", "zhang"), "行": ("hang", "xing"), "乐": ("le", "yue"),
    "盛": ("sheng", "cheng"), "朝": ("chao", "zhao"), "都": ("du", "dou"), "厦": ("xia", "sha"),
    "曾": ("zeng", "ceng"), "传": ("chuan", "zhuan"), "会": ("hui", "kuai"), "单": ("dan", "shan"),
    "藏": ("zang", "cang"), "宿": ("su", "xiu"), "翟": ("zhai", "di"), "柏": ("bai", "bo"),
    "车": ("che", "ju"), "弹": ("dan", "tan"), "调": ("diao", "tiao"), "仇": ("chou", "qiu"),
    "解": ("jie", "xie"), "覃": ("tan", "qin"), "沈": ("shen", "chen"), "强": ("qiang", "jiang"),
    "晟": ("sheng", "cheng"), "拓": ("tuo", "ta"), "茜": ("qian", "xi"), "莘": ("xin", "shen"),
    "筠": ("yun", "jun"), "浚": ("jun", "xun"), "隽": ("jun", "juan"), "番": ("fan", "pan"),
    "娜": ("na", "nuo"), "尉": ("wei", "yu"), "贾": ("jia", "gu"), "佛": ("fo", "fu"),
}  # fmt: skip
"""Characters that names read in two ways."""
_READINGS: Final = 8
_LONGEST: Final = 6
"""Letters of the longest syllable, `zhuang`."""


@cache
def syllables() -> frozenset[str]:
    """The syllables of pinyin, without tones."""
    read = {anyascii(chr(point)).lower() for point in range(0x4E00, 0x9FA6)}
    return frozenset(one for one in read if re.fullmatch("[a-z]{1,6}", one)) - {"m", "n", "ng"}


@lru_cache(CACHED)
def cut(word: str) -> tuple[str, ...]:
    """The syllables of a word in pinyin, or none where it cannot be read so.

    >>> cut("chuanling"), cut("hydraulic")
    (('chuan', 'ling'), ())
    """
    known = syllables()
    best: list[tuple[str, ...] | None] = [()] + [None] * len(word)
    for end in range(1, len(word) + 1):
        for start in range(max(0, end - _LONGEST), end):
            before = best[start]
            if before is not None and word[start:end] in known:
                found = (*before, word[start:end])
                if best[end] is None or len(found) < len(best[end] or ()):
                    best[end] = found
    return best[-1] or ()


_WADE: Final = tuple(
    (re.compile(pattern), to)
    for pattern, to in (
        ("^(?:zhi|chi)$", "chih"), ("^shi$", "shih"), ("^ri$", "jih"), ("^(?:zi|ci)$", "tzu"),
        ("^si$", "ssu"), ("^(?:zh|q)", "ch"), ("^j", "ch"), ("^x", "hs"), ("^[zc](?!h)", "ts"),
        ("^r", "j"), ("^b", "p"), ("^d", "t"), ("^g", "k"), ("ong$", "ung"), ("^you$", "yu"),
        ("^yan$", "yen"), ("(?<=.)ian$", "ien"), ("(?<=.)ie$", "ieh"), ("^ye$", "yeh"),
        ("(?<=[tnljy])uo$|(?<=ts)uo$|(?<=^ch)uo$", "o"), ("^([kh])e$", r"\1o"),
        ("^kui$", "kuei"), ("^er$", "erh"), ("(?<=[nl])ve?$", "u"), ("(?<=s)hi$", "hih"),
    )
)  # fmt: skip


@lru_cache(CACHED)
def wade(word: str) -> tuple[str, ...]:
    """A word in pinyin, by syllable in Wade-Giles without its apostrophes; none if it is no pinyin.

    >>> wade("xihe"), wade("qinfeng"), wade("guangdong")
    (('hsi', 'ho'), ('chin', 'feng'), ('kuang', 'tung'))
    """
    found = []
    for syllable in cut(word):
        for rule, to in _WADE:
            syllable = rule.sub(to, syllable)  # noqa: PLW2901
        found.append(syllable)
    return tuple(found)


@lru_cache(CACHED)
def readings(han: str) -> tuple[str, ...]:
    """The ways in which Chinese characters are written in Latin letters.

    >>> readings("熙和"), readings("重光")
    (('xihe', 'hsiho'), ('chongguang', 'zhongguang', 'chungkuang'))
    """
    choices = (_READ_TWICE.get(c) or (latin(c),) for c in han)
    pinyin = ["".join(read) for read in islice(product(*choices), _READINGS)]
    return tuple(dict.fromkeys([*pinyin, *("".join(wade(word)) for word in pinyin)]))


_KUNREI: Final = tuple(
    (re.compile(pattern), to)
    for pattern, to in (
        ("(?<![aeioukstnhmr])h?y(?=[aou])", "y"), ("sy", "sh"), ("s(?=i)", "sh"), ("ty", "ch"),
        ("t(?=i)", "ch"), ("t(?=u)", "ts"), ("hu", "fu"), ("zy|z(?=i)|jy", "j"), ("dz|d(?=u)", "z"),
        ("m(?=[bpm])", "n"), ("oh(?![aeiou])|oo|ou", "o"), ("uu", "u"), ("wo$", "o"),
    )
)  # fmt: skip
_ROMAJI: Final = re.compile(
    "(?:(?:[kgsztdnhbpmr]?y?|sh|ch|j|f|ts|w|kk|ss|tt|pp|tch|ssh|tts)[aeiou]|n|m(?=[bpm])"
    "|(?<=o)h(?![aeiou]))+"
)


@lru_cache(CACHED)
def romaji(word: str) -> str:
    """A Japanese word in Hepburn without long vowels; empty where it cannot be one.

    >>> romaji("tyoonpa") == romaji("choonpa"), romaji("ohtsuki") == romaji("otuki")
    (True, True)
    >>> romaji("vector")
    ''
    """
    if not _ROMAJI.fullmatch(word):
        return ""
    for rule, to in _KUNREI:
        word = rule.sub(to, word)
    return word


_HANGUL: Final = re.compile(
    "(?:(?:kk|tt|pp|ss|jj|ch|sh|[gkndtrlmbpsjh])?(?:y?(?:ae|eo|[aeou])|w(?:ae|[aeio])|oe|eu|ui|i)"
    "(?:ng|ch|ck|[klmnptgbd](?![aeiouwy]))?)+"
)
_TELLING: Final = re.compile("ae|eo|eu|[kh]wa")
"""What hardly any other language than Korean writes."""


def same_word(a: str, b: str) -> bool:
    """Whether two words of Latin letters are one in two systems of romanisation."""
    if romaji(a) and romaji(a) == romaji(b):
        return True
    if _HANGUL.fullmatch(a) and _HANGUL.fullmatch(b) and _TELLING.search(a + b):
        return korean(a) == korean(b)
    return "".join(wade(a)) == b or "".join(wade(b)) == a
