"""What a window of pooling is run by: its rules, its members and its times."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from stillwatch.errors import ConfigError
from stillwatch.share.blind.committee import Bytes32, Party

LEAST_TAGS: Final = 16
"""Leaves of the smallest commitment; fewer tags are padded."""
MOST_TAGS: Final = 2**16
"""Leaves of the largest commitment that any rules allow."""
MOST_MEMBERS: Final = 64
"""Members of a window: a product of so many factors stays finite."""


def is_power(number: int) -> bool:
    """Whether a number is a power of two.

    >>> is_power(1), is_power(12)
    (True, False)
    """
    return number > 0 and number & (number - 1) == 0


def power_below(number: float) -> int:
    """The largest power of two that is not above a number of at least 1.

    >>> power_below(1), power_below(1023.9)
    (1, 512)
    """
    return 1 << (int(number).bit_length() - 1)


class Phase(StrEnum):
    """What a window takes at a moment; it follows from the clock alone."""

    BEFORE = "before"
    COMMITTING = "committing"
    PUBLISHING = "publishing"
    CLOSED = "closed"


class Independence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person's word that these members' evidence is independent where the null hypothesis holds.

    It is then multiplied and no longer averaged. Members that share customers, tools of detection
    or fashions among users are not independent.

    Attributes:
        members: All members of the window.
        approver: Who says so.
        reason: Why.
        until: When it must be looked at again; aware.
    """

    members: tuple[Party, ...]
    approver: Party
    reason: Annotated[str, Meta(min_length=1, max_length=1000)]
    until: datetime


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rules of a window, the same for all its members and fixed before it opens.

    Attributes:
        level: False-discovery rate of what is released to a member, 0 to 1.
        cap: The largest factor, a power of two above 1.
        floor: The smallest factor, 0 up to below 1; an absent factor counts as it.
        liars: Members that may lie together without harm to `level`: so many of the largest factors
            of others do not count.
        contributors: Members, the one that is told among them, who must have published a tag; all
            others of them with a factor above 1. At least 3.
        fewest: Accounts that must carry a feature at one member, a power of two.
        most_tags: Leaves of a member's commitment at most, a power of two.

    Raises:
        ConfigError: A rule is out of range.
    """

    level: float = 0.05
    cap: float = 1024.0
    floor: float = 0.0
    liars: int = 1
    contributors: int = 3
    fewest: int = 4
    most_tags: int = 1024

    def __post_init__(self) -> None:
        """Hold the ranges, also for rules that came over the wire."""
        for right, message in (
            (0 < self.level < 1, "The level of a window must be above 0 and below 1."),
            (
                1 < self.cap <= 2**16 and self.cap.is_integer() and is_power(int(self.cap)),
                "The cap of a factor must be a power of two from 2 to 65536.",
            ),
            (0 <= self.floor < 1, "The floor of a factor must be at least 0 and below 1."),
            (
                0 <= self.liars <= self.contributors - 2,
                "Ask for at least two contributors more than liars are tolerated.",
            ),
            (
                self.contributors >= 3,
                "With fewer than 3 contributors one learns what the other saw: ask for 3 or more.",
            ),
            (is_power(self.fewest), "The fewest accounts must be a power of two."),
            (
                is_power(self.most_tags) and LEAST_TAGS <= self.most_tags <= MOST_TAGS,
                f"The most tags must be a power of two from {LEAST_TAGS} to {MOST_TAGS}.",
            ),
        ):
            if not right:
                raise ConfigError(message)


class Window(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One round of pooling.

    Members commit from `opens`, before any of the traffic exists that they will test; they test
    traffic from `starts` to `closes`, and publish by then.

    Attributes:
        id: 32 bytes that no other window has.
        key_id: Of the key of blind matching that tags are made under.
        members: Who takes part, sorted. All of them count, also those that stay silent.
        opens: From when commitments are taken; aware, as all times.
        starts: From when none is taken any more, and contributions are.
        closes: From when nothing is taken, and each member may ask what is released to it.
        rules: Of the window.
        independence: That factors may be multiplied; else they are averaged.

    Raises:
        ConfigError: A rule is broken.
    """

    id: Bytes32
    key_id: Bytes32
    members: tuple[Party, ...]
    opens: datetime
    starts: datetime
    closes: datetime
    rules: Rules = Rules()
    independence: Independence | None = None

    def __post_init__(self) -> None:
        """Hold the rules, also for a window that came over the wire."""
        word = self.independence
        fewest = self.rules.contributors
        times = (self.opens, self.starts, self.closes, *((word.until,) if word else ()))
        if any(time.utcoffset() is None for time in times):
            raise ConfigError("The times of a window must say their time zone.")
        for right, message in (
            (
                list(self.members) == sorted(set(self.members)),
                "The members of a window must be sorted, each once.",
            ),
            (
                fewest <= len(self.members) <= MOST_MEMBERS,
                f"Name from {fewest}, the fewest contributors, to {MOST_MEMBERS} members.",
            ),
            (
                self.opens < self.starts < self.closes,
                "A window must open, then start, then close.",
            ),
            (
                word is None or tuple(sorted(word.members)) == self.members,
                "Independence must be declared for exactly the members of the window.",
            ),
            (
                word is None or word.until >= self.closes,
                "Independence ends before the window does: have it approved anew.",
            ),
            (
                word is None or self.rules.floor > 0,
                "To multiply factors set a floor above 0, or one silent member vetoes all.",
            ),
        ):
            if not right:
                raise ConfigError(message)

    def phase(self, now: datetime) -> Phase:
        """What the window takes at a time."""
        if now < self.opens:
            return Phase.BEFORE
        if now < self.starts:
            return Phase.COMMITTING
        return Phase.PUBLISHING if now < self.closes else Phase.CLOSED


def check_next(before: Window, window: Window) -> None:
    """Check a window against an earlier one before it opens: traffic is tested once.

    Raises:
        ConfigError: It has the same id, or tests traffic that a member of both has tested already.
    """
    if window.id == before.id:
        raise ConfigError("The id of the window was used before: draw another.")
    if window.starts < before.closes and set(window.members) & set(before.members):
        raise ConfigError("The windows test the same traffic twice: start when the last closes.")
