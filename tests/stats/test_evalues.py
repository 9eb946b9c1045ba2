import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from stillwatch.stats.evalues import (
    ODDS,
    calibrate_p_to_e,
    e_to_q,
    enrichment_e,
    merge_mean,
    merge_product,
)


def test_the_calibrator_integrates_to_one_and_falls() -> None:
    # Substituting p = exp(-t) makes the integral smooth. Its tail is as heavy as 1/t^2, so what
    # lies beyond 690 (nearly below SMALLEST_P) is 1/690.
    def density(t: float) -> float:
        return float(calibrate_p_to_e(np.exp(-t))) * np.exp(-t)

    parts = [(0, 1), (1, 10), (10, 100), (100, 690)]
    total = sum(integrate.quad(density, low, high)[0] for low, high in parts)
    assert total + 1 / 690 == pytest.approx(1.0, abs=1e-5)
    p = np.geomspace(1e-299, 1, 4000)
    assert np.all(np.diff(calibrate_p_to_e(p)) < 0)


def test_integrated_calibrator_is_the_mean_over_kappa() -> None:
    for p in (1e-6, 0.01, 0.5, 0.9995):
        mean = integrate.quad(lambda kappa, p=p: kappa * p ** (kappa - 1), 0, 1)[0]
        assert float(calibrate_p_to_e(p)) == pytest.approx(mean, rel=1e-6)


def test_extreme_p_values_stay_finite() -> None:
    e = calibrate_p_to_e([0.0, 1e-310, 1.0])
    assert np.all(np.isfinite(e))
    assert e[0] == e[1] > 1e290


@given(st.lists(st.integers(0, 500), max_size=20))
def test_e_bh_equals_the_definition(values: list[int]) -> None:
    e, alpha = np.array(values, dtype=float), 0.125  # exact in binary
    largest = max(
        (k for k in range(1, e.size + 1) if np.sum(e >= e.size / (alpha * k)) >= k), default=0
    )
    expected = e >= e.size / (alpha * largest) if largest else np.zeros(e.size, dtype=bool)
    assert (e_to_q(e) <= alpha).tolist() == expected.tolist()


def test_e_bh_controls_fdr_when_one_reference_error_moves_all() -> None:
    rng = np.random.default_rng(5)
    proportions, power = [], []
    for _ in range(400):
        shared = rng.standard_normal()
        z = 0.9 * shared + np.sqrt(1 - 0.81) * rng.standard_normal(200)
        z[:40] += 6
        rejected = e_to_q(calibrate_p_to_e(stats.norm.sf(z))) <= 0.05
        proportions.append(rejected[40:].sum() / max(1, rejected.sum()))
        power.append(rejected[:40].mean())
    assert np.mean(proportions) <= 0.05
    assert np.mean(power) > 0.5


def test_means_keep_expectation_one_under_dependence() -> None:
    rng = np.random.default_rng(6)
    p = rng.uniform(0.01, 1, size=(200_000, 1)).repeat(3, axis=1)
    merged = merge_mean(calibrate_p_to_e(p))
    below = 1 - integrate.quad(lambda p: float(calibrate_p_to_e(p)), 0.01, 1)[0]
    assert np.mean(merged) * 0.99 + below == pytest.approx(1.0, abs=0.02)
    assert np.mean(merged >= 20.0) <= 0.05  # Markov's inequality


def test_zero_e_values_never_reject() -> None:
    assert e_to_q([0.0, 0.0]).tolist() == [1.0, 1.0]
    assert e_to_q([]).size == 0


def test_hypotheses_without_evidence_count_as_tests() -> None:
    full = e_to_q([100.0, 0.0, 80.0, 0.0])
    assert e_to_q([100.0, 80.0], tests=4).tolist() == full[[0, 2]].tolist()
    with pytest.raises(ValueError, match="at least as many tests"):
        e_to_q([1.0, 2.0], tests=1)


COUNTS = [(40, 2000, 100), (40, 2000, 1), (5, 7, 12), (60, 30, 45), (1, 1, 1), (30, 1000, 1030)]


@pytest.mark.parametrize(("size", "rest", "total"), COUNTS)
def test_enrichment_equals_the_mixture_of_likelihood_ratios(
    size: int, rest: int, total: int
) -> None:
    k = np.arange(max(0, total - rest), min(size, total) + 1)
    found = enrichment_e(k, size, total - k, rest)
    null = stats.hypergeom.pmf(k, size + rest, total, size)
    mixed = np.mean(
        [stats.nchypergeom_fisher.pmf(k, size + rest, total, size, psi) for psi in ODDS], axis=0
    )
    likely = null > 1e-200
    assert found[likely] == pytest.approx(mixed[likely] / null[likely], rel=1e-4)
    assert found @ null == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize(("size", "rest", "total"), COUNTS)
@pytest.mark.parametrize("psi", [0.2, 0.9])
def test_enrichment_is_an_e_value_where_the_group_carries_it_less(
    size: int, rest: int, total: int, psi: float
) -> None:
    k = np.arange(max(0, total - rest), min(size, total) + 1)
    less = stats.nchypergeom_fisher.pmf(k, size + rest, total, size, psi)
    assert enrichment_e(k, size, total - k, rest) @ less <= 1.0 + 1e-9


def test_enrichment_rises_with_the_carriers_and_stays_finite() -> None:
    e = enrichment_e(np.arange(2001), 2000, 0, 10**6)
    assert np.all(np.diff(e) >= 0)
    assert np.isfinite(e[-1])
    assert e[-1] > 1e299
    assert enrichment_e([[1, 2], [3, 4]], 10, 5, 100).shape == (2, 2)


@given(
    st.lists(st.floats(0, 1e6), min_size=1, max_size=8),
    st.lists(st.floats(0, 1e9), min_size=0, max_size=3),
)
def test_without_the_largest_made_up_values_raise_nothing(
    honest: list[float], made_up: list[float]
) -> None:
    everyone = [*honest, *made_up]
    for merge in (merge_mean, merge_product):
        merged = float(merge(everyone, without_largest=len(made_up)))
        assert merged <= float(merge(honest)) * (1 + 1e-12)


@pytest.mark.parametrize("without", [-1, 2, 3])
def test_something_must_be_left_to_merge(without: int) -> None:
    for merge in (merge_mean, merge_product):
        with pytest.raises(ValueError, match="cannot be left out"):
            merge([1.0, 2.0], without_largest=without)
