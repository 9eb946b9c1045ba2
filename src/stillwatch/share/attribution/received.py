"""Campaigns of other members: who they say ran them, and which accounts their signatures match."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import pyarrow as pa

from stillwatch.errors import InputError
from stillwatch.share.attribution.likeness import Likeness
from stillwatch.share.attribution.trace import Trace
from stillwatch.share.signatures.matching import PlainIndex
from stillwatch.share.signatures.model import Signature
from stillwatch.share.signatures.tally import tally
from stillwatch.share.stix.bundle import Stix, objects_of
from stillwatch.share.stix.indicators import signature_of

ACTORS = frozenset({"threat-actor", "intrusion-set", "identity"})
"""Types of STIX objects that a campaign may be attributed to."""


class Received(msgspec.Struct, frozen=True):
    """A campaign of another member.

    Attributes:
        name: whom the member attributes it to, or the name of the campaign and of the member.
        member: who says so.
        campaign: its STIX id.
        attributed: whether the member names an actor.
        signatures: that the member made of it.
    """

    name: str
    member: str
    campaign: str
    attributed: bool
    signatures: tuple[Signature, ...]


def received(bundle: Stix) -> list[Received]:
    """Read the campaigns of a bundle that have a signature; what is revoked is left out.

    `indicates` links a signature to its campaign, `attributed-to` a campaign to an actor.
    """
    things = [one for one in objects_of(bundle) if one.get("revoked") is not True]
    named = {one.get("id"): one for one in things}
    links = [one for one in things if one.get("type") == "relationship"]
    found = []
    for campaign in (one for one in things if one.get("type") == "campaign"):
        said = _linked(links, "attributed-to", named, source=campaign.get("id"))
        actors = [one for one in said if one.get("type") in ACTORS]
        indicators = _linked(links, "indicates", named, target=campaign.get("id"))
        signatures = [s for one in indicators if (s := _signature(one)) is not None]
        member = str(named.get(campaign.get("created_by_ref"), {}).get("name", "a member"))
        own = f"{campaign.get('name', 'a campaign')} of {member}"
        if signatures:
            name = str(actors[0].get("name", own)) if actors else own
            found.append(
                Received(name, member, str(campaign["id"]), bool(actors), tuple(signatures))
            )
    return found


def matched(
    campaigns: Sequence[Received], events: Iterable[pa.RecordBatch], members: Sequence[str]
) -> list[Likeness]:
    """Say of each received campaign how many of our campaign's accounts its signatures match.

    Args:
        campaigns: of other members.
        events: fingerprints of our campaign, under the forum's key, with the columns that
            signatures read.
        members: accounts of our campaign.
    """
    patterns = list(dict.fromkeys(s for one in campaigns for s in one.signatures))
    counted = tally(patterns, PlainIndex(patterns), events)
    own = set(members)
    hits: dict[Signature, set[str]] = {}
    for match in counted.matches():
        if match.account_id in own:
            hits.setdefault(patterns[match.place], set()).add(match.account_id)
    return [_likeness(one, hits, len(own)) for one in campaigns]


def _likeness(one: Received, hits: dict[Signature, set[str]], accounts: int) -> Likeness:
    met = [s for s in one.signatures if s in hits]
    carrying = len(set().union(*(hits[s] for s in met)))
    return Likeness(
        Trace.SIGNATURE,
        carrying / accounts,
        carrying,
        accounts,
        values=len(met),
        examples=tuple(s.id for s in met[:3]),
    )


def _linked(
    links: Sequence[Stix],
    kind: str,
    named: dict[Any, Stix],
    *,
    source: Any = None,
    target: Any = None,
) -> list[Stix]:
    """Objects at the other end of the relationships of a kind."""
    near, far = ("source_ref", "target_ref") if source is not None else ("target_ref", "source_ref")
    here = source if source is not None else target
    ends = [
        one.get(far)
        for one in links
        if one.get("relationship_type") == kind and one.get(near) == here
    ]
    return [named[end] for end in ends if end in named]


def _signature(one: Stix) -> Signature | None:
    if one.get("type") != "indicator" or one.get("pattern_type") == "sigma":
        return None
    try:
        return signature_of(one)
    except InputError:
        return None  # `share import` says why
