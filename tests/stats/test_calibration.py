import numpy as np
import pytest

from stillwatch.stats.calibration import build_reference


def cohorts_of_different_scale(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    cohort = rng.choice([0, 1, 2], p=[0.6, 0.397, 0.003], size=n)
    return rng.exponential(np.array([1.0, 5.0, 5.0])[cohort]), cohort


def test_false_positive_rate_within_each_cohort() -> None:
    rng = np.random.default_rng(11)
    p, cohort = [], []
    for _ in range(10):  # the level holds on average over references
        reference = build_reference(*cohorts_of_different_scale(rng, 50_000), minimum=1000)
        assert set(reference.cohorts) == {0, 1}
        values, labels = cohorts_of_different_scale(rng, 50_000)
        p.append(reference.p_value(values, labels))
        cohort.append(labels)
    for label in (0, 1):
        for alpha in (0.05, 0.01, 0.001):
            realised = np.mean(np.concatenate(p)[np.concatenate(cohort) == label] <= alpha)
            assert realised == pytest.approx(alpha, rel=0.3)


def test_small_cohorts_fall_back_to_the_pool() -> None:
    reference = build_reference([1.0, 2.0, 3.0, 4.0], [0, 0, 0, 9], minimum=3)
    assert reference.p_value([5.0, 5.0], [0, 9]).tolist() == [0.25, 0.2]
    assert reference.smallest_p([0, 9, 77]).tolist() == [0.25, 0.2, 0.2]


def test_unmeasured_values_are_never_significant() -> None:
    reference = build_reference([1.0, np.nan, 2.0], [0, 0, 0], minimum=1)
    assert reference.pooled.size == 2
    assert reference.p_value([np.nan, 9.0], [0, 0]).tolist() == [1.0, pytest.approx(1 / 3)]
    empty = build_reference([], [])
    assert empty.p_value([3.0], [0]).tolist() == [1.0]


def test_direction_of_the_error_under_contamination() -> None:
    rng = np.random.default_rng(12)
    clean = rng.standard_normal(49_500)
    attack = rng.normal(6, 1, 500)
    seen = np.concatenate([clean, attack])
    fresh = rng.standard_normal(200_000)

    def realised(values: np.ndarray) -> float:
        reference = build_reference(values, np.zeros(values.size))
        return float(np.mean(reference.p_value(fresh, np.zeros(fresh.size)) <= 0.02))

    assert realised(clean) == pytest.approx(0.02, rel=0.1)
    assert realised(seen) < 0.015  # attackers in the reference: conservative
