"""Every compiled loop equals its naive twin."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from stillwatch.detect import kernels
from tests.detect.build import random_rows

SEEDS = st.integers(0, 2**32 - 1)


def compiled_nearest(rows, window, neighbours, first, last):
    columns = rows.tocsc()
    return kernels.nearest(
        rows.indptr.astype(np.int64),
        rows.indices.astype(np.int32),
        rows.data,
        columns.indptr.astype(np.int64),
        columns.indices.astype(np.int32),
        columns.data,
        np.arange(rows.shape[0], dtype=np.int32),
        window,
        neighbours,
        first,
        last,
    )


def naive_similarities(rows, window, row):
    """Products of one row with each other row, over the postings as far as the window sees."""
    dense = rows.toarray()
    total: dict[int, float] = {}
    for column in np.flatnonzero(dense[row]):
        posting = np.flatnonzero(dense[:, column]).tolist()
        here = posting.index(row)
        if len(posting) <= 2 * window + 1:
            met = set(posting)
        else:
            met = {posting[(here + s) % len(posting)] for s in range(-window, window + 1)}
        for other in met - {row}:
            total[other] = total.get(other, 0.0) + float(dense[row, column] * dense[other, column])
    return total


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.integers(1, 40), st.integers(1, 12), st.integers(1, 4), st.integers(1, 6))
def test_nearest_is_the_naive_search(seed, count, columns, window, neighbours):
    rng = np.random.default_rng(seed)
    rows = random_rows(rng, count, columns, rng.uniform(0.05, 0.9))
    first = int(rng.integers(0, count))
    found, score = compiled_nearest(rows, window, neighbours, first, count)
    for place, row in enumerate(range(first, count)):
        expected = naive_similarities(rows, window, row)
        best = sorted(expected.values(), reverse=True)[:neighbours]
        assert (found[place] >= 0).sum() == len(best)
        np.testing.assert_allclose(score[place, : len(best)], best, rtol=1e-5)
        others = found[place, : len(best)].tolist()
        assert len(set(others)) == len(others)
        np.testing.assert_allclose([expected[o] for o in others], best, rtol=1e-5)
        assert (score[place, len(best) :] == 0).all()


def test_a_long_posting_links_neighbours_on_its_cycle_at_bounded_work():
    """Five hundred rows share one column; each meets the two on either side, ends included."""
    rows = sparse.csr_matrix(np.ones((500, 1), np.float32))
    found, _ = compiled_nearest(rows, 2, 10, 0, 500)
    for row in (0, 1, 250, 499):
        expected = {(row + step) % 500 for step in (-2, -1, 1, 2)}
        assert set(found[row].tolist()) - {-1} == expected


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.integers(1, 25), st.integers(1, 30))
def test_pair_products_are_dot_products(seed, count, columns):
    rng = np.random.default_rng(seed)
    rows = random_rows(rng, count, columns, 0.4)
    left = rng.integers(0, count, 50).astype(np.int32)
    right = rng.integers(0, count, 50).astype(np.int32)
    dense = rows.toarray().astype(np.float64)
    products = kernels.pair_products(
        rows.indptr.astype(np.int64), rows.indices, rows.data, left, right
    )
    np.testing.assert_allclose(products, (dense[left] * dense[right]).sum(axis=1), atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.integers(1, 25), st.integers(1, 30))
def test_transpose_puts_every_entry_in_its_posting(seed, count, columns):
    rng = np.random.default_rng(seed)
    rows = random_rows(rng, count, columns, 0.4)
    expected = rows.tocsc()
    expected.sort_indices()
    start, members, weights = kernels.transpose(
        rows.indptr.astype(np.int64), rows.indices, rows.data, columns
    )
    np.testing.assert_array_equal(start, expected.indptr)
    np.testing.assert_array_equal(members, expected.indices)
    np.testing.assert_array_equal(weights, expected.data)


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.integers(1, 40), st.integers(1, 12), st.integers(1, 4))
def test_members_and_carriers_are_those_of_a_naive_count(seed, accounts, columns, fewest):
    rng = np.random.default_rng(seed)
    rows = random_rows(rng, accounts, columns, 0.4).tocsc()
    cluster = rng.integers(-1, 3, accounts).astype(np.int32)
    cohort, among = rng.integers(0, 3, accounts), rng.random(accounts) < 0.7
    start, posting = rows.indptr.astype(np.int64), rows.indices.astype(np.int32)
    feature, which, members, tested = kernels.members_by_cluster(start, posting, cluster, 3, fewest)
    carriers = [rows.indices[rows.indptr[k] : rows.indptr[k + 1]] for k in range(columns)]
    counts = {
        (column, of): int((cluster[who] == of).sum())
        for column, who in enumerate(carriers)
        for of in range(3)
    }
    found = zip(feature.tolist(), which.tolist(), members.tolist(), strict=True)
    assert {(column, of): count for column, of, count in found} == {
        pair: count for pair, count in counts.items() if count >= max(fewest, 1)
    }
    assert tested.tolist() == [sum(counts[k, of] > 0 for k in range(columns)) for of in range(3)]
    wanted = np.flatnonzero(rng.random(columns) < 0.5)
    carried = kernels.carriers_by_cohort(start, posting, wanted, cohort, among, 3)
    for k, column in enumerate(wanted):
        kept = carriers[column][among[carriers[column]]]
        assert carried[k].tolist() == np.bincount(cohort[kept], minlength=3).tolist()


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(0, 30), max_size=8), st.integers(1, 40))
def test_circulant_links_the_next_members_on_the_cycle(lengths, window):
    rng = np.random.default_rng(len(lengths))
    postings = [rng.permutation(100)[:length].astype(np.int32) for length in lengths]
    start = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    members = np.concatenate([*postings, np.empty(0, np.int32)])
    expected = set()
    for posting in postings:
        for k in range(len(posting)):
            for step in range(1, min(window, len(posting) - 1) + 1):
                pair = (int(posting[k]), int(posting[(k + step) % len(posting)]))
                expected.add((min(pair), max(pair)))
    left, right = kernels.circulant(start, members, window)
    assert set(zip(left.tolist(), right.tolist(), strict=True)) == expected
    assert (left < right).all()
    # The work is linear in the length of a posting.
    assert left.size == sum(n * min(window, n - 1) for n in np.diff(start) if n > 1)


def naive_surprise(rows, family, line, rarity, degree, *, pair, cap):
    a, b = pair
    sums: dict[int, float] = {}
    for column in set(rows[a].indices) & set(rows[b].indices):
        of = int(family[column])
        chance = math.log(max(1.0, float(degree[a, of]) * float(degree[b, of])))
        sums[of] = sums.get(of, 0.0) + max(0.0, float(rarity[column]) - chance)
    lines: dict[int, float] = {}
    for of, nats in sums.items():
        lines[int(line[of])] = max(lines.get(int(line[of]), 0.0), nats)
    telling = {number: nats for number, nats in lines.items() if nats > 0}
    return sum(min(nats, cap) for nats in telling.values()), sum(1 << k for k in telling)


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.integers(2, 25), st.integers(1, 30), st.integers(1, 6))
def test_pair_surprise_sums_the_best_family_of_each_line(seed, count, columns, families):
    rng = np.random.default_rng(seed)
    rows = random_rows(rng, count, columns, 0.5)
    family = rng.integers(0, families, columns).astype(np.int8)
    line = rng.integers(0, 4, families).astype(np.int8)
    rarity = rng.uniform(0, 9, columns).astype(np.float32)
    degree = rng.uniform(0, 3, (count, families)).astype(np.float32)
    left = rng.integers(0, count, 40).astype(np.int32)
    right = rng.integers(0, count, 40).astype(np.int32)
    nats, lines = kernels.pair_surprise(
        rows.indptr.astype(np.int64), rows.indices, family, line, rarity, degree, left, right, 7.0
    )
    for pair in range(40):
        expected, bits = naive_surprise(
            rows, family, line, rarity, degree, pair=(left[pair], right[pair]), cap=7.0
        )
        assert nats[pair] == pytest.approx(expected, rel=1e-4, abs=1e-5)
        assert lines[pair] == bits


def test_who_carries_many_values_shares_some_by_chance():
    """The same shared value says less, the more values both accounts carry."""
    rows = sparse.csr_matrix(np.ones((2, 1), np.float32))
    pair = np.array([0], np.int32), np.array([1], np.int32)
    found = [
        kernels.pair_surprise(
            rows.indptr.astype(np.int64),
            rows.indices,
            np.zeros(1, np.int8),
            np.zeros(1, np.int8),
            np.array([5.0], np.float32),
            np.full((2, 1), degree, np.float32),
            *pair,
            12.0,
        )[0][0]
        for degree in (0.5, 1.0, 4.0, 100.0)
    ]
    assert found[0] == found[1] == 5.0
    assert all(a > b for a, b in pairwise(found[1:]))
    assert found[-1] == 0.0
