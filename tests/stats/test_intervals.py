import numpy as np
import pytest
from scipy import stats

from stillwatch.stats.intervals import bootstrap_ratio, clopper_pearson


def test_clopper_pearson_equals_scipy() -> None:
    for k, n in [(0, 10), (10, 10), (3, 17), (1, 100_000)]:
        expected = stats.binomtest(k, n).proportion_ci(method="exact")
        low, high = clopper_pearson(k, n)
        assert (float(low), float(high)) == pytest.approx((expected.low, expected.high))
    assert [bound.tolist() for bound in clopper_pearson([0], [0])] == [[0.0], [1.0]]


def test_clopper_pearson_covers() -> None:
    k = np.random.default_rng(31).binomial(500, 0.01, 20_000)
    low, high = clopper_pearson(k, 500)
    assert np.mean((low <= 0.01) & (high >= 0.01)) >= 0.95


def test_group_bootstrap_covers_where_members_fall_together() -> None:
    rng = np.random.default_rng(32)
    grouped = ungrouped = 0
    for _ in range(150):
        groups = np.repeat(np.arange(60), 10)
        hits = np.repeat(rng.binomial(1, 0.3, 60), 10)
        low, high = bootstrap_ratio(hits, np.ones(600), groups, rng, n=300)
        grouped += low <= 0.3 <= high
        low, high = bootstrap_ratio(hits, np.ones(600), np.arange(600), rng, n=300)
        ungrouped += low <= 0.3 <= high
    assert grouped >= 0.88 * 150
    assert ungrouped < 0.7 * 150


def test_bootstrap_without_trials_is_undefined() -> None:
    low, high = bootstrap_ratio([0], [0], ["a"], np.random.default_rng(0), n=5)
    assert np.isnan(low)
    assert np.isnan(high)
