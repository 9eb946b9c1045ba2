"""Who belongs: members must carry what makes the cluster special; others who do may join.

After the test, a cluster's enriched features are a profile. Members that match too little of it
leave, so that a bystander who was linked by accident is not accused; accounts that match nearly all
of it join, and are reported as untested.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stillwatch.detect import enrichment
from stillwatch.detect.features import Family, Features

FAMILY_NATS = 10.0
"""Most that one family may say for an account."""


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
    """

    log_p: float = -14.0
    lift: float = 5.0
    share: float = 0.1
    stay: tuple[float, float] = (5.0, 0.35)
    join: float = 0.6
    families: int = 2


class Postings:
    """Carriers of each feature value, by family."""

    def __init__(self, features: Features) -> None:
        self._sorted: dict[int, tuple[NDArray[np.uint64], NDArray[np.int32]]] = {}
        for family, counts in features.items():
            order = np.argsort(counts.value, kind="stable")
            self._sorted[int(family)] = (counts.value[order], counts.account[order])

    def carriers(self, family: int, value: np.uint64) -> NDArray[np.int32]:
        """Return the codes of accounts that carry a value."""
        values, accounts = self._sorted[family]
        first, last = np.searchsorted(values, [value, value], "left"), np.searchsorted(values, value, "right")
        return accounts[first[0] : last]


def profile(
    features: Features, members: NDArray[np.int64], cohort: NDArray[np.int64], settings: MembershipSettings
) -> enrichment.Enriched:
    """Return the features that mark the members, over all families."""
    cluster = np.full(cohort.shape[0], -1, np.int32)
    cluster[members] = 0
    rows = enrichment.test(features, cluster, cohort)
    return rows.where(
        (rows.log_p <= settings.log_p) & (rows.lift >= settings.lift) & (rows.share >= settings.share)
    )


def match(rows: enrichment.Enriched, postings: Postings, accounts: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return per account how many nats it matches of a profile, and in how many families.

    Within a family the best feature counts (values of a family exclude or imply each other), words
    excepted, whose matches add up; each family is capped.
    """
    nats = np.zeros((accounts, len(Family)))
    weight = np.log(rows.lift)
    for k in range(rows.family.size):
        family = int(rows.family[k])
        carriers = postings.carriers(family, rows.value[k])
        if family == Family.WORDS:
            nats[carriers, family] += weight[k] * 0.25
        else:
            nats[carriers, family] = np.maximum(nats[carriers, family], weight[k])
    nats = np.minimum(nats, FAMILY_NATS)
    return nats.sum(axis=1), (nats > 1.0).sum(axis=1)


@dataclass(frozen=True)
class Settled:
    """A cluster's members after the profile was applied.

    Attributes:
        tested: members that were in the tested cluster and stayed.
        joined: accounts that joined by matching the profile.
        rows: the profile.
    """

    tested: NDArray[np.int64]
    joined: NDArray[np.int64]
    rows: enrichment.Enriched

    @property
    def members(self) -> NDArray[np.int64]:
        """All members, ascending."""
        return np.union1d(self.tested, self.joined)


def settle(
    features: Features,
    postings: Postings,
    members: NDArray[np.int64],
    cohort: NDArray[np.int64],
    settings: MembershipSettings,
) -> Settled:
    """Apply a cluster's profile to its members and to everybody else."""
    rows = profile(features, members, cohort, settings)
    nats, families = match(rows, postings, cohort.shape[0])
    inside = np.zeros(cohort.shape[0], bool)
    inside[members] = True
    typical = float(np.median(nats[inside]))
    least, part = settings.stay
    stays = inside & (nats >= max(least, part * typical)) & (families >= settings.families)
    needed = max(np.log(cohort.shape[0]) + 2.0, settings.join * typical)
    joins = ~inside & (nats >= needed) & (families > settings.families)
    return Settled(np.flatnonzero(stays), np.flatnonzero(joins), rows)
