"""Confidence intervals for rates, exact or by resampling whole groups."""

import numpy as np
import numpy.typing as npt
from scipy import special

from stillwatch.stats.arrays import FloatArray


def clopper_pearson(
    k: npt.ArrayLike, n: npt.ArrayLike, confidence: float = 0.95
) -> tuple[FloatArray, FloatArray]:
    """Exact interval of a binomial rate (Clopper and Pearson 1934).

    It holds for independent trials. False positives come in groups; see `bootstrap_ratio`.

    Args:
        k: Successes.
        n: Trials; where it is 0 the interval is 0..1.
        confidence: Coverage, 0..1.

    Returns:
        Lower and upper bounds of the broadcast shape.

    >>> low, high = clopper_pearson(0, 100)
    >>> float(low), round(float(high), 4)
    (0.0, 0.0362)
    """
    successes, trials = np.broadcast_arrays(
        np.asarray(k, dtype=np.float64), np.asarray(n, dtype=np.float64)
    )
    half = (1.0 - confidence) / 2.0
    failures = trials - successes
    # Degenerate parameters are replaced before the call and their bounds set afterwards.
    low = special.betaincinv(np.maximum(successes, 1.0), failures + 1.0, half)
    high = special.betaincinv(successes + 1.0, np.maximum(failures, 1.0), 1.0 - half)
    return (
        np.asarray(np.where(successes == 0, 0.0, low)),
        np.asarray(np.where(failures == 0, 1.0, high)),
    )


def bootstrap_ratio(
    numerators: npt.ArrayLike,
    denominators: npt.ArrayLike,
    groups: npt.ArrayLike,
    rng: np.random.Generator,
    *,
    n: int = 2000,
    confidence: float = 0.95,
) -> tuple[float, float]:
    """Interval of sum(numerators) / sum(denominators), resampling whole groups.

    Members of a group (one company, one app, one seed) stand or fall together, so they are drawn
    together. Where all numerators are 0 the interval is 0..0 whatever the sample: give
    Clopper-Pearson on the number of groups beside it.

    Args:
        numerators: One axis, at least 0.
        denominators: Of the same shape, at least 0.
        groups: Label of the group of each entry, of the same shape.
        rng: Seeded generator.
        n: Resamples.
        confidence: Coverage, 0..1.

    Returns:
        Lower and upper percentile; NaN where the denominators sum to 0.

    >>> bootstrap_ratio([1, 1], [2, 2], ["a", "b"], np.random.default_rng(0), n=10)
    (0.5, 0.5)
    """
    names, index = np.unique(np.asarray(groups), return_inverse=True)
    top = np.bincount(index, np.asarray(numerators, dtype=np.float64), names.size)
    bottom = np.bincount(index, np.asarray(denominators, dtype=np.float64), names.size)
    if bottom.sum() == 0:
        return float("nan"), float("nan")
    ratios = np.empty(n)
    for i in range(n):
        drawn = rng.integers(0, names.size, names.size)
        total = bottom[drawn].sum()
        # A resample without any trial says nothing about the rate; the estimate stands in.
        ratios[i] = (top[drawn].sum() / total) if total else top.sum() / bottom.sum()
    half = (1.0 - confidence) / 2.0
    low, high = np.quantile(ratios, [half, 1.0 - half])
    return float(low), float(high)
