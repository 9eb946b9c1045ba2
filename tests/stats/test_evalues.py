import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from stillwatch.stats.evalues import calibrate_p_to_e, e_to_q, merge_mean


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
