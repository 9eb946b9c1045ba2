"""Street addresses: the same house, however it is written."""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from stillwatch.detect.screening.letters import fold, latin

_COMMON: Final = frozenset(
    """
    street st road rd avenue ave av lane ln drive dr boulevard blvd way square sq highway hwy
    alley building bldg tower block blk house plaza mansion centre center floor fl room rm unit
    suite ste flat apartment apt office district dist city town village province state county
    region area zone industrial park estate str ul ulitsa ulica prospekt pr pereulok per
    naberezhnaya dom kv calle carrera avenida edificio piso oficina colonia rue place bis via
    piazza strasse platz weg gasse cad cadde caddesi sok sokak mah mahallesi apt kat no number
    the of and at po box behind near opposite next to lu jie dajie qu shi sheng hao lou xiang
    north south east west
    """.split()  # noqa: SIM905 - a list of words reads best as text
)
"""Words that most addresses have; those of the compass tell streets apart, and are kept apart."""
_COMPASS: Final = frozenset({"north", "south", "east", "west"})
_STREET: Final = re.compile(r"(?:strasse|straat|str)$")
_TOKEN: Final = re.compile(r"\d+(?:[a-z](?![a-z]))?|[^\W\d_]+")


class Address(msgspec.Struct, frozen=True):
    """An address taken apart: numbers of house, unit and post, telling words, compass."""

    numbers: frozenset[str]
    words: frozenset[str]
    compass: frozenset[str]

    @property
    def full(self) -> bool:
        """Whether it names a house: a number and two telling words."""
        return bool(self.numbers) and len(self.words) >= 2

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Pairs of a number and a word; two addresses of one house share some."""
        return ((number, word) for number in self.numbers for word in self.words)


def parse_address(text: str) -> Address:
    """Take an address apart.

    >>> sorted(parse_address("Industriestraße 14, 72764 Reutlingen").words)
    ['industriestr', 'reutlingen']
    """
    tokens = _TOKEN.findall(fold(text))
    words = {_STREET.sub("str", latin(token)) for token in tokens if not token[0].isdigit()}
    return Address(
        frozenset(token for token in tokens if token[0].isdigit()),
        frozenset(word for word in words - _COMMON if len(word) > 1),
        frozenset(words & _COMPASS),
    )


def same_house(asked: Address, listed: Address) -> bool:
    """Whether two full addresses name one house.

    What the shorter one says must all stand in the longer one, and nothing may contradict it.

    >>> same_house(parse_address("88 Keyuan South Rd, Chengdu"),
    ...            parse_address("No. 88 Keyuan South Road, High-tech Zone, Chengdu"))
    True
    >>> same_house(parse_address("88 Keyuan North Rd, Chengdu"),
    ...            parse_address("No. 88 Keyuan South Road, High-tech Zone, Chengdu"))
    False
    """
    if not (asked.full and listed.full) or asked.compass != listed.compass:
        return False
    return _within(asked.numbers, listed.numbers) and _within(asked.words, listed.words)


def _within(a: frozenset[str], b: frozenset[str]) -> bool:
    return a <= b or b <= a
