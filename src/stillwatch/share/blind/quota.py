"""How much a member may ask of one holder, as arithmetic: state in, state out, the clock given."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Final, Self

from stillwatch.errors import ConfigError, InputError, PeerError
from stillwatch.share.blind.committee import Roster

_HOUR: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Quota:
    """Elements that one holder evaluates for one member.

    A member can ask other quorums each time, so what it gets in all is more: see `reach`.

    Attributes:
        epoch: In one epoch.
        burst: At once.
        hourly: That come back in each hour.
    """

    epoch: int = 20_000
    burst: int = 4_096
    hourly: float = 1_024.0

    def __post_init__(self) -> None:
        """Refuse a quota that lets nothing through or has no limit."""
        if not (0 < self.burst <= self.epoch and 0 < self.hourly < float("inf")):
            raise ConfigError("A quota needs 0 < burst <= epoch, and an hourly number above 0.")

    def reach(self, roster: Roster, parties: Collection[str]) -> int:
        """Identifiers that parties together can have evaluated in an epoch.

        They ask all other holders in turn. Their own shares need no quota, so that each evaluation
        takes `threshold` less these of the others.

        Args:
            roster: The holders.
            parties: Who work together; each has this quota.

        Raises:
            InputError: They hold enough shares to need nobody else: no quota holds them.
        """
        own = sum(holder.party in parties for holder in roster.holders)
        if own >= roster.threshold:
            raise InputError("These parties are a quorum: no quota holds them.")
        return len(parties) * self.epoch * (len(roster.holders) - own) // (roster.threshold - own)


@dataclass(frozen=True, slots=True)
class Spent:
    """What a member has used.

    Attributes:
        total: Elements in this epoch.
        level: Elements of the burst that are used up, at `at`.
        at: When it asked last.
    """

    total: int
    level: float
    at: datetime


@dataclass(frozen=True, slots=True)
class Ledger:
    """A holder's account of one epoch; it begins empty, and is kept wherever the holder likes.

    Attributes:
        key_id: Of the epoch's key.
        spent: What each member has used, by its name.
    """

    key_id: bytes
    spent: Mapping[str, Spent] = field(default_factory=lambda: MappingProxyType({}))

    def spend(self, quota: Quota, member: str, elements: int, now: datetime) -> Self:
        """Book a question.

        Args:
            quota: Of the member.
            member: Its name, as the transport authenticated it.
            elements: Of the question, padding included.
            now: Aware; an hour that is set back gives nothing back.

        Raises:
            PeerError: The member has no quota left; nothing is booked.
        """
        before = self.spent.get(member, Spent(0, 0.0, now))
        hours = max(0.0, (now - before.at).total_seconds() / _HOUR)
        level = max(0.0, before.level - hours * quota.hourly) + elements
        total = before.total + elements
        if total > quota.epoch:
            raise PeerError(f"{member} has no quota left in this epoch: ask after the rotation.")
        if level > quota.burst:
            wait = (level - quota.burst) / quota.hourly
            raise PeerError(f"{member} asks too fast: ask again in {wait:.1f} hours, or for less.")
        booked = Spent(total, level, max(now, before.at))
        return replace(self, spent=MappingProxyType({**self.spent, member: booked}))
