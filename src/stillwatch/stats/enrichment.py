"""Upper tails of counts, as natural logarithms: how surprising are k members that share a feature?

Tails stay exact far below the smallest double: where the ordinary function underflows, a continued
fraction takes over in log space.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import special

from stillwatch.stats.arrays import BoolArray, FloatArray

Complement = Callable[[BoolArray], npt.ArrayLike]

_UNDERFLOW = 1e-280
"""Below this the ordinary tail functions lose digits."""
_PRECISION = 1e-15
_STEPS = 20_000
"""More than any continued fraction needs where the tail is below `_UNDERFLOW`."""


def binomial_tail_log(k: npt.ArrayLike, n: npt.ArrayLike, p: npt.ArrayLike) -> FloatArray:
    """Log of P(X >= k) for X binomial.

    Args:
        k: Successes seen, 0..n.
        n: Trials.
        p: Probability of success, 0..1.

    Returns:
        Natural logarithms, at most 0, of the broadcast shape; the smaller, the more surprising.
        0 where k <= 0, minus infinity where the count is impossible.

    >>> round(float(binomial_tail_log(2, 2, 0.1)), 6)  # ln 0.01
    -4.60517
    >>> round(float(binomial_tail_log(1000, 1000, 1e-3)), 3)  # 1000 ln 0.001
    -6907.755
    """
    k, n, p = _broadcast(k, n, p)
    result = np.zeros(k.shape)
    result[(k > n) | ((k > 0) & (p <= 0))] = -np.inf
    inner = (k > 0) & (k <= n) & (p > 0) & (p < 1)
    a, b, x = k[inner], n[inner] - k[inner] + 1, p[inner]
    tail = np.asarray(special.betainc(a, b, x), dtype=np.float64)
    logs = _log_probability(tail, lambda likely: special.betaincc(a[likely], b[likely], x[likely]))
    deep = tail < _UNDERFLOW
    logs[deep] = _beta_tail_log(a[deep], b[deep], x[deep])
    result[inner] = logs
    return result


def poisson_tail_log(k: npt.ArrayLike, mean: npt.ArrayLike) -> FloatArray:
    """Log of P(X >= k) for X Poisson.

    Args:
        k: Events seen, at least 0.
        mean: Events expected, at least 0.

    Returns:
        Natural logarithms, at most 0, of the broadcast shape; the smaller, the more surprising.

    >>> round(float(poisson_tail_log(1, 0.5)), 6)  # ln(1 - exp(-0.5))
    -0.932752
    """
    k, mean = _broadcast(k, mean)
    result = np.zeros(k.shape)
    result[(k > 0) & (mean <= 0)] = -np.inf
    inner = (k > 0) & (mean > 0)
    a, x = k[inner], mean[inner]
    tail = special.gammainc(a, x)
    logs = _log_probability(tail, lambda likely: special.gammaincc(a[likely], x[likely]))
    deep = tail < _UNDERFLOW
    logs[deep] = _gamma_tail_log(a[deep], x[deep])
    result[inner] = logs
    return result


def _broadcast(*values: npt.ArrayLike) -> tuple[FloatArray, ...]:
    return tuple(np.broadcast_arrays(*(np.asarray(value, dtype=np.float64) for value in values)))


def _log_probability(tail: FloatArray, complement: Complement) -> FloatArray:
    """Log of a tail, from whichever of it and its complement keeps more digits.

    Args:
        tail: probabilities.
        complement: gives the complements of those that it is told; most tails need none.
    """
    likely = tail > 0.5
    logs = np.full(tail.shape, -np.inf)
    np.log(tail, out=logs, where=~likely & (tail > 0))
    logs[likely] = np.log1p(-np.asarray(complement(likely), np.float64))
    return logs


def _beta_tail_log(a: FloatArray, b: FloatArray, x: FloatArray) -> FloatArray:
    """Log of the regularised incomplete beta function for x below a / (a + b) (DLMF 8.17.22)."""

    def coefficient(step: int) -> FloatArray:
        m = step // 2
        if step % 2:
            return -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        return m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))

    front = a * np.log(x) + b * np.log1p(-x) - np.log(a) - special.betaln(a, b)
    return np.asarray(front - np.log(_continued_fraction(coefficient, a.shape)))


def _gamma_tail_log(a: FloatArray, x: FloatArray) -> FloatArray:
    """Log of the regularised lower incomplete gamma function for x far below a.

    The fraction is the limit of that of the beta function as b grows and b x stays.
    """

    def coefficient(step: int) -> FloatArray:
        m = step // 2
        if step % 2:
            return -(a + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        return m * x / ((a + 2 * m - 1) * (a + 2 * m))

    front = a * np.log(x) - x - special.gammaln(a + 1)
    return np.asarray(front - np.log(_continued_fraction(coefficient, a.shape)))


def _continued_fraction(
    coefficient: Callable[[int], FloatArray], shape: tuple[int, ...]
) -> FloatArray:
    """Value of 1 + c(1)/(1 + c(2)/(1 + ...)) by the modified Lentz method."""
    value = np.ones(shape)
    upper, lower = np.ones(shape), np.zeros(shape)
    for step in range(1, _STEPS):
        c = coefficient(step)
        lower = 1.0 / (1.0 + c * lower)
        upper = 1.0 + c / upper
        change = upper * lower
        value *= change
        if np.all(np.abs(change - 1.0) < _PRECISION):
            break
    return value
