"""The densest block of a bipartite graph, by taking away the lightest node again and again."""

import numpy as np
from numba import njit
from scipy import sparse

from stillwatch.stats.arrays import FloatArray, IntArray


def densest(edges: sparse.csr_array) -> tuple[IntArray, IntArray, float]:
    """Return the rows and columns of a block, and its density, at least half of the best one.

    Density is the weight of the block's edges over its number of rows and columns. Of all the
    blocks that are left as the lightest node is taken away, the densest is returned (Charikar 2000;
    Hooi and others 2016, theorem 1).

    Args:
        edges: weights of at least 0 by row and column.
    """
    rows, columns = edges.shape
    if not edges.nnz:
        return np.empty(0, np.int64), np.empty(0, np.int64), 0.0
    pairs = sparse.coo_array(edges)
    row, column = pairs.coords[0].astype(np.int64), pairs.coords[1] + np.int64(rows)
    ends = (np.concatenate([row, column]), np.concatenate([column, row]))
    nodes = rows + columns
    whole = sparse.csr_array((np.tile(pairs.data, 2), ends), shape=(nodes, nodes))
    order, taken, density = _peel(
        whole.indptr.astype(np.int64), whole.indices.astype(np.int64), whole.data
    )
    left = np.ones(nodes, bool)
    left[order[:taken]] = False
    return np.flatnonzero(left[:rows]), np.flatnonzero(left[rows:]), float(density)


@njit(cache=True)
def _peel(starts: IntArray, ends: IntArray, weights: FloatArray) -> tuple[IntArray, int, float]:
    """Return the order in which nodes go, and after how many the rest is densest."""
    nodes = starts.size - 1
    leaves = 1
    while leaves < nodes:
        leaves *= 2
    # A tournament tree: the root is the lightest node that is left.
    least = np.full(2 * leaves, np.inf)
    for node in range(nodes):
        least[leaves + node] = weights[starts[node] : starts[node + 1]].sum()
    total = least[leaves : leaves + nodes].sum() / 2
    for place in range(leaves - 1, 0, -1):
        least[place] = min(least[2 * place], least[2 * place + 1])
    order = np.empty(nodes, np.int64)
    gone = np.zeros(nodes, np.bool_)
    best, taken = total / nodes, 0
    for step in range(nodes - 1):
        place = 1
        while place < leaves:
            place = 2 * place if least[2 * place] <= least[2 * place + 1] else 2 * place + 1
        node = place - leaves
        order[step], gone[node] = node, True
        total -= least[place]
        _set(least, place, np.inf)
        for edge in range(starts[node], starts[node + 1]):
            other = ends[edge]
            if not gone[other]:
                _set(least, leaves + other, least[leaves + other] - weights[edge])
        density = total / (nodes - step - 1)
        if density > best:
            best, taken = density, step + 1
    return order, taken, best


@njit(cache=True)
def _set(least: FloatArray, place: int, value: float) -> None:
    least[place] = value
    place //= 2
    while place:
        least[place] = min(least[2 * place], least[2 * place + 1])
        place //= 2
