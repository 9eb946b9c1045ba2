"""Who belongs: members must carry what makes the cluster special; others who do may join.

After the test, a cluster's enriched features are a profile. Members that match too little of it
leave, so that a bystander who was linked by accident is not accused; accounts that match nearly all
of it join, and are reported as untested.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stillwatch.detect import enrichment
from stillwatch.detect.enrichment import Coded, Enriched
from stillwatch.detect.features import Family

FAMILY_NATS = 10.0
"""Most that one family may say for an account."""
WORD_WEIGHT = 0.25
"""Words of one text come together, so each counts as a quarter of a feature."""


@dataclass(frozen=True)
class MembershipSettings:
    """Thresholds of membership.

    Attributes:
        log_p: features with a larger natural log of p are not part of a profile.
        lift: smallest lift of a profile feature.
        share: smallest share of members that carry it.
        stay: least nats, and least part of the median member's nats, to stay.
        join: least part of the median member's nats to join.
        families: families that must agree to stay; one more is needed to join.
        alike: least part of a union's members that must stay for two groups to be one.
        overlap: least part of the smaller group that two must share to be tried as one.
    """

    log_p: float = -14.0
    lift: float = 5.0
    share: float = 0.1
    stay: tuple[float, float] = (5.0, 0.35)
    join: float = 0.6
    families: int = 2
    alike: float = 0.8
    overlap: float = 0.4


@dataclass(frozen=True)
class Group:
    """A cluster's members after its profile was applied.

    Attributes:
        tested: members that were in the tested cluster and stayed, ascending.
        joined: accounts that joined by matching the profile, ascending.
        nats: how much of the profile each account of the population matches, float32.
        rows: the profile: features that mark the members, over all families.
    """

    tested: NDArray[np.int64]
    joined: NDArray[np.int64]
    nats: NDArray[np.float32]
    rows: Enriched

    @property
    def members(self) -> NDArray[np.int64]:
        """All members, ascending."""
        return np.union1d(self.tested, self.joined)


def settle(
    coded: Mapping[Family, Coded],
    clusters: list[NDArray[np.int64]],
    cohort: NDArray[np.int64],
    settings: MembershipSettings,
) -> list[Group]:
    """Apply each cluster's profile to its members and to everybody else.

    Args:
        coded: all families.
        clusters: members of each cluster; no account may be in two.
        cohort: cohort per account.
        settings: thresholds.
    """
    label = np.full(cohort.shape[0], -1, np.int32)
    for number, members in enumerate(clusters):
        label[members] = number
    rows = enrichment.test(coded, label, cohort)
    marked = (
        (rows.log_p <= settings.log_p)
        & (rows.lift >= settings.lift)
        & (rows.share >= settings.share)
    )
    rows = rows.where(marked)
    return [
        _apply(coded, members, rows.where(rows.cluster == number), cohort.shape[0], settings)
        for number, members in enumerate(clusters)
    ]


def _apply(
    coded: Mapping[Family, Coded],
    members: NDArray[np.int64],
    rows: Enriched,
    accounts: int,
    settings: MembershipSettings,
) -> Group:
    nats, families = match(coded, rows, accounts)
    inside = np.zeros(accounts, bool)
    inside[members] = True
    typical = float(np.median(nats[inside]))
    least, part = settings.stay
    stays = inside & (nats >= max(least, part * typical)) & (families >= settings.families)
    needed = max(np.log(accounts) + 2.0, settings.join * typical)
    joins = ~inside & (nats >= needed) & (families > settings.families)
    return Group(np.flatnonzero(stays), np.flatnonzero(joins), nats, rows)


def match(
    coded: Mapping[Family, Coded], rows: Enriched, accounts: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return per account how many nats it matches of a profile, and in how many families.

    Within a family the best feature counts (values of a family exclude or imply each other), words
    excepted, whose matches add up; each family is capped.
    """
    total = np.zeros(accounts, np.float32)
    families = np.zeros(accounts, np.int64)
    weight = np.log(rows.lift)
    for family in np.unique(rows.family):
        nats = np.zeros(accounts, np.float32)
        for k in np.flatnonzero(rows.family == family):
            carriers = coded[Family(family)].carriers_of(rows.value[k])
            if family == Family.WORDS:
                nats[carriers] += weight[k] * WORD_WEIGHT
            else:
                nats[carriers] = np.maximum(nats[carriers], weight[k])
        total += np.minimum(nats, FAMILY_NATS)
        families += nats > 1.0
    return total, families


def unite(
    coded: Mapping[Family, Coded],
    groups: list[Group],
    cohort: NDArray[np.int64],
    settings: MembershipSettings,
    *,
    smallest: int,
) -> list[Group]:
    """Make one group of those that overlap and are alike; give every account to one group.

    Two groups that share members are tried as one: where the union's own profile keeps nearly all
    of it, it is one operation seen from two sides. Otherwise an account stays with the group whose
    profile it matches best.
    """
    groups = [group for group in groups if group.members.size >= smallest]
    unions = _overlapping(groups, cohort.shape[0], settings.overlap)
    trials = [np.unique(np.concatenate([groups[k].members for k in union])) for union in unions]
    kept: list[Group] = []
    for union, trial, settled in zip(
        unions, trials, _settle_apart(coded, trials, cohort, settings), strict=True
    ):
        parts = [groups[k] for k in union]
        alike = np.isin(trial, settled.tested).mean() >= settings.alike
        kept += [_merged(parts, settled)] if len(parts) > 1 and alike else parts
    return _assign(kept, cohort.shape[0], smallest)


def _settle_apart(
    coded: Mapping[Family, Coded],
    trials: list[NDArray[np.int64]],
    cohort: NDArray[np.int64],
    settings: MembershipSettings,
) -> list[Group]:
    """Settle clusters that may share a few accounts: the first one has them."""
    taken = np.zeros(cohort.shape[0], bool)
    apart = []
    for trial in trials:
        apart.append(trial[~taken[trial]])
        taken[trial] = True
    return settle(coded, apart, cohort, settings)


def _merged(parts: list[Group], settled: Group) -> Group:
    tested = np.unique(np.concatenate([part.tested for part in parts]))
    members = settled.members
    return Group(
        np.intersect1d(members, tested), np.setdiff1d(members, tested), settled.nats, settled.rows
    )


def _overlapping(groups: list[Group], accounts: int, least: float) -> list[list[int]]:
    """Return the groups as lists of those that overlap, directly or through others."""
    root = list(range(len(groups)))

    def find(k: int) -> int:
        while root[k] != k:
            k = root[k]
        return k

    inside = np.zeros(accounts, bool)
    for a, first in enumerate(groups):
        inside[first.members] = True
        for b in range(a):
            second = groups[b].members
            smaller = min(first.members.size, second.size)
            if inside[second].sum() >= least * smaller:
                root[find(a)] = find(b)
        inside[first.members] = False
    united: dict[int, list[int]] = {}
    for k in range(len(groups)):
        united.setdefault(find(k), []).append(k)
    return list(united.values())


def _assign(groups: list[Group], accounts: int, smallest: int) -> list[Group]:
    best = np.full(accounts, -1, np.int64)
    most = np.zeros(accounts, np.float32)
    for number, group in enumerate(groups):
        members = group.members
        better = members[group.nats[members] > most[members]]
        best[better] = number
        most[better] = group.nats[better]
    final = []
    for number, group in enumerate(groups):
        tested = group.tested[best[group.tested] == number]
        joined = group.joined[best[group.joined] == number]
        if tested.size + joined.size >= smallest:
            final.append(Group(tested, joined, group.nats, group.rows))
    return final
