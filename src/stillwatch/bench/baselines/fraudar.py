"""Baseline: FRAUDAR, the densest blocks of accounts and features (Hooi and others, KDD 2016)."""

import numpy as np
import pyarrow as pa
from scipy import sparse

from stillwatch.bench.baselines.carried import carried
from stillwatch.bench.baselines.peeling import densest
from stillwatch.bench.labels import flag_table
from stillwatch.bench.method import Traffic
from stillwatch.stats.arrays import IntArray

POPULAR = 5.0
"""A column that d accounts carry weighs 1 / ln(d + 5), as in the paper."""


class Fraudar:
    """Flag the accounts of the densest blocks of the graph of accounts and features.

    The density of a block is the weight of its edges over its accounts and features; popular
    features weigh less, so that camouflage does not pay. The densest block is found greedily,
    within a factor of two; its edges are taken out and the next is looked for. The paper leaves
    the number of blocks to the user: blocks count until they are less than `least` times as dense
    as the first, `blocks` at most. The score of an account is the density of its densest block.
    """

    name = "fraudar"

    def __init__(self, blocks: int = 10, least: float = 0.8, most: int = 20_000) -> None:
        self.blocks = blocks
        self.least = least
        self.most = most

    def flag(self, traffic: Traffic) -> pa.Table:
        """See `Method.flag`."""
        found = carried(traffic, self.most)
        size = len(found.account)
        shape = (size, int(found.feature.max(initial=-1)) + 1)
        edges = sparse.csr_array(
            (np.ones(found.code.size), (found.code, found.feature)), shape=shape
        )
        popularity = np.bincount(found.feature, minlength=shape[1])
        edges.data = 1.0 / np.log(popularity[edges.indices] + POPULAR)
        score, block = np.zeros(size), np.full(size, -1)
        for number in range(self.blocks):
            rows, columns, density = densest(edges)
            if density <= 0 or density < self.least * score.max():
                break
            new = rows[block[rows] < 0]
            block[new], score[new] = number, density
            edges = _without(edges, rows, columns)
        named = [None if number < 0 else f"block-{number}" for number in block]
        return flag_table(found.account, named, score)


def _without(edges: sparse.csr_array, rows: IntArray, columns: IntArray) -> sparse.csr_array:
    """The graph without the edges of one block."""
    pairs = sparse.coo_array(edges)
    row, column = pairs.coords
    kept = ~(np.isin(row, rows) & np.isin(column, columns))
    return sparse.csr_array((pairs.data[kept], (row[kept], column[kept])), shape=edges.shape)
