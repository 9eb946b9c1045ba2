"""False-discovery rate of many p-values."""

import numpy as np
import numpy.typing as npt

from stillwatch.stats.arrays import FloatArray


def bh_adjust(p: npt.ArrayLike) -> FloatArray:
    """Benjamini-Hochberg adjusted p-values: the smallest FDR level that rejects each.

    Valid under independence and positive regression dependence (Benjamini and Yekutieli 2001);
    conformal p-values that share one reference fulfil it (Bates and others 2023).

    Args:
        p: P-values of all hypotheses, one axis.

    Returns:
        q-values in 0..1, in the order of `p`.

    >>> bh_adjust([0.01, 0.04, 0.03, 1.0]).round(4).tolist()
    [0.04, 0.0533, 0.0533, 1.0]
    """
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    rank = np.arange(1, values.size + 1)
    adjusted = np.minimum.accumulate((values[order] * values.size / rank)[::-1])[::-1]
    q = np.empty(values.size)
    q[order] = np.minimum(adjusted, 1.0)
    return q
