"""P-values: conformal ones from a reference, and rules that merge several into one.

A p-value is in 0..1, and the smaller the more surprising. The merging rules work along the last
axis, so that one call serves many tests.
"""

import numpy as np
import numpy.typing as npt
from scipy import special

from stillwatch.stats.arrays import FloatArray


def conformal_p(
    scores: npt.ArrayLike, reference: npt.ArrayLike, *, greater: bool = True
) -> FloatArray:
    """Ranks of scores among a reference, as p-values (Vovk, Gammerman and Shafer 2005).

    Valid where a score and the reference are exchangeable under the null hypothesis. Ties count
    against significance. A score that is itself in the reference counts itself too, which errs on
    the safe side.

    Args:
        scores: What is tested, any shape.
        reference: n values from the null, one axis, in any order.
        greater: Whether high scores are the surprising ones.

    Returns:
        `(1 + #{reference >= score}) / (n + 1)` of the shape of `scores`, at least 1 / (n + 1).

    >>> conformal_p([5.0, 2.0, 0.0], [1.0, 2.0, 3.0]).tolist()
    [0.25, 0.75, 1.0]
    """
    values = np.asarray(scores, dtype=np.float64)
    null = np.asarray(reference, dtype=np.float64)
    if not greater:
        values, null = -values, -null
    null = np.sort(null)
    below = np.searchsorted(null, values, side="left")
    return np.asarray((1.0 + null.size - below) / (null.size + 1.0))


def ruger(p: npt.ArrayLike, k: int) -> FloatArray:
    """Rueger's rule: the k-th smallest of K p-values times K / k, at most 1 (Rueger 1978).

    Valid under any dependence. With k > 1 no single p-value can reject alone: at least k of them
    must be small. k = 1 is Bonferroni; k = K / 2 is twice the median.

    Args:
        p: P-values, shape (..., K).
        k: Which order statistic, 1..K.

    Raises:
        ValueError: k is not in 1..K.

    >>> float(ruger([0.5, 1e-9, 0.02, 0.01], 2))
    0.02
    """
    values = np.asarray(p, dtype=np.float64)
    count = values.shape[-1]
    if not 1 <= k <= count:
        raise ValueError(f"k must be in 1..{count}, not {k}.")
    kth = np.partition(values, k - 1, axis=-1)[..., k - 1]
    return np.asarray(np.minimum(1.0, kth * (count / k)))


def simes(p: npt.ArrayLike) -> FloatArray:
    """Simes' rule: the least of K p_(i) / i (Simes 1986).

    Valid under independence and positive regression dependence; never above Bonferroni.

    >>> float(simes([0.04, 0.02]))
    0.04
    """
    values = np.sort(np.asarray(p, dtype=np.float64), axis=-1)
    count = values.shape[-1]
    return np.asarray(np.min(values * (count / np.arange(1, count + 1)), axis=-1))


def fisher(p: npt.ArrayLike) -> FloatArray:
    """Fisher's rule, from the product of the p-values; valid under independence only.

    >>> round(float(fisher([0.1, 0.1])), 6)
    0.056052
    """
    values = np.asarray(p, dtype=np.float64)
    with np.errstate(divide="ignore"):
        half = -np.log(values).sum(axis=-1)
    return np.asarray(special.gammaincc(values.shape[-1], half))
