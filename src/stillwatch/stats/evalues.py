"""E-values: evidence whose mean under the null hypothesis is at most 1; large speaks against it.

They average under any dependence, and e-BH controls the false-discovery rate under any dependence,
which p-values of clusters that share accounts would not.
"""

import numpy as np
import numpy.typing as npt

from stillwatch.stats.arrays import FloatArray

SMALLEST_P = 1e-300
"""Calibration treats smaller p-values as this one: a valid e-value that stays finite."""


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


def merge_mean(e: npt.ArrayLike) -> FloatArray:
    """Mean of e-values along the last axis: an e-value under any dependence.

    >>> float(merge_mean([30.0, 0.0, 0.0]))
    10.0
    """
    return np.asarray(np.asarray(e, dtype=np.float64).mean(axis=-1))


def e_to_q(e: npt.ArrayLike) -> FloatArray:
    """Smallest FDR level at which e-BH rejects each hypothesis (Wang and Ramdas 2022).

    Args:
        e: E-values of all K hypotheses, one axis.

    Returns:
        q-values in 0..1, in the order of `e`: the least K / (i e_(i)) over the ranks i at or below
        the hypothesis, the largest e-value first.

    >>> e_to_q([100.0, 1.0, 80.0]).round(5).tolist()
    [0.01875, 1.0, 0.01875]
    """
    values = np.asarray(e, dtype=np.float64)
    order = np.argsort(-values, kind="stable")
    rank = np.arange(1, values.size + 1)
    with np.errstate(divide="ignore", over="ignore"):
        level = values.size / (rank * values[order])
    adjusted = np.minimum.accumulate(level[::-1])[::-1]
    q = np.empty(values.size)
    q[order] = np.minimum(adjusted, 1.0)
    return q
