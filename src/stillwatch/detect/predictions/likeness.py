"""How alike accounts are in their words: with themselves over time, and with each other."""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from stillwatch.detect.vectors import Vectors, unit


def advantage(words: tuple[Vectors, Vectors], members: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how much more each account is like its own other half than like another's.

    Words that more than 3 in 10 of the accounts use are left out. Accounts with five words or fewer
    in a half are left out.
    """
    first, second = (half.rows[members] for half in words)
    used, carriers = np.unique(first.indices, return_counts=True)
    common = used[carriers > 0.3 * members.size]
    first, second = _without(first, common), _without(second, common)
    shifted = second[np.roll(np.arange(members.size), 1)]
    own = np.asarray(first.multiply(second).sum(axis=1)).ravel()
    other = np.asarray(first.multiply(shifted).sum(axis=1)).ravel()
    known = (np.diff(first.indptr) > 5) & (np.diff(second.indptr) > 5)
    return np.asarray((own - other)[known])


def likeness(counts: sparse.csr_matrix, rarity: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each row's mean cosine with the other rows.

    Args:
        counts: events per row and word.
        rarity: weight of each word.
    """
    used, column = np.unique(counts.indices, return_inverse=True)
    weight = np.log1p(counts.data) * rarity[used][column]
    rows = unit(sparse.csr_matrix((weight, column, counts.indptr), (counts.shape[0], used.size)))
    total = np.asarray(rows.sum(axis=0)).ravel()
    return np.asarray((rows @ total - 1.0) / max(rows.shape[0] - 1, 1))


def _without(rows: sparse.csr_matrix, columns: NDArray[np.int32]) -> sparse.csr_matrix:
    kept = sparse.csr_matrix(rows, copy=True)
    kept.data[np.isin(kept.indices, columns)] = 0.0
    kept.eliminate_zeros()
    return unit(kept)
