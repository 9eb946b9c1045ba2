"""The protocol of a window, as values: the hub keeps a `Pool` and gives it each message.

| phase | message | what happens |
|---|---|---|
| before | any | refused |
| committing | a member's first commitment | taken |
| publishing | contributions of a member that committed | each taken, or refused with a reason |
| closed | "what is released to me?" of a member | its view |

The phase follows from the clock (`Window.phase`); whatever is not here is refused and changes
nothing. A commitment or contribution that was taken is never changed: there is no second try.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta

from stillwatch.errors import PeerError
from stillwatch.share.blind.committee import Bytes32, Party
from stillwatch.share.blind.messages import Tag
from stillwatch.share.pooling.commitment import Commitment, opens
from stillwatch.share.pooling.evidence import discovered, evidence, supporters
from stillwatch.share.pooling.finding import Contribution
from stillwatch.share.pooling.rules import MOST_TAGS, Phase, Rules, Window, is_power, power_below


class Reason(StrEnum):
    """Why one contribution was refused."""

    UNCOMMITTED = "the member did not commit to the tag before the window started"
    REPEATED = "the member has published the tag already: there is one try in a window"
    OVER_CAP = "the factor is above the cap of the window"
    OFF_SCALE = "the factor is neither the floor nor a power of two from 1 to the cap"
    TOO_FEW = "too few accounts carry the feature to be told of, or the count is no power of two"
    OUT_OF_WINDOW = "the days are not within the window, or the last is before the first"


class Publication(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="publication/1"):
    """Contributions of a member to a window; there may be several publications."""

    window: Bytes32
    member: Party
    contributions: Annotated[tuple[Contribution, ...], Meta(min_length=1, max_length=MOST_TAGS)]


class Refusal(msgspec.Struct, frozen=True):
    """A contribution that was not taken, told to its member alone."""

    tag: Tag
    reason: Reason


class Discovery(msgspec.Struct, frozen=True):
    """What a member is told of a tag; nothing of its own is in it, and nobody is named.

    Attributes:
        tag: One that the member published.
        evidence: Merged e-value of the others, down to a power of two.
        others: Other members with a factor above 1, down to a power of two.
        accounts: Accounts that these have together, down to a power of two.
        first: First day on which one of them saw it, UTC.
        last: Last such day.
    """

    tag: Tag
    evidence: int
    others: int
    accounts: int
    first: date
    last: date


class View(msgspec.Struct, frozen=True, tag="pooling-view/1"):
    """All that a member learns of a window.

    Attributes:
        window: Its id.
        member: Who is told.
        discoveries: In the order of their tags. Of these the share of tags that no other member
            sees is at most `Rules.level` in expectation.
    """

    window: Bytes32
    member: Party
    discoveries: tuple[Discovery, ...]


@dataclass(frozen=True, slots=True)
class Pool:
    """What the hub keeps of a window; it shows members nothing of it but views.

    Attributes:
        window: The window.
        commitments: Taken, by member.
        published: Contributions taken, by member and tag.
    """

    window: Window
    commitments: Mapping[str, Commitment] = field(default_factory=lambda: MappingProxyType({}))
    published: Mapping[str, Mapping[bytes, Contribution]] = field(
        default_factory=lambda: MappingProxyType({}), repr=False
    )


def commit(pool: Pool, commitment: Commitment, *, sender: str, now: datetime) -> Pool:
    """Take a member's commitment.

    Args:
        pool: So far.
        commitment: As decoded.
        sender: Who sent it, as the transport authenticated it.
        now: The time.

    Returns:
        The pool to keep.

    Raises:
        PeerError: It is early, late or a second one, of another window or under another name, or
            its size is not what the rules allow.
    """
    _check(pool.window, commitment, sender, now, Phase.COMMITTING)
    if commitment.member in pool.commitments:
        raise PeerError(f"{sender} has committed already: wait for the next window.")
    if not is_power(commitment.size) or commitment.size > pool.window.rules.most_tags:
        raise PeerError(
            f"A commitment has a power of two of leaves, at most {pool.window.rules.most_tags}: "
            "commit to fewer tags."
        )
    commitments = MappingProxyType({**pool.commitments, sender: commitment})
    return replace(pool, commitments=commitments)


def publish(
    pool: Pool, publication: Publication, *, sender: str, now: datetime
) -> tuple[Pool, tuple[Refusal, ...]]:
    """Take a member's contributions.

    Args:
        pool: So far.
        publication: As decoded.
        sender: Who sent it, as the transport authenticated it.
        now: The time.

    Returns:
        The pool to keep, and what was refused, to be told to the sender.

    Raises:
        PeerError: It is early or late, of another window or under another name, or the member has
            not committed; nothing is taken.
    """
    _check(pool.window, publication, sender, now, Phase.PUBLISHING)
    commitment = pool.commitments.get(sender)
    if commitment is None:
        raise PeerError(f"{sender} has not committed to this window: wait for the next one.")
    taken = dict(pool.published.get(sender, {}))
    refused = []
    for one in publication.contributions:
        reason = _refusal(pool.window, commitment, one, taken)
        if reason is None:
            taken[one.tag] = one
        else:
            refused.append(Refusal(one.tag, reason))
    published = MappingProxyType({**pool.published, sender: MappingProxyType(taken)})
    return replace(pool, published=published), tuple(refused)


def release(pool: Pool, member: str, *, now: datetime) -> View:
    """What a member may see of a closed window.

    Args:
        pool: All that was taken.
        member: Who asks, as the transport authenticated it.
        now: The time.

    Raises:
        PeerError: The window is not closed, or has no such member.
    """
    window, rules = pool.window, pool.window.rules
    if window.phase(now) is not Phase.CLOSED:
        raise PeerError("The window is not closed: ask again when it is.")
    if member not in window.members:
        raise PeerError(f"{member} is no member of this window.")
    tags = sorted(pool.published.get(member, {}))
    if not tags:
        return View(window.id, member, ())
    factors = np.array(
        [[_factor(pool, name, tag) for tag in tags] for name in window.members], dtype=np.float64
    )
    own = window.members.index(member)
    evident = evidence(factors, rules, independent=window.independence is not None)[own]
    found = discovered(evident, np.ones(len(tags), bool), pool.commitments[member].size, rules)
    others = supporters(factors)[own]
    return View(
        window.id,
        member,
        tuple(
            _discovery(pool, member, tag, float(evident[at]), int(others[at]))
            for at, tag in enumerate(tags)
            if found[at]
        ),
    )


def _check(
    window: Window, message: Commitment | Publication, sender: str, now: datetime, phase: Phase
) -> None:
    for right, refusal in (
        (message.window == window.id, "The message is of another window."),
        (message.member == sender, "The message bears another name than its sender's."),
        (sender in window.members, f"{sender} is no member of this window."),
        (
            window.phase(now) is phase,
            f"The window is {window.phase(now).value}, not {phase.value}: nothing was taken.",
        ),
    ):
        if not right:
            raise PeerError(refusal)


def _refusal(
    window: Window, commitment: Commitment, one: Contribution, taken: Mapping[bytes, Contribution]
) -> Reason | None:
    rules = window.rules
    for right, reason in (
        (opens(commitment, one.tag, one.proof), Reason.UNCOMMITTED),
        (one.tag not in taken, Reason.REPEATED),
        (not one.factor > rules.cap, Reason.OVER_CAP),
        (_on_scale(one.factor, rules), Reason.OFF_SCALE),
        (one.accounts >= rules.fewest and is_power(one.accounts), Reason.TOO_FEW),
        (
            _day(window.starts) <= one.first <= one.last <= _day(window.closes),
            Reason.OUT_OF_WINDOW,
        ),
    ):
        if not right:
            return reason
    return None


def _day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()


def _on_scale(factor: float, rules: Rules) -> bool:
    return factor == rules.floor or (factor.is_integer() and is_power(int(factor)))


def _factor(pool: Pool, member: str, tag: bytes) -> float:
    one = pool.published.get(member, {}).get(tag)
    return pool.window.rules.floor if one is None else one.factor


def _discovery(pool: Pool, member: str, tag: bytes, evident: float, others: int) -> Discovery:
    said = [
        taken[tag]
        for name, taken in pool.published.items()
        if name != member and tag in taken and taken[tag].factor > 1
    ]
    return Discovery(
        tag=tag,
        evidence=power_below(evident),
        others=power_below(others),
        accounts=power_below(sum(one.accounts for one in said)),
        first=min(one.first for one in said),
        last=max(one.last for one in said),
    )
