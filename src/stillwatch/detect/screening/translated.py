"""Chinese names beside Latin ones: where the reading ends and the translation begins.

A company gives its telling characters by their reading and what follows, its trade, in English:
青山液压 is Qingshan Hydraulic. Where the trade is no common word that the tables know, the
characters are cut where the reading ends, and what is left on both sides may be one thing said
twice.
"""

import msgspec

from stillwatch.detect.screening.letters import Script
from stillwatch.detect.screening.names import Name, Token
from stillwatch.detect.screening.romanised import cut, readings

LEAST_READ: int = 2
"""Characters that must be read before a translation may follow."""
MOST_WORDS: int = 3
"""Latin words into which one reading may be cut."""


def apart(asked: Name, listed: Name) -> tuple[Name, Name, bool]:
    """Cut the Chinese one of two names where its reading ends.

    Returns:
        Both names, and whether words were left out on both sides that may translate each other.
    """
    if {asked.script, listed.script} != {Script.HAN, Script.LATIN}:
        return asked, listed, False
    if asked.script is Script.HAN:
        asked, listed, unread = _apart(asked, listed)
    else:
        listed, asked, unread = _apart(listed, asked)
    return asked, listed, unread


def _apart(han: Name, latin: Name) -> tuple[Name, Name, bool]:
    for at, token in enumerate(han.core):
        found = _read(token, latin.core) if token.script is Script.HAN else None
        if found is None:
            continue
        size, first, last = found
        read, rest = _part(token, 0, size), _part(token, size, len(token.own))
        left = (*latin.core[:first], *latin.core[last:])
        if left and not any(cut(word.spelled) or not word.own.isalpha() for word in left):
            core = (*han.core[:at], read, *han.core[at + 1 :])
            return _with(han, core), _with(latin, latin.core[first:last]), True
        return _with(han, (*han.core[:at], read, rest, *han.core[at + 1 :])), latin, False
    return han, latin, False


def _read(token: Token, words: tuple[Token, ...]) -> tuple[int, int, int] | None:
    """How many characters begin the token that Latin words read, and which words; the most."""
    for size in range(len(token.own) - 1, LEAST_READ - 1, -1):
        known = readings(token.own[:size])
        for first in range(len(words)):
            for last in range(first + 1, min(first + MOST_WORDS, len(words)) + 1):
                if "".join(word.spelled for word in words[first:last]) in known:
                    return size, first, last
    return None


def _part(token: Token, start: int, end: int) -> Token:
    own = token.own[start:end]
    return Token(own, readings(own)[0], token.script)


def _with(name: Name, core: tuple[Token, ...]) -> Name:
    return msgspec.structs.replace(name, core=core, run="".join(token.spelled for token in core))
