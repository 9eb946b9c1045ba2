import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from stillwatch.detect import enrichment
from stillwatch.detect.features import Family
from tests.detect.build import family, random_family, random_features, with_carriers


def one_cohort(accounts):
    return np.zeros(accounts, np.int64)


def label(accounts, *clusters):
    found = np.full(accounts, -1, np.int32)
    for number, members in enumerate(clusters):
        found[list(members)] = number
    return found


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_p_values_are_exact_binomial_tails(seed):
    rng = np.random.default_rng(seed)
    accounts = 300
    counts = random_family(rng, accounts, 25, each=2)
    cluster = label(accounts, rng.choice(150, 12, replace=False), range(200, 240))
    rows = enrichment.test(
        enrichment.code({Family.CLIENT: counts}, accounts), cluster, one_cohort(accounts)
    )
    pairs = set(zip(counts.account.tolist(), counts.value.tolist(), strict=True))
    seen = 0
    for number in (0, 1):
        members = set(np.flatnonzero(cluster == number).tolist())
        for value in {v for _, v in pairs}:
            inside = sum((account, value) in pairs for account in members)
            if inside < enrichment.FEWEST_CARRIERS:
                continue
            carriers = sum(v == value for _, v in pairs)
            row = np.flatnonzero((rows.cluster == number) & (rows.value == value))
            assert row.size == 1
            k = row[0]
            seen += 1
            tried = features_tried(pairs, members)
            tail = stats.binom.logsf(inside - 1, len(members), carriers / accounts)
            assert rows.log_p[k] == pytest.approx(min(0.0, tail + np.log(tried)), rel=1e-6)
            assert (rows.members[k], rows.population[k]) == (inside, carriers)
            assert rows.share[k] == inside / len(members)
            free = np.flatnonzero(cluster < 0)
            outside = sum((account, value) in pairs for account in free.tolist())
            rate = (outside + 1) / (free.size + 1)
            if free.size >= 20 * len(members):
                rate = max(rate, outside / free.size)
            assert rows.lift[k] == pytest.approx(rows.share[k] / rate)
    assert seen == rows.cluster.size > 0


def features_tried(pairs, members):
    return len({v for account, v in pairs if account in members})


def test_random_clusters_are_significant_no_more_often_than_claimed():
    """Per cluster and family the best p-value is uniform or larger, whatever the family's shape."""
    rng = np.random.default_rng(11)
    accounts, size = 1200, 30
    best = []
    for _ in range(25):
        features = random_features(rng, accounts)
        cluster = (rng.permutation(accounts) // size).astype(np.int32)
        cohort = rng.integers(0, 3, accounts)
        rows = enrichment.test(enrichment.code(features, accounts), cluster, cohort)
        table = np.zeros((accounts // size, len(Family)))
        np.minimum.at(table, (rows.cluster, rows.family), rows.log_p)
        best.append(np.exp(table[:, sorted(features)]))
    p = np.concatenate(best)
    assert p.shape == (1000, 5)
    for alpha in (0.1, 0.03, 0.01, 0.003):
        hits = (p <= alpha).sum(axis=0)
        assert (hits <= stats.binom.ppf(0.9999, len(p), alpha)).all(), (alpha, hits)


def test_what_a_cohort_has_in_common_is_no_evidence():
    """Half of the accounts are of a cohort that all carry a value; a cluster of them does too."""
    rng = np.random.default_rng(2)
    accounts = 2000
    cohort = (np.arange(accounts) % 4 == 0).astype(np.int64)
    counts = with_carriers(random_family(rng, accounts, 50), {777: np.flatnonzero(cohort == 1)})
    coded = enrichment.code({Family.NETWORK: counts}, accounts)
    cluster = label(accounts, rng.choice(np.flatnonzero(cohort == 1), 20, replace=False))
    blind = enrichment.test(coded, cluster, one_cohort(accounts))
    aware = enrichment.test(coded, cluster, cohort)
    assert blind.log_p[blind.value == 777] < np.log(1e-6)
    assert aware.log_p[aware.value == 777] == 0.0
    assert aware.lift[aware.value == 777] == pytest.approx(1.0)


def test_one_operation_in_several_clusters_does_not_hide_what_marks_it():
    accounts = 300
    coded = enrichment.code({Family.NETWORK: family((a, 5) for a in range(120))}, accounts)
    cluster = label(accounts, range(40), range(40, 80), range(80, 120))
    rows = enrichment.test(coded, cluster, one_cohort(accounts))
    assert rows.lift.tolist() == [181.0] * 3  # one of 180 + 1 outside at most
    assert (rows.log_p > np.log(1e-20)).all()  # p-values count the others among the population


def test_a_cluster_that_fills_its_cohort_is_compared_with_everybody():
    accounts = 2000
    cohort = (np.arange(accounts) < 20).astype(np.int64)
    coded = enrichment.code({Family.NETWORK: family((a, 5) for a in range(20))}, accounts)
    rows = enrichment.test(coded, label(accounts, range(20)), cohort)
    assert rows.log_p[0] < np.log(1e-30)


def test_no_clusters_and_empty_families_give_no_rows():
    coded = enrichment.code({Family.CLIENT: family([]), Family.TLS: family([(0, 1)])}, 10)
    assert enrichment.test(coded, label(10), one_cohort(10)).cluster.size == 0
    assert enrichment.test(coded, label(10, range(5)), one_cohort(10)).cluster.size == 0


def test_coding_numbers_values_and_finds_their_carriers():
    counts = family([(0, 9), (1, 4), (1, 9), (3, 2**63)])
    coded = enrichment.code({Family.CLIENT: counts}, 5)[Family.CLIENT]
    assert coded.values.tolist() == [4, 9, 2**63]
    assert coded.carriers.tolist() == [1, 2, 1]
    assert coded.account[coded.posting].tolist() == [1, 0, 1, 3]
    assert coded.start.tolist() == [0, 1, 3, 4]
    assert coded.column[coded.rows_of(np.array([1, 3]))].tolist() == [0, 1, 2]
    assert coded.rows_of(np.array([2, 4])).size == 0
    np.testing.assert_allclose(coded.degree, [0.75, 1.5, 0, 0.75, 0])
