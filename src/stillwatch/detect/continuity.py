"""Stable ids: which campaign of an analysis is which campaign of the earlier ones.

Rules, in this order:

1. The heir of a known campaign is the found one that shares most members with it, if enough.
2. A found campaign takes the oldest id of those whose heir it is; the others merged into it.
3. What is nobody's heir takes the id of a merged campaign that it overlaps: the two parted again.
4. Anything else is new.

A campaign that splits therefore lives on in its largest part, one that moves to other accounts is
followed as long as each analysis overlaps the last one that saw it, and no id is ever given twice.
"""

import hashlib
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from stillwatch.detect.compare import MIN_CONTAINMENT, MIN_OVERLAP


@dataclass(frozen=True)
class Known:
    """A campaign that has an id.

    Attributes:
        campaign_id: its id.
        members: accounts in it when it was last seen.
        merged: whether it has merged into another.
    """

    campaign_id: str
    members: frozenset[str]
    merged: bool = False


@dataclass(frozen=True)
class Continuity:
    """Who is who.

    Attributes:
        ids: an id for each found campaign, in order.
        merged: ids that ended, with the id that each merged into.
    """

    ids: list[str]
    merged: dict[str, str]


def follow(
    found: Sequence[Collection[str]], names: Sequence[str], known: Sequence[Known]
) -> Continuity:
    """Give every found campaign its id.

    Args:
        found: members of each campaign of this analysis; no account is in two.
        names: the id that each would have by itself.
        known: campaigns of earlier analyses, the oldest first.
    """
    ids: list[str | None] = [None] * len(found)
    merged: dict[str, str] = {}
    for campaign in (campaign for campaign in known if not campaign.merged):
        heir = _heir(found, campaign)
        if heir is None:
            continue
        elder = ids[heir]
        if elder is None:
            ids[heir] = campaign.campaign_id
        else:
            merged[campaign.campaign_id] = elder
    for campaign in (campaign for campaign in known if campaign.merged):
        parted = _heir(found, campaign, free=[given is None for given in ids])
        if parted is not None:
            ids[parted] = campaign.campaign_id
    taken = {campaign.campaign_id for campaign in known}
    final = []
    for given, name in zip(ids, names, strict=True):
        final.append(given or _unused(name, taken))
        taken.add(final[-1])
    return Continuity(final, merged)


def _heir(
    found: Sequence[Collection[str]], known: Known, free: Sequence[bool] | None = None
) -> int | None:
    """Return the found campaign that shares most members with a known one, if enough."""
    shared = Counter(
        {number: len(known.members.intersection(members)) for number, members in enumerate(found)}
    )
    ranked = sorted(shared.items(), key=lambda item: (-item[1], item[0]))
    for number, kept in ranked:
        if kept and (free is None or free[number]) and _same(kept, len(found[number]), known):
            return number
    return None


def _same(kept: int, size: int, known: Known) -> bool:
    jaccard = kept / (size + len(known.members) - kept)
    containment = kept / min(size, len(known.members))
    return jaccard >= MIN_OVERLAP or containment >= MIN_CONTAINMENT


def _unused(name: str, taken: Collection[str]) -> str:
    """Return the name, or another made from it where an earlier campaign has it."""
    while name in taken:
        name = f"sw-{hashlib.blake2b(name.encode(), digest_size=4).hexdigest()}"
    return name
