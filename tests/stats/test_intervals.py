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


@pytest.mark.parametrize(("spread", "blocks"), [(0.0, 1), (0.15, 12)])
def test_bootstrap_covers_where_blocks_differ(spread: float, blocks: int) -> None:
    rng = np.random.default_rng(32)
    covered = flat = 0
    for _ in range(150):
        label = np.repeat(np.arange(blocks), 240 // blocks)
        rate = np.clip(0.3 + spread * rng.standard_normal(blocks), 0, 1)[label]
        hits = rng.binomial(10, rate)
        low, high = bootstrap_ratio(hits, np.full(240, 10), label, rng, n=200)
        covered += low <= 0.3 <= high
        low, high = bootstrap_ratio(hits, np.full(240, 10), np.zeros(240), rng, n=200)
        flat += low <= 0.3 <= high
    assert covered >= (0.92 if blocks == 1 else 0.8) * 150
    assert (flat < 0.7 * 150) == (blocks > 1)


def test_bootstrap_without_trials_is_undefined() -> None:
    low, high = bootstrap_ratio([0], [0], ["a"], np.random.default_rng(0), n=5)
    assert np.isnan(low)
    assert np.isnan(high)
