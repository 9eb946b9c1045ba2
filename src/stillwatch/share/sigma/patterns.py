"""Values of rules: wildcard patterns, regular expressions, networks, and how case is folded."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

import re2
from sigma.types import SigmaString, SpecialChars

from stillwatch.errors import InputError

LONGEST_VALUE: Final = 4096
"""Characters of one value of a rule."""
REGEX_MEMORY: Final = 1 << 23
"""Bytes that a compiled regular expression may take; RE2 needs no more whatever the text."""

_IPV4_MAPPED: Final = 0xFFFF_0000_0000


@dataclass(frozen=True)
class Pattern:
    """A whole string: literal parts, `True` for any characters, `False` for exactly one."""

    parts: tuple[str | bool, ...]

    @property
    def literal(self) -> str | None:
        """The string itself where there is no wildcard."""
        return "".join(str(part) for part in self.parts) if self._plain else None

    @property
    def _plain(self) -> bool:
        return all(isinstance(part, str) for part in self.parts)

    def folded(self) -> "Pattern":
        """The same pattern for folded strings."""
        return Pattern(tuple(fold(p) if isinstance(p, str) else p for p in self.parts))

    def regex(self) -> str:
        """A regular expression for the whole string."""
        words = {True: ".*", False: "."}
        inner = "".join(re2.escape(p) if isinstance(p, str) else words[p] for p in self.parts)
        return f"(?s)^{inner}$"

    def like(self) -> str:
        """A pattern of SQL's LIKE whose escape character is `!`."""
        words = {True: "%", False: "_"}
        return "".join(_like(p) if isinstance(p, str) else words[p] for p in self.parts)


@dataclass(frozen=True)
class Network:
    """A range of addresses as numbers; IPv4 counts as IPv4-mapped IPv6."""

    first: int
    last: int


def pattern_of(value: SigmaString, field: str) -> Pattern:
    """Take a value of a rule.

    Raises:
        InputError: It is too long or holds a character that no log can hold.
    """
    parts: list[str | bool] = []
    for part in value.s:
        if isinstance(part, str):
            _check_text(part, field)
            parts.append(part)
        elif isinstance(part, SpecialChars):
            anything = part is SpecialChars.WILDCARD_MULTI
            if not (anything and parts and parts[-1] is True):
                parts.append(anything)
        else:
            raise InputError(f"{field} has a placeholder as its value: write the value")
    return Pattern(tuple(parts))


def _check_text(text: str, field: str) -> None:
    if len(text) > LONGEST_VALUE:
        raise InputError(f"a value of {field} is longer than {LONGEST_VALUE} characters")
    if "\0" in text or any(0xD800 <= ord(c) < 0xE000 for c in text):
        raise InputError(f"a value of {field} holds a character that no log can hold")


def _like(text: str) -> str:
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")


def compiled(regex: str) -> "re2._Regexp[str]":
    """Compile for RE2, which takes time linear in the text.

    Raises:
        re2.error: RE2 knows no such expression.
    """
    options = re2.Options()
    options.log_errors = False
    options.max_mem = REGEX_MEMORY
    return re2.compile(regex, options)


def check_regex(regex: str) -> str:
    """Return a regular expression that RE2 takes.

    Raises:
        InputError: It has references back, looks around, or is too large.
    """
    _check_text(regex, "a regular expression")
    try:
        compiled(regex)
    except re2.error as error:
        said = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
        raise InputError(
            f"the regular expression {regex!r} does not run in linear time ({said}): use RE2's "
            "syntax"
        ) from error
    return regex


def fold(text: str) -> str:
    """Lower case, character by character, as DuckDB does.

    Python's own lowers two letters by what stands around them, or to two characters.

    >>> fold("ΑΣ İ A")
    'ασ i a'
    """
    if text.isascii():
        return text.lower()
    return text.replace("Σ", "σ").replace("İ", "i").lower()


def network_of(network: IPv4Network | IPv6Network) -> Network:
    """Take a network as a range."""
    return Network(_number(network.network_address), _number(network.broadcast_address))


def address_number(text: str) -> int | None:
    """Read an address as a number of 128 bits; None where it is none.

    >>> address_number("192.0.2.1") == address_number("::ffff:192.0.2.1")
    True
    """
    try:
        return _number(ip_address(text))
    except ValueError:
        return None


def _number(address: IPv4Address | IPv6Address) -> int:
    if isinstance(address, IPv4Address):
        return _IPV4_MAPPED | int(address)
    return int(address)
