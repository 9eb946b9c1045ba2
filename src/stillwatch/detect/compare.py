"""What changed between two scans: campaigns new, grown, shrunk, gone.

Campaigns are matched by their members, not by their names, because a scan names them afresh. Two
campaigns overlap by Jaccard (members in both over members in either) and by containment (over the
members of the smaller); containment finds a campaign again that has grown many times over.
"""

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import msgspec

from stillwatch.detect.results import Campaign, ScanResult
from stillwatch.events.contracts import Kind

MIN_OVERLAP: Final = 0.2
"""Smallest Jaccard at which two campaigns are one."""
MIN_CONTAINMENT: Final = 0.5
"""Or smallest containment."""
STEADY: Final = 0.05
"""A campaign whose size changed by less than this share is called steady."""


class Change(StrEnum):
    """What became of a campaign."""

    NEW = "new"
    GROWN = "grown"
    SHRUNK = "shrunk"
    STEADY = "steady"
    GONE = "gone"


class CampaignChange(msgspec.Struct, frozen=True):
    """One campaign in both scans; the side where it is missing is null and counts 0 accounts.

    `kept`, `joined` and `left` count accounts. `jaccard` is 0..1 and 0 for new and gone.
    """

    change: Change
    kind: Kind
    previous_kind: Kind | None
    campaign_id: str | None
    previous_id: str | None
    accounts: int
    previous_accounts: int
    kept: int
    joined: int
    left: int
    events: int
    previous_events: int
    jaccard: float


class Comparison(msgspec.Struct, frozen=True):
    """The changes, in the order of the current result's campaigns, those gone last."""

    changes: list[CampaignChange]
    previous_inputs: list[str]


def compare(current: ScanResult, previous: ScanResult) -> Comparison:
    """Match campaigns by member overlap and say what became of each.

    Matching is one to one, greedily from the greatest overlap; ties go to the earlier campaign.
    A campaign that split shows as one shrunk and the rest new.
    """
    pairs = _matches(current.campaigns, previous.campaigns)
    changes = [
        _change(campaign, previous.campaigns[pairs[i]] if i in pairs else None)
        for i, campaign in enumerate(current.campaigns)
    ]
    matched = set(pairs.values())
    changes += [_gone(c) for j, c in enumerate(previous.campaigns) if j not in matched]
    return Comparison(changes=changes, previous_inputs=list(previous.summary.inputs))


def _matches(current: Sequence[Campaign], previous: Sequence[Campaign]) -> dict[int, int]:
    """Index in `current` to index in `previous`."""
    home = {account: j for j, campaign in enumerate(previous) for account in campaign.accounts}
    shared = Counter(
        (i, home[account])
        for i, campaign in enumerate(current)
        for account in campaign.accounts
        if account in home
    )
    ranked = []
    for (i, j), kept in shared.items():
        jaccard = kept / (current[i].size + previous[j].size - kept)
        containment = kept / min(current[i].size, previous[j].size)
        if jaccard >= MIN_OVERLAP or containment >= MIN_CONTAINMENT:
            ranked.append((-jaccard, i, j))
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for _, i, j in sorted(ranked):
        if i not in pairs and j not in taken:
            pairs[i] = j
            taken.add(j)
    return pairs


def _change(now: Campaign, before: Campaign | None) -> CampaignChange:
    kept = len(set(now.accounts) & set(before.accounts)) if before else 0
    previous_size = before.size if before else 0
    return CampaignChange(
        change=_word(now.size, previous_size),
        kind=now.kind,
        previous_kind=before.kind if before else None,
        campaign_id=now.campaign_id,
        previous_id=before.campaign_id if before else None,
        accounts=now.size,
        previous_accounts=previous_size,
        kept=kept,
        joined=now.size - kept,
        left=previous_size - kept,
        events=now.events,
        previous_events=before.events if before else 0,
        jaccard=round(kept / (now.size + previous_size - kept), 4),
    )


def _word(now: int, before: int) -> Change:
    if before == 0:
        return Change.NEW
    if abs(now - before) < STEADY * before:
        return Change.STEADY
    return Change.GROWN if now > before else Change.SHRUNK


def _gone(before: Campaign) -> CampaignChange:
    return CampaignChange(
        change=Change.GONE,
        kind=before.kind,
        previous_kind=before.kind,
        campaign_id=None,
        previous_id=before.campaign_id,
        accounts=0,
        previous_accounts=before.size,
        kept=0,
        joined=0,
        left=before.size,
        events=0,
        previous_events=before.events,
        jaccard=0.0,
    )
