"""E-values: evidence whose mean under the null hypothesis is at most 1; large speaks against it.

They average under any dependence, and e-BH controls the false-discovery rate under any dependence,
which p-values of clusters that share accounts would not.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import special

from stillwatch.stats.arrays import FloatArray

SMALLEST_P = 1e-300
"""Calibration treats smaller p-values as this one: a valid e-value that stays finite."""
ODDS: Final = (2.0, 4.0, 8.0, 16.0)
"""Odds ratios that `enrichment_e` looks for, each as likely as the others."""
_LARGEST_LOG: Final = 690.0
"""Natural logarithm of about 1e300."""


def calibrate_p_to_e(p: npt.ArrayLike) -> FloatArray:
    """Turn p-values into e-values by an admissible calibrator (Vovk and Wang 2021).

    It is (1 - p + p ln p) / (p ln^2 p), the integral over kappa in 0..1 of kappa p^(kappa - 1), and
    so needs no guess of how small p will be.

    Args:
        p: P-values, 0..1, any shape.

    Returns:
        E-values of at least 0, at most about 1e300.

    >>> [round(float(e), 2) for e in calibrate_p_to_e([1e-4, 1.0])]
    [117.76, 0.5]
    """
    values = np.clip(np.asarray(p, dtype=np.float64), SMALLEST_P, 1.0)
    log = np.log(values)
    # Near 1 numerator and denominator vanish together; there the series 1/2 - ln(p)/6 is exact.
    near = log > -1e-3
    safe = np.where(near, -1.0, log)
    exact = (np.expm1(-safe) + safe) / (safe * safe)
    return np.asarray(np.where(near, 0.5 - log / 6.0, exact))


def merge_mean(e: npt.ArrayLike, *, without_largest: int = 0) -> FloatArray:
    """Mean of e-values along the last axis: an e-value under any dependence.

    Without the b largest it stays one even if b of the e-values are made up: what is left sums to
    no more than the others.

    Args:
        e: E-values, shape (..., n).
        without_largest: b, 0 to n - 1.

    Raises:
        ValueError: nothing would be left.

    >>> float(merge_mean([30.0, 0.0, 0.0]))
    10.0
    >>> float(merge_mean([1e9, 4.0, 2.0], without_largest=1))
    3.0
    """
    return np.asarray(_smallest(e, without_largest).mean(axis=-1))


def merge_product(e: npt.ArrayLike, *, without_largest: int = 0) -> FloatArray:
    """Product of e-values along the last axis: an e-value if they are independent.

    Args:
        e: E-values, shape (..., n).
        without_largest: as in `merge_mean`.

    Raises:
        ValueError: nothing would be left.

    >>> float(merge_product([8.0, 4.0, 0.5], without_largest=1))
    2.0
    """
    return np.asarray(_smallest(e, without_largest).prod(axis=-1))


def _smallest(e: npt.ArrayLike, without: int) -> FloatArray:
    values = np.asarray(e, dtype=np.float64)
    left = values.shape[-1] - without
    if without < 0 or left < 1:
        raise ValueError(f"Of {values.shape[-1]} e-values {without} cannot be left out.")
    return np.sort(values, axis=-1)[..., :left] if without else values


def enrichment_e(
    carriers: npt.ArrayLike,
    size: npt.ArrayLike,
    reference_carriers: npt.ArrayLike,
    reference_size: npt.ArrayLike,
    odds: Sequence[float] = ODDS,
) -> FloatArray:
    """E-values that a group carries a feature more often than a reference does.

    Null hypothesis: the odds of carrying it are no higher in the group; above all, that group and
    reference are exchangeable. Given how many carry it in both together, the number in the group is
    then hypergeometric and needs no guess of how common the feature is. The e-value is the mean
    over `odds` of the likelihood ratio of Fisher's noncentral hypergeometric distribution with that
    odds ratio to the central one (Fisher 1935).

    Args:
        carriers: Members of the group that carry the feature, 0 to `size`.
        size: Members of the group.
        reference_carriers: Those of the reference that carry it, 0 to `reference_size`.
        reference_size: Members of the reference.
        odds: Odds ratios of the alternative, above 1, chosen before the data.

    Returns:
        E-values of the broadcast shape, above 0, at most about 1e300; large speaks for enrichment.

    >>> enrichment_e([8, 1], 40, 50, 1000).round(2).tolist()
    [71.4, 0.08]
    """
    k, n, outside, rest = np.broadcast_arrays(
        *(
            np.asarray(v, dtype=np.float64)
            for v in (carriers, size, reference_carriers, reference_size)
        )
    )
    shape = k.shape
    k, n, outside, rest = (v.reshape(-1, 1) for v in (k, n, outside, rest))
    total = k + outside
    j = np.arange(int(n.max(initial=0)) + 1, dtype=np.float64)
    possible = (j <= total) & (j <= n) & (n - j <= n + rest - total)
    log = np.full(possible.shape, -np.inf)
    chosen = _log_binomial(total, j) + _log_binomial(n + rest - total, n - j)
    np.copyto(log, chosen, where=possible)
    null = special.logsumexp(log, axis=1)
    ratios = [
        k[:, 0] * np.log(psi) + null - special.logsumexp(log + j * np.log(psi), axis=1)
        for psi in odds
    ]
    mixed = special.logsumexp(ratios, axis=0) - np.log(len(odds))
    return np.asarray(np.exp(np.minimum(mixed, _LARGEST_LOG)).reshape(shape))


def _log_binomial(n: FloatArray, k: FloatArray) -> FloatArray:
    """Log of n over k; what it gives for an impossible k is not used."""
    with np.errstate(invalid="ignore"):
        inside = np.clip(k, 0.0, n)
    return np.asarray(
        special.gammaln(n + 1) - special.gammaln(inside + 1) - special.gammaln(n - inside + 1)
    )


def e_to_q(e: npt.ArrayLike, *, tests: int | None = None) -> FloatArray:
    """Smallest FDR level at which e-BH rejects each hypothesis (Wang and Ramdas 2022).

    Args:
        e: E-values of all K hypotheses, one axis.
        tests: K, where hypotheses with the e-value 0 are left out of `e`.

    Returns:
        q-values in 0..1, in the order of `e`: the least K / (i e_(i)) over the ranks i at or below
        the hypothesis, the largest e-value first.

    Raises:
        ValueError: `tests` is less than the e-values given.

    >>> e_to_q([100.0, 1.0, 80.0]).round(5).tolist()
    [0.01875, 1.0, 0.01875]
    """
    values = np.asarray(e, dtype=np.float64)
    total = values.size if tests is None else tests
    if total < values.size:
        raise ValueError(f"{values.size} e-values are of at least as many tests, not of {total}.")
    order = np.argsort(-values, kind="stable")
    rank = np.arange(1, values.size + 1)
    with np.errstate(divide="ignore", over="ignore"):
        level = total / (rank * values[order])
    adjusted = np.minimum.accumulate(level[::-1])[::-1]
    q = np.empty(values.size)
    q[order] = np.minimum(adjusted, 1.0)
    return q
