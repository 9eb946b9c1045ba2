"""Accounts as sparse word vectors: what is left of content when templates are paraphrased away.

A row is one account: ln(1 + count) of each kept word hash times its rarity within the account's
script, scaled to unit length. Rarity is taken within the script so that a language is not a topic.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from stillwatch.detect import kernels
from stillwatch.detect.population import Sketches

THREADS = 2
PARTS = 8
"""Slices of accounts that the search hands to threads; the kernels release the interpreter."""
WINDOW = 128
"""Places looked at to either side in a long posting."""


@dataclass(frozen=True)
class Vectors:
    """Unit rows in CSR form; columns ascend within a row."""

    rows: sparse.csr_matrix

    @property
    def size(self) -> int:
        """Number of accounts."""
        return int(self.rows.shape[0])

    def similarity(self, left: NDArray[np.int32], right: NDArray[np.int32]) -> NDArray[np.float32]:
        """Return the cosine of pairs of accounts, 0..1."""
        return kernels.pair_products(
            self.rows.indptr.astype(np.int64), self.rows.indices, self.rows.data, left, right
        )

    def nearest(
        self, order: NDArray[np.int64], neighbours: int
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Return each account's most similar accounts and the cosines, best first.

        Args:
            order: rank of each account; long postings are searched near the account in this order,
                so accounts that may belong together should have ranks close by.
            neighbours: how many to return; missing ones are -1.
        """
        ranked = sparse.csr_matrix(self.rows[np.argsort(order, kind="stable")])
        ranked.sort_indices()
        entries = sparse.csr_matrix(
            (np.arange(1, ranked.nnz + 1, dtype=np.int64), ranked.indices, ranked.indptr),
            ranked.shape,
        ).tocsc()
        columns = ranked.tocsc()
        positions = np.empty(ranked.nnz, np.int64)
        positions[entries.data - 1] = np.arange(ranked.nnz)
        search = (
            ranked.indptr.astype(np.int64),
            ranked.indices.astype(np.int32),
            ranked.data.astype(np.float32),
            columns.indptr.astype(np.int64),
            columns.indices.astype(np.int32),
            columns.data.astype(np.float32),
            positions,
            WINDOW,
            neighbours,
        )
        edges = np.linspace(0, self.size, PARTS + 1).astype(int).tolist()
        with ThreadPoolExecutor(THREADS) as pool:
            parts = pool.map(lambda part: kernels.nearest(*search, *part)[0], pairwise(edges))
            found = np.concatenate(list(parts))
        account = np.argsort(order, kind="stable").astype(np.int32)
        result = np.full(found.shape, -1, np.int32)
        result[account] = np.where(found >= 0, account[found], -1)
        left = np.repeat(np.arange(self.size, dtype=np.int32), neighbours)
        exact = self.similarity(left, np.maximum(result, 0).ravel()).reshape(result.shape)
        return result, np.where(result >= 0, exact, 0.0).astype(np.float32)


def forming(sketches: Sketches, script: NDArray[np.int64]) -> Vectors:
    """Return vectors of the half of the hours that forms clusters.

    Args:
        sketches: word hashes per account.
        script: main script per account; rarity is counted within it.
    """
    return _vectors(sketches, script, sketches.count - sketches.held_out)


def halves(sketches: Sketches, script: NDArray[np.int64]) -> tuple[Vectors, Vectors]:
    """Return vectors of the forming and of the held-out half, over the same columns."""
    return (
        _vectors(sketches, script, sketches.count - sketches.held_out),
        _vectors(sketches, script, sketches.held_out),
    )


def counts(sketches: Sketches, accounts: int) -> sparse.csr_matrix:
    """Return events per account and kept word, over the columns of `halves`."""
    tokens, column = sketches.numbered
    start = np.searchsorted(sketches.account, np.arange(accounts + 1))
    shape = (accounts, tokens.size)
    return sparse.csr_matrix((sketches.count.astype(np.float32), column, start), shape=shape)


def _vectors(sketches: Sketches, script: NDArray[np.int64], count: NDArray[np.int32]) -> Vectors:
    tokens, column = sketches.numbered
    keep = count > 0
    account, column = sketches.account[keep], column[keep]
    accounts, scripts = script.size, int(script.max(initial=0)) + 1
    cell = column.astype(np.int64) * scripts + script[account]
    carriers = np.bincount(cell, minlength=tokens.size * scripts)
    speakers = np.bincount(script, minlength=scripts)
    shared = carriers.reshape(-1, scripts).sum(axis=1) > 1
    weight = np.log1p(count[keep]) * np.log(speakers[script[account]] / carriers[cell])
    used = shared[column] & (weight > 0)
    account, column, weight = account[used], column[used], weight[used]
    length = np.sqrt(np.bincount(account, weight**2, accounts))
    start = np.searchsorted(account, np.arange(accounts + 1))
    data = (weight / length[account]).astype(np.float32)
    return Vectors(sparse.csr_matrix((data, column, start), shape=(accounts, tokens.size)))
