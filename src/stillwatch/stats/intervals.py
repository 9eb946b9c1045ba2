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


def wilson(
    k: npt.ArrayLike, n: npt.ArrayLike, confidence: float = 0.95
) -> tuple[FloatArray, FloatArray]:
    """Score interval of a binomial rate (Wilson 1927); shorter than the exact one.

    Args:
        k: Successes.
        n: Trials; where it is 0 the interval is 0..1.
        confidence: Mean coverage, 0..1.

    Returns:
        Lower and upper bounds of the broadcast shape.

    >>> low, high = wilson(9, 10)
    >>> round(float(low), 4), round(float(high), 4)
    (0.5958, 0.9821)
    """
    successes, trials = np.broadcast_arrays(
        np.asarray(k, dtype=np.float64), np.asarray(n, dtype=np.float64)
    )
    z = special.ndtri(0.5 + confidence / 2.0)
    some = np.maximum(trials, 1.0)
    rate = successes / some
    middle = (rate + z**2 / (2 * some)) / (1 + z**2 / some)
    half = z * np.sqrt(rate * (1 - rate) / some + z**2 / (4 * some**2)) / (1 + z**2 / some)
    empty = trials == 0
    return (
        np.asarray(np.where(empty, 0.0, np.maximum(middle - half, 0.0))),
        np.asarray(np.where(empty, 1.0, np.minimum(middle + half, 1.0))),
    )


def bootstrap_ratio(
    numerators: npt.ArrayLike,
    denominators: npt.ArrayLike,
    blocks: npt.ArrayLike,
    rng: np.random.Generator,
    *,
    n: int = 2000,
    confidence: float = 0.95,
) -> tuple[float, float]:
    """Interval of sum(numerators) / sum(denominators) by a two-stage bootstrap.

    The entries are the smallest things that stand or fall on their own: not accounts, but the
    company, app or campaign to which accounts belong. Whole blocks (seeds, days) are drawn with
    replacement, then entries within each. With few blocks it is too narrow: about 86 % coverage for
    a nominal 95 % with 12 blocks that differ, less with five. Where all numerators are 0 the
    interval is 0..0 whatever the sample: give Clopper-Pearson on the number of entries beside it.

    Args:
        numerators: Hits of each entry, one axis, at least 0.
        denominators: Trials of each entry, of the same shape, at least 0.
        blocks: Label of the block of each entry, of the same shape.
        rng: Seeded generator.
        n: Resamples.
        confidence: Coverage, 0..1.

    Returns:
        Lower and upper percentile; NaN where the denominators sum to 0.

    >>> bootstrap_ratio([1, 1], [2, 2], ["a", "b"], np.random.default_rng(0), n=10)
    (0.5, 0.5)
    """
    entries = np.column_stack(
        [np.asarray(numerators, dtype=np.float64), np.asarray(denominators, dtype=np.float64)]
    )
    if entries[:, 1].sum() == 0:
        return float("nan"), float("nan")
    labels = np.asarray(blocks)
    # Equal entries of a block are drawn together by their multiplicity: most accounts stand alone.
    distinct = [
        np.unique(entries[labels == label], axis=0, return_counts=True)
        for label in np.unique(labels)
    ]
    totals = np.zeros((n, 2))
    for i in range(n):
        for block in rng.integers(0, len(distinct), len(distinct)):
            values, counts = distinct[block]
            totals[i] += rng.multinomial(counts.sum(), counts / counts.sum()) @ values
    # A resample without any trial says nothing about the rate.
    drawn = totals[totals[:, 1] > 0]
    half = (1.0 - confidence) / 2.0
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], [half, 1.0 - half])
    return float(low), float(high)
