"""Followers: accounts that only their prompts tie to a campaign.

An operation that gives half of its accounts networks, cards and clients of their own leaves that
half outside: who joins a group must match it in every firm line of evidence. Their prompts still
come from the same hands. An account follows a campaign where a third of the accounts nearest to it
in words and frames are members, it is as near to them as members are to each other, and it matches
half of the campaign's profile. Each round's followers count as members in the next, so a campaign
is followed from account to account, but never further than its own profile reaches.

Followers took no part in any test; they are reported as untested members.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stillwatch.detect import vectors
from stillwatch.detect.features import Family
from stillwatch.detect.formation import FRAMES, locality
from stillwatch.detect.membership import Group
from stillwatch.detect.population import Population
from stillwatch.detect.profiles import main_script
from stillwatch.detect.workers import Workers


@dataclass(frozen=True)
class FollowerSettings:
    """Who follows.

    Attributes:
        neighbours: nearest accounts that are looked at.
        share: least share of them that must be members of campaigns.
        alike: least mean cosine with these, relative to that of members with their own nearest.
        match: least part of the median member's nats.
        rounds: most rounds.
    """

    neighbours: int = 12
    share: float = 0.5
    alike: float = 0.8
    match: float = 0.5
    rounds: int = 8


@dataclass(frozen=True)
class Neighbours:
    """Each account's nearest accounts in words and frames, best first.

    Attributes:
        account: account codes, -1 where there are fewer, shape (accounts, neighbours).
        cosine: how near, 0..1, same shape.
    """

    account: NDArray[np.int32]
    cosine: NDArray[np.float32]


def nearest(
    population: Population,
    campaigns: list[Group],
    verified: NDArray[np.bool_],
    workers: Workers,
    settings: FollowerSettings,
) -> Neighbours:
    """Search the nearest accounts, by all that was asked, of members and of who may follow them."""
    of = np.zeros(population.size, bool)
    for group in campaigns:
        least = settings.match * float(np.median(group.nats[group.members]))
        of[group.nats.account[group.nats.value >= least]] = True
    of &= ~verified
    for group in campaigns:
        of[group.members] = True
    frames = [population.features[family] for family in (*FRAMES, Family.CONTENT)]
    said = vectors.whole(population.sketches, frames, main_script(population.profiles))
    return Neighbours(*said.nearest(locality(population), settings.neighbours, workers, of))


def follow(
    campaigns: list[Group],
    near: Neighbours,
    verified: NDArray[np.bool_],
    settings: FollowerSettings,
) -> list[NDArray[np.int64]]:
    """Return the followers of each campaign, ascending; no account follows two.

    Args:
        campaigns: groups that no account is in two of.
        near: the nearest accounts of those who may follow, and of members.
        verified: accounts of organisations that the provider has verified: they follow nobody.
        settings: thresholds.
    """
    campaign = np.full(near.account.shape[0], -1)
    for number, group in enumerate(campaigns):
        campaign[group.members] = number
    nats = [settings.match * float(np.median(group.nats[group.members])) for group in campaigns]
    cosine = [settings.alike * _usual(near, group.members) for group in campaigns]
    found: list[list[int]] = [[] for _ in campaigns]
    for _ in range(settings.rounds):
        beside = np.where(near.account >= 0, campaign[near.account], -1)
        share = (beside >= 0).mean(axis=1)
        fresh = []
        for account in np.flatnonzero((campaign < 0) & ~verified & (share >= settings.share)):
            among = beside[account] >= 0
            number = int(np.bincount(beside[account][among]).argmax())
            enough = campaigns[number].nats[account] >= nats[number]
            if enough and near.cosine[account][among].mean() >= cosine[number]:
                fresh.append((int(account), number))
        for follower, followed in fresh:
            campaign[follower] = followed
            found[followed].append(follower)
        if not fresh:
            break
    return [np.array(sorted(accounts), np.int64) for accounts in found]


def _usual(near: Neighbours, members: NDArray[np.int64]) -> float:
    """Return how near members usually are to the nearer half of their neighbours."""
    return float(np.median(near.cosine[members][:, : max(near.cosine.shape[1] // 2, 1)]))
