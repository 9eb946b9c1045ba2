"""Baseline: CatchSync, accounts whose features are strangely alike (Jiang and others, KDD 2014)."""

import numpy as np
import pyarrow as pa
from scipy import sparse

from stillwatch.bench.baselines.carried import carried
from stillwatch.bench.labels import flag_table
from stillwatch.bench.method import Traffic
from stillwatch.stats.arrays import FloatArray, IntArray


class CatchSync:
    """Flag an account whose features are more alike than its normality allows.

    Each feature is a point: how many accounts carry it, and its authority (Kleinberg 1999), both on
    a logarithmic grid of `cells` by `cells`. An account's synchronicity is the chance that two of
    its features fall into one cell, its normality the chance that one of its own and one of all do.
    For its normality synchronicity has a least value; `sigmas` standard deviations above the mean
    of what accounts have beyond that is an outlier. Accounts of fewer than `fewest` features have
    no distribution to speak of and score 0. The score is the excess in standard deviations.
    """

    name = "catchsync"

    def __init__(self, cells: int = 20, sigmas: float = 3.0, fewest: int = 5) -> None:
        self.cells = cells
        self.sigmas = sigmas
        self.fewest = fewest

    def flag(self, traffic: Traffic) -> pa.Table:
        """See `Method.flag`."""
        found = carried(traffic, most=10**9)
        size = len(found.account)
        used, feature = np.unique(found.feature, return_inverse=True)
        edges = sparse.csr_array(
            (np.ones(found.code.size), (found.code, feature)), shape=(size, used.size)
        )
        score = self._excess(edges)
        flagged = score > self.sigmas
        names = found.account
        alone = [name if flag else None for name, flag in zip(names, flagged, strict=True)]
        return flag_table(names, alone, score)

    def _excess(self, edges: sparse.csr_array) -> FloatArray:
        degree = np.diff(edges.indptr)
        enough = degree >= self.fewest
        if enough.sum() < 2:
            return np.zeros(edges.shape[0])
        cell = self._cells(edges)
        grid = sparse.csr_array((np.ones(cell.size), (np.arange(cell.size), cell)))
        own = sparse.csr_array(edges[enough] @ grid)
        own = own.multiply(1.0 / degree[enough][:, None]).tocsr()
        everywhere = np.bincount(cell, minlength=grid.shape[1]) / cell.size
        synchronicity = np.asarray(own.multiply(own).sum(axis=1)).ravel()
        normality = np.asarray(own @ everywhere).ravel()
        beyond = synchronicity - least(normality, everywhere)
        excess = np.zeros(edges.shape[0])
        excess[enough] = (beyond - beyond.mean()) / max(float(beyond.std()), 1e-12)
        return np.maximum(excess, 0.0)

    def _cells(self, edges: sparse.csr_array) -> IntArray:
        """Grid cell of each feature."""
        carriers = np.asarray(edges.sum(axis=0)).ravel()
        place = [self._bin(np.log(carriers)), self._bin(np.log(authority(edges)))]
        return np.asarray(place[0] * self.cells + place[1])

    def _bin(self, values: FloatArray) -> IntArray:
        low, high = values.min(), values.max()
        scaled = (values - low) / max(float(high - low), 1e-12)
        return np.asarray(np.minimum((scaled * self.cells).astype(np.int64), self.cells - 1))


def authority(edges: sparse.csr_array, rounds: int = 30) -> FloatArray:
    """Return the authority of each column: the leading right singular vector, summing to 1."""
    vector = np.full(edges.shape[1], 1.0)
    for _ in range(rounds):
        vector = edges.T @ (edges @ vector)
        vector /= vector.sum()
    return np.asarray(np.maximum(vector, 1e-12))


def least(normality: FloatArray, everywhere: FloatArray) -> FloatArray:
    """Return the least synchronicity of accounts of some normality (theorem 1 of the paper).

    Args:
        normality: 0..1, any shape.
        everywhere: share of all features in each cell, summing to 1.
    """
    used = everywhere[everywhere > 0]
    if used.size < 2 or np.isclose(used.size * (used**2).sum(), 1.0):
        return np.full(normality.shape, 1.0 / max(used.size, 1))
    spread = float((used**2).sum())
    cells = used.size
    return np.asarray((-cells * normality**2 + 2.0 * normality - spread) / (1.0 - cells * spread))
