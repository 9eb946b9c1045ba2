import math
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from stillwatch.stats.enrichment import binomial_tail_log, poisson_tail_log


def log_fraction(value: Fraction) -> float:
    return math.log(value.numerator) - math.log(value.denominator)


def exact_binomial(k: int, n: int, p: Fraction) -> float:
    return log_fraction(
        sum((math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k, n + 1)), Fraction(0))
    )


@pytest.mark.parametrize(
    ("k", "n", "p"),
    [
        (1, 10, Fraction(1, 10)),
        (5, 10, Fraction(1, 2)),
        (10, 10, Fraction(1, 1000)),
        (60, 100, Fraction(1, 1024)),
        (150, 300, Fraction(1, 1024)),
        (299, 300, Fraction(1, 2**20)),
        (400, 400, Fraction(1, 2**30)),
        (3, 400, Fraction(9, 10)),
    ],
)
def test_binomial_equals_exact_sums(k: int, n: int, p: Fraction) -> None:
    exact = exact_binomial(k, n, p)
    assert float(binomial_tail_log(k, n, float(p))) == pytest.approx(exact, rel=1e-11, abs=1e-300)


def test_binomial_is_continuous_where_the_continued_fraction_takes_over() -> None:
    k = np.arange(100, 2000)
    logs = binomial_tail_log(k, 1_000_000, 1e-4)
    assert logs[0] > -1
    assert logs[-1] < -3000
    steps = np.diff(logs)
    assert np.all(steps < 0)
    assert np.all(np.diff(steps) < 1e-9)  # binomial tails are log-concave


def test_binomial_far_tail_of_a_huge_sample() -> None:
    n, p = 10**9, 0.25
    k = int(n * p + 60 * math.sqrt(n * p * (1 - p)))
    # Normal tail with the Cornish-Fisher skewness term in the exponent.
    z = 60.0
    skew = (1 - 2 * p) / math.sqrt(n * p * (1 - p))
    expected = stats.norm.logsf(z) + skew * z**3 / 6
    assert float(binomial_tail_log(k, n, p)) == pytest.approx(expected, rel=1e-4)


def test_edges_of_the_range() -> None:
    logs = binomial_tail_log([0, 3, 1, 2, 2], [5, 2, 5, 2, 2], [0.1, 0.1, 0.0, 1.0, 0.0])
    assert logs.tolist() == [0.0, -math.inf, -math.inf, 0.0, -math.inf]
    assert poisson_tail_log([0, 1], [3.0, 0.0]).tolist() == [0.0, -math.inf]


@pytest.mark.parametrize(("k", "mean"), [(3, 0.5), (1, 10.0), (200, 1.0), (900, 5.0), (5000, 1e3)])
def test_poisson_equals_exact_sums(k: int, mean: float) -> None:
    terms = [i * math.log(mean) - mean - math.lgamma(i + 1) for i in range(k, k + 3000)]
    expected = max(terms) + math.log(sum(math.exp(term - max(terms)) for term in terms))
    assert float(poisson_tail_log(k, mean)) == pytest.approx(expected, rel=1e-10)


def test_poisson_is_the_limit_of_the_binomial() -> None:
    k = np.array([2.0, 20.0, 400.0])
    assert binomial_tail_log(k, 1e12, 1e-12) == pytest.approx(poisson_tail_log(k, 1.0), rel=1e-6)


def test_false_positive_rate_under_the_null() -> None:
    rng = np.random.default_rng(7)
    n = rng.integers(10, 2000, 200_000)
    p = rng.uniform(0.001, 0.3, n.size)
    logs = binomial_tail_log(rng.binomial(n, p), n, p)
    for alpha in (0.05, 1e-2, 1e-3):
        realised = np.mean(logs <= math.log(alpha))
        assert realised <= alpha * 1.1
        assert realised >= alpha * 0.3  # discreteness costs power, but not all of it
