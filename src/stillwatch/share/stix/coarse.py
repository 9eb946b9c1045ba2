"""How coarse a figure is before it may leave: business volume must not show.

Counts have one or two significant digits, times are whole hours or days, probabilities have two
significant digits and are never smaller than a millionth.
"""

import math
import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

MOST_COUNTED: Final = 900_000_000
"""The largest count that leaves; STIX allows no more than 999,999,999."""
LEAST_PROBABILITY: Final = 1e-6
"""Below this a q-value says more about the model than about the world."""
DIGITS: Final = 2
"""Significant digits at most, of every number that leaves."""


_STAMP: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,18}))?Z"
)


class Step(StrEnum):
    """What times are rounded to."""

    HOUR = "hour"
    DAY = "day"


class Coarseness(msgspec.Struct, frozen=True):
    """How far counts (significant digits, 1 or 2) and times are rounded."""

    digits: int = DIGITS
    step: Step = Step.HOUR

    def __post_init__(self) -> None:
        if self.digits not in (1, DIGITS):
            raise ValueError("counts leave with 1 or 2 significant digits")

    def count(self, number: int) -> int:
        """Round a count; at least 1, at most `MOST_COUNTED`.

        >>> Coarseness().count(12_345), Coarseness(digits=1).count(12_345)
        (12000, 10000)
        """
        bounded = min(max(number, 1), MOST_COUNTED)
        unit = int(10 ** max(len(str(bounded)) - self.digits, 0))
        return min((bounded + unit // 2) // unit * unit, MOST_COUNTED)

    def start(self, moment: datetime) -> datetime:
        """Return the beginning of the hour or day."""
        utc = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        return utc.replace(hour=0) if self.step is Step.DAY else utc

    def end(self, moment: datetime) -> datetime:
        """Return the end of the hour or day: the window contains what happened."""
        start = self.start(moment)
        width = timedelta(days=1) if self.step is Step.DAY else timedelta(hours=1)
        return start if start == moment else start + width


def probability(number: float) -> float:
    """Round a probability up to two significant digits, so that no claim grows stronger.

    >>> probability(0.01234), probability(1e-30), probability(0.0)
    (0.013, 1e-06, 1e-06)
    """
    bounded = min(max(number, LEAST_PROBABILITY), 1.0)
    power = math.floor(math.log10(bounded)) - 1
    unit = float(f"1e{power}")
    rounded = float(f"{math.ceil(round(bounded / unit, 6)) * unit:.1e}")
    return min(rounded, 1.0)


def probability_down(number: float) -> float:
    """Round a lower limit down to two significant digits; 0 below a millionth.

    >>> probability_down(0.0199), probability_down(1e-9)
    (0.019, 0.0)
    """
    if number < LEAST_PROBABILITY:
        return 0.0
    rounded = float(f"{number:.1e}")
    power = math.floor(math.log10(number)) - 1
    return rounded if rounded <= number else float(f"{rounded - float(f'1e{power}'):.1e}")


def step_down(confidence: int) -> int:
    """Round a confidence of 0 to 100 down to a multiple of five.

    >>> step_down(73)
    70
    """
    return confidence // 5 * 5


def share(number: float) -> float:
    """Round a share to a whole per cent.

    >>> share(1 / 3)
    0.33
    """
    return round(min(max(number, 0.0), 1.0), 2)


def is_coarse(number: float) -> bool:
    """Whether a number has at most two significant digits.

    >>> is_coarse(12_000), is_coarse(12_300), is_coarse(0.013)
    (True, False, True)
    """
    return float(f"{number:.{DIGITS - 1}e}") == number


def stamp(moment: datetime) -> str:
    """Write a time as STIX does, to the second.

    >>> stamp(datetime(2026, 3, 6, 14, tzinfo=UTC))
    '2026-03-06T14:00:00.000Z'
    """
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z"


def moment(text: str) -> datetime:
    """Read a time of STIX: in UTC, with any number of decimals or none, as other tools write it.

    Raises:
        TypeError: It is no text.
        ValueError: It is no time of STIX.

    >>> moment("2026-03-06T14:00:00Z") == moment("2026-03-06T14:00:00.000Z")
    True
    """
    found = _STAMP.fullmatch(text)
    if found is None:
        raise ValueError("a time must be like 2026-03-06T14:00:00.000Z")
    whole = datetime.strptime(found[1], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    return whole.replace(microsecond=int((found[2] or "")[:6].ljust(6, "0")))
