"""Mergeable sketches of sets of 64-bit hashes.

A k-minimum-values sketch keeps the k smallest distinct hashes. It merges exactly: the sketch of a
union is the merge of the sketches, whatever the order or the overlap.
"""

import numpy as np
import numpy.typing as npt

from stillwatch.stats.arrays import HashArray


def kmv(hashes: npt.ArrayLike, k: int) -> HashArray:
    """The k smallest distinct hashes, ascending; fewer where the set is smaller.

    >>> kmv([5, 3, 3, 9], 2).tolist()
    [3, 5]
    """
    return np.unique(np.asarray(hashes, dtype=np.uint64))[:k]


def kmv_merge(left: HashArray, right: HashArray, k: int) -> HashArray:
    """The sketch of the union of two sets, from their sketches.

    >>> kmv_merge(kmv([5, 3], 2), kmv([4, 3], 2), 2).tolist()
    [3, 4]
    """
    return np.union1d(left, right)[:k]


def kmv_count(sketch: HashArray, k: int) -> float:
    """Estimate of the number of distinct hashes (Bar-Yossef and others 2002).

    Exact below k; above, unbiased with a relative standard error of about 1 / sqrt(k - 2).

    Args:
        sketch: A sketch of uniform 64-bit hashes.
        k: The size it was made with, at least 3.

    >>> kmv_count(kmv([5, 3, 3, 9], 8), 8)
    3.0
    """
    if sketch.size < k:
        return float(sketch.size)
    return (k - 1) / ((float(sketch[-1]) + 1.0) / 2.0**64)
