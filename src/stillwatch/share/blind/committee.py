"""Who holds the shares of a key, under which rules, and what everyone knows of the key."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from stillwatch.errors import ConfigError, InputError

MIN_THRESHOLD: Final = 3
"""Shares that an evaluation needs at least: the hub and one member have two."""
MAX_HOLDERS: Final = 64
"""Shares that a key can be split into."""

Bytes32 = Annotated[bytes, Meta(min_length=32, max_length=32)]
"""A group element, a scalar or a digest."""
Epoch = Annotated[int, Meta(ge=0, le=2**62)]
"""Counts keys; each rotation takes the next number."""
Party = Annotated[str, Meta(min_length=1, max_length=64)]
"""Name of a member, or of the hub, as the transport authenticates it."""


class Holder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A party that holds one share.

    Attributes:
        index: Where the polynomial is evaluated for it, 1 to 255.
        party: Its name.
        hub: Whether it is the hub, or run by who runs the hub.
    """

    index: Annotated[int, Meta(ge=1, le=255)]
    party: Party
    hub: bool = False


class Roster(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The holders of one epoch's key.

    No quorum is the hub plus one member: the threshold is 3 or more and no party, the hub
    included, holds two shares. That two names are one owner cannot be seen from here.

    Attributes:
        epoch: Of the key.
        threshold: Shares that an evaluation needs.
        holders: In the order of their index.

    Raises:
        ConfigError: A rule is broken.
    """

    epoch: Epoch
    threshold: int
    holders: tuple[Holder, ...]

    def __post_init__(self) -> None:
        """Hold the rules, also for a roster that came over the wire."""
        indices = [holder.index for holder in self.holders]
        for broken, message in (
            (
                self.threshold < MIN_THRESHOLD,
                f"With a threshold under {MIN_THRESHOLD} the hub and one member suffice: raise it.",
            ),
            (
                sum(holder.hub for holder in self.holders) > 1,
                "The hub holds more than one share: give it one at most.",
            ),
            (
                # "Ash" and "ash" are one name to whoever reads the roster.
                len({holder.party.casefold() for holder in self.holders}) < len(self.holders),
                "A party holds more than one share: give each party one.",
            ),
            (
                not self.threshold <= len(self.holders) <= MAX_HOLDERS,
                f"Name from {self.threshold}, the threshold, to {MAX_HOLDERS} holders.",
            ),
            (
                indices != sorted(set(indices)) or not set(indices) <= set(range(1, 256)),
                "The holders' indices must differ, ascend, and lie between 1 and 255.",
            ),
        ):
            if broken:
                raise ConfigError(message)

    def holder(self, index: int) -> Holder:
        """The holder of that index.

        Raises:
            InputError: There is none.
        """
        for holder in self.holders:
            if holder.index == index:
                return holder
        raise InputError(f"No holder has the index {index}: see the roster of this epoch.")


class Committee(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What everyone knows of an epoch's key; `threshold.agree` makes it from the deals.

    Take it from there and from nobody else: who could slip in another key could read what is
    published under it. That the deals are the holders' own is seen by comparing `key_id`.

    Attributes:
        roster: The holders.
        key_id: Digest of the roster and of all that was dealt. Who saw something else has
            another.
        public: The key times the generator.
        shares: Each holder's share times the generator, in the roster's order.
    """

    roster: Roster
    key_id: Bytes32
    public: Bytes32
    shares: tuple[Bytes32, ...]

    def public_share(self, index: int) -> bytes:
        """The public share of a holder.

        Raises:
            InputError: No holder has that index.
        """
        return self.shares[self.roster.holders.index(self.roster.holder(index))]
