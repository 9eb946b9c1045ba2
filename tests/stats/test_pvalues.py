import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from stillwatch.stats.fdr import bh_adjust
from stillwatch.stats.pvalues import conformal_p, fisher, ruger, simes

small_ints = st.lists(st.integers(-5, 5), max_size=30)


@given(small_ints, small_ints)
def test_conformal_equals_the_definition(scores: list[int], reference: list[int]) -> None:
    expected = [
        (1 + sum(value >= score for value in reference)) / (len(reference) + 1) for score in scores
    ]
    assert conformal_p(scores, reference).tolist() == pytest.approx(expected)
    lower = conformal_p(scores, reference, greater=False)
    mirrored = conformal_p([-s for s in scores], [-r for r in reference])
    assert lower.tolist() == mirrored.tolist()


def test_conformal_false_positive_rate_with_ties() -> None:
    rng = np.random.default_rng(1)
    alpha, hits, trials = 0.02, 0, 0
    for _ in range(300):
        reference = rng.poisson(3, 199)
        hits += int(np.sum(conformal_p(rng.poisson(3, 200), reference) <= alpha))
        trials += 200
    assert hits / trials <= alpha


def equicorrelated_p(rng: np.random.Generator, rows: int, columns: int, rho: float) -> np.ndarray:
    shared = rng.standard_normal((rows, 1))
    z = np.sqrt(rho) * shared + np.sqrt(1 - rho) * rng.standard_normal((rows, columns))
    return stats.norm.sf(z)


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.95])
def test_merging_rules_keep_their_level_under_dependence(rho: float) -> None:
    p = equicorrelated_p(np.random.default_rng(2), 100_000, 6, rho)
    for alpha in (0.05, 0.005):
        assert np.mean(ruger(p, 3) <= alpha) <= alpha * 1.05
        assert np.mean(ruger(p, 1) <= alpha) <= alpha * 1.05
        assert np.mean(simes(p) <= alpha) <= alpha * 1.1


def test_fisher_is_uniform_under_independence() -> None:
    p = np.random.default_rng(3).uniform(size=(50_000, 4))
    assert stats.kstest(fisher(p), "uniform").pvalue > 0.01
    assert fisher(p[0]) == pytest.approx(stats.combine_pvalues(p[0], method="fisher").pvalue)
    assert float(fisher([0.0, 0.5])) == 0.0


def test_one_wrong_p_value_cannot_reject_alone_by_ruger() -> None:
    assert float(ruger([1e-12, 0.7, 0.9, 0.8], 2)) == 1.0
    assert ruger(np.full((2, 3), 0.01), 2).tolist() == pytest.approx([0.015, 0.015])
    with pytest.raises(ValueError, match=r"1\.\.2"):
        ruger([0.1, 0.2], 3)


def test_bh_equals_scipy_and_controls_fdr() -> None:
    rng = np.random.default_rng(4)
    p = rng.uniform(size=500)
    assert bh_adjust(p) == pytest.approx(stats.false_discovery_control(p))
    proportions = []
    for _ in range(200):
        p = np.concatenate([rng.uniform(size=900), stats.norm.sf(rng.normal(4, 1, 100))])
        rejected = bh_adjust(p) <= 0.1
        proportions.append(rejected[:900].sum() / max(1, rejected.sum()))
        assert rejected[900:].mean() > 0.5
    assert np.mean(proportions) <= 0.1
    assert bh_adjust([]).size == 0
