"""Enrichment: which features members of a cluster carry far more often than the population does.

The tail of k carriers among m members is binomial with the rate at which accounts of the same
cohorts carry the feature, so that what a plan or language group has in common is no evidence.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stillwatch.detect.features import Family, FamilyCounts, Features
from stillwatch.stats.enrichment import binomial_tail_log

FEWEST_CARRIERS = 3
"""A feature that fewer members carry is not tested."""


@dataclass(frozen=True)
class Enriched:
    """One row per (cluster, feature) that at least `FEWEST_CARRIERS` members carry.

    Attributes:
        cluster: cluster numbers.
        family: families.
        value: feature values.
        members: members of the cluster that carry the feature.
        population: accounts that carry it in all.
        share: members over cluster size.
        lift: share over the cohort rate.
        log_p: natural log of the binomial tail, corrected for the features tested in this family.
    """

    cluster: NDArray[np.int64]
    family: NDArray[np.int8]
    value: NDArray[np.uint64]
    members: NDArray[np.int64]
    population: NDArray[np.int64]
    share: NDArray[np.float64]
    lift: NDArray[np.float64]
    log_p: NDArray[np.float64]

    def where(self, keep: NDArray[np.bool_]) -> "Enriched":
        """Return the rows that `keep` marks."""
        return Enriched(
            self.cluster[keep], self.family[keep], self.value[keep], self.members[keep],
            self.population[keep], self.share[keep], self.lift[keep], self.log_p[keep],
        )


def test(features: Features, cluster: NDArray[np.int32], cohort: NDArray[np.int64]) -> Enriched:
    """Test every feature of every family for enrichment in every cluster.

    Args:
        features: the families to test; pass only what took no part in forming the clusters where
            the p-values are to be read as tests.
        cluster: cluster per account, -1 for none.
        cohort: cohort per account.
    """
    parts = [_family(family, counts, cluster, cohort) for family, counts in sorted(features.items())]
    return Enriched(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in Enriched.__dataclass_fields__)
    )


def _family(
    family: Family, counts: FamilyCounts, cluster: NDArray[np.int32], cohort: NDArray[np.int64]
) -> Enriched:
    values, column = np.unique(counts.value, return_inverse=True)
    accounts = cluster.shape[0]
    carriers = np.bincount(column, minlength=values.size)
    inside = cluster[counts.account] >= 0
    clusters = int(cluster.max(initial=-1)) + 1
    cells, members = np.unique(
        cluster[counts.account[inside]].astype(np.int64) * values.size + column[inside], return_counts=True
    )
    sizes = np.bincount(cluster[cluster >= 0], minlength=clusters)
    which, feature = cells // max(values.size, 1), cells % max(values.size, 1)
    tested = np.bincount(which, minlength=clusters)
    keep = members >= FEWEST_CARRIERS
    which, feature, members = which[keep], feature[keep], members[keep]
    expected = _expected(which, feature, counts, column, cluster, cohort)
    rate = np.clip(np.maximum(expected, sizes[which] * carriers[feature] / accounts) / sizes[which], 1e-12, 1.0)
    log_p = binomial_tail_log(members, sizes[which], rate) + np.log(tested[which])
    share = members / sizes[which]
    return Enriched(
        which, np.full(which.size, family, np.int8), values[feature], members, carriers[feature],
        share, share / rate, np.minimum(log_p, 0.0),
    )


def _expected(
    which: NDArray[np.int64],
    feature: NDArray[np.int64],
    counts: FamilyCounts,
    column: NDArray[np.int64],
    cluster: NDArray[np.int32],
    cohort: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Carriers expected in a cluster if its members were drawn at random from their own cohorts.

    A cohort that a cluster nearly fills cannot serve as its own background: it counts only where it
    is twenty times larger than the cluster's part of it.
    """
    cohorts = int(cohort.max()) + 1
    clusters = int(cluster.max(initial=-1)) + 1
    sizes = np.bincount(cohort, minlength=cohorts)
    inside = cluster >= 0
    mix = np.zeros((clusters, cohorts))
    np.add.at(mix, (cluster[inside], cohort[inside]), 1.0)
    weight = np.where(sizes >= 20 * mix, mix / np.maximum(sizes, 1), 0.0)
    wanted, back = np.unique(feature, return_inverse=True)
    renumber = np.full(int(column.max(initial=-1)) + 1, -1, np.int64)
    renumber[wanted] = np.arange(wanted.size)
    rows = renumber[column]
    used = rows >= 0
    carried = np.zeros((wanted.size, cohorts))
    np.add.at(carried, (rows[used], cohort[counts.account[used]]), 1.0)
    return np.asarray(np.einsum("ij,ij->i", carried[back], weight[which]))
