"""Enrichment: which features members of a cluster carry far more often than the population does.

The tail of k carriers among m members is binomial with the rate at which accounts of the same
cohorts carry the feature, so that what a plan or language group has in common is no evidence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stillwatch.detect import kernels
from stillwatch.detect.features import AT_ONCE, Family, FamilyCounts, Features, spans
from stillwatch.detect.numbering import postings
from stillwatch.stats.enrichment import binomial_tail_log

FEWEST_CARRIERS = 3
"""A feature that fewer members carry is not tested."""
BACKGROUND = 2
"""How many times as large as a cluster's part of it a cohort must be to be its background. With
20, a cluster of few in a small script was compared with all scripts, where its language is rare."""


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
        lift: share over the rate in no cluster, or that of the cohorts where it is larger.
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
            self.cluster[keep],
            self.family[keep],
            self.value[keep],
            self.members[keep],
            self.population[keep],
            self.share[keep],
            self.lift[keep],
            self.log_p[keep],
        )

    def by_cluster(self, clusters: int) -> "list[Enriched]":
        """Return the rows of each cluster, in their order."""
        order = np.argsort(self.cluster, kind="stable")
        ends = np.searchsorted(self.cluster[order], np.arange(1, clusters))
        columns = (getattr(self, name)[order] for name in self.__dataclass_fields__)
        # Copies: a view of one cluster would keep the rows of all in memory.
        parts = ([part.copy() for part in np.split(column, ends)] for column in columns)
        return [Enriched(*row) for row in zip(*parts, strict=True)][:clusters]


def concatenate(parts: Sequence[Enriched]) -> Enriched:
    """Return the rows of all parts, part after part."""
    names = Enriched.__dataclass_fields__
    return Enriched(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


@dataclass(frozen=True)
class Coded:
    """One family with its postings, so that many tests share one sort.

    Attributes:
        family: the family.
        account: account code of each row.
        column: number of each row's value.
        values: the values, ascending.
        carriers: accounts that carry each value; of a half, some are carried by none.
        posting: accounts that carry each value, ascending, value after value.
        start: where each value's accounts begin in `posting`; one more than there are values.
        first: where each account's rows begin; one more than there are accounts.
        degree: values per account over the mean of accounts that have any, float32.
    """

    family: Family
    account: NDArray[np.int32]
    column: NDArray[np.int32]
    values: NDArray[np.uint64]
    carriers: NDArray[np.int64]
    posting: NDArray[np.int32]
    start: NDArray[np.int64]
    first: NDArray[np.int64]
    degree: NDArray[np.float32]

    def rows_of(self, members: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the rows of some accounts."""
        return spans(self.first, members)


def code(features: Features, accounts: int) -> dict[Family, Coded]:
    """Make the postings of every family.

    Args:
        features: counts per family, rows sorted by account.
        accounts: number of accounts.
    """
    return {family: code_family(family, features[family], accounts) for family in sorted(features)}


def code_family(family: Family, counts: FamilyCounts, accounts: int) -> Coded:
    """Make the postings of one family; see `code`."""
    start, posting = postings(counts.number, counts.account, counts.values.size)
    rows = np.searchsorted(counts.account, np.arange(accounts + 1))
    values = np.diff(rows)
    return Coded(
        family=family,
        account=counts.account,
        column=counts.number,
        values=counts.values,
        carriers=np.diff(start),
        posting=posting,
        start=start,
        first=rows,
        degree=(values / max(values[values > 0].mean() if values.any() else 1.0, 1.0)).astype(
            np.float32
        ),
    )


def test(
    coded: Mapping[Family, Coded], cluster: NDArray[np.int32], cohort: NDArray[np.int64]
) -> Enriched:
    """Test every feature of every family for enrichment in every cluster.

    Args:
        coded: the families to test; pass only what took no part in forming the clusters where the
            p-values are to be read as tests.
        cluster: cluster per account, -1 for none.
        cohort: cohort per account.
    """
    return concatenate([test_family(family, cluster, cohort) for family in coded.values()])


def test_family(coded: Coded, cluster: NDArray[np.int32], cohort: NDArray[np.int64]) -> Enriched:
    """Test every feature of one family; see `test`."""
    clusters = int(cluster.max(initial=-1)) + 1
    feature, which, members, tested = kernels.members_by_cluster(
        coded.start, coded.posting, cluster, clusters, FEWEST_CARRIERS
    )
    order = np.lexsort((feature, which))
    feature, which, members = feature[order], which[order], members[order]
    sizes = np.bincount(cluster[cluster >= 0], minlength=clusters)
    everyone = np.ones(cluster.shape[0], bool)
    mixed, _ = _rates(coded, (feature, which), cluster, cohort, everyone)
    rate = np.clip(np.maximum(mixed, coded.carriers[feature] / cluster.shape[0]), 1e-12, 1.0)
    log_p = binomial_tail_log(members, sizes[which], rate) + np.log(tested[which])
    share = members / sizes[which]
    return Enriched(
        which,
        np.full(which.size, coded.family, np.int8),
        coded.values[feature],
        members,
        coded.carriers[feature],
        share,
        share / np.clip(_outside(coded, (feature, which), cluster, cohort), 1e-12, 1.0),
        np.minimum(log_p, 0.0),
    )


def _outside(
    coded: Coded,
    pairs: tuple[NDArray[np.int64], NDArray[np.int64]],
    cluster: NDArray[np.int32],
    cohort: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Rate of a feature among accounts in no cluster, or in the cohorts where that is larger.

    One operation may stand in several clusters and be a large part of all accounts; among all of
    them it would hide what marks it.
    """
    among = cluster < 0
    if among.sum() < max(30, 0.05 * among.size):
        among[:] = True
    mixed, carriers = _rates(coded, pairs, cluster, cohort, among)
    return np.asarray(np.maximum(mixed, (carriers + 1) / (among.sum() + 1)))


def _mix(
    cluster: NDArray[np.int32], cohort: NDArray[np.int64], among: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return, per cluster and cohort, the share of members over accounts of the cohort.

    A cohort that a cluster nearly fills cannot serve as its own background: it counts only where it
    is at least `BACKGROUND` times as large as the cluster's part of it.
    """
    inside = cluster >= 0
    sizes = np.bincount(cohort[among], minlength=int(cohort.max(initial=0)) + 1)
    mix = np.zeros((int(cluster.max(initial=-1)) + 1, sizes.size))
    np.add.at(mix, (cluster[inside], cohort[inside]), 1.0)
    members = np.maximum(mix.sum(axis=1, keepdims=True), 1)
    share = np.where(sizes >= BACKGROUND * mix, mix / np.maximum(sizes, 1), 0.0)
    return np.asarray(share / members)


def _rates(
    coded: Coded,
    pairs: tuple[NDArray[np.int64], NDArray[np.int64]],
    cluster: NDArray[np.int32],
    cohort: NDArray[np.int64],
    among: NDArray[np.bool_],
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the rate of each feature among accounts of its cluster's cohorts, and its carriers.

    Args:
        coded: the family.
        pairs: numbers of values, and the cluster that each is tested in.
        cluster: cluster per account, -1 for none.
        cohort: cohort per account.
        among: the accounts that are counted.
    """
    feature, which = pairs
    mix = _mix(cluster, cohort, among)
    wanted, back = np.unique(feature, return_inverse=True)
    carried = kernels.carriers_by_cohort(
        coded.start, coded.posting, wanted, cohort, among, mix.shape[1]
    )
    rate = np.empty(feature.size)
    step = AT_ONCE // 16  # a row has as many numbers as there are cohorts
    for start in range(0, feature.size, step):
        part = slice(start, start + step)
        rate[part] = np.einsum("ij,ij->i", carried[back[part]], mix[which[part]])
    return rate, carried.sum(axis=1)[back]
