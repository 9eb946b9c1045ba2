from itertools import combinations

import numpy as np
import pytest
from scipy import sparse

from stillwatch.bench.baselines.peeling import densest


def density(edges, rows, columns):
    return edges[np.ix_(rows, columns)].sum() / (len(rows) + len(columns))


def best_density(edges):
    """Of all blocks, by trying each."""
    rows, columns = (range(n) for n in edges.shape)
    return max(
        density(edges, list(r), list(c))
        for many in rows
        for r in combinations(rows, many + 1)
        for few in columns
        for c in combinations(columns, few + 1)
    )


@pytest.mark.parametrize("seed", range(8))
def test_the_block_is_at_least_half_as_dense_as_the_densest(seed):
    rng = np.random.default_rng(seed)
    edges = np.where(rng.random((5, 5)) < 0.5, rng.uniform(0.1, 1, (5, 5)), 0.0)
    rows, columns, found = densest(sparse.csr_array(edges))
    assert found == pytest.approx(density(edges, rows, columns))
    assert best_density(edges) / 2 <= found <= best_density(edges) + 1e-12


def test_a_planted_block_is_found_in_a_sparse_graph():
    rng = np.random.default_rng(1)
    edges = (rng.random((300, 200)) < 0.02).astype(float)
    edges[40:60, 30:45] = 1.0
    rows, columns, _ = densest(sparse.csr_array(edges))
    assert set(range(40, 60)) == set(rows)
    assert set(range(30, 45)) <= set(columns)


def test_without_edges_there_is_no_block():
    rows, columns, found = densest(sparse.csr_array((3, 4)))
    assert (rows.size, columns.size, found) == (0, 0, 0.0)
