import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.detect import marks
from tests.detect.build import random_rows

SEEDS = st.integers(0, 2**32 - 1)


def naive_weights(rows, chosen, weights, *, adds):
    """Per account that carries any of the chosen columns: the sum or the largest of the weights."""
    found: dict[int, float] = {}
    for mark, weight in zip(chosen, weights.tolist(), strict=True):
        for who in rows.indices[rows.indptr[mark] : rows.indptr[mark + 1]].tolist():
            earlier = found.get(who, 0.0)
            found[who] = earlier + weight if adds else max(earlier, weight)
    return found


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.integers(1, 40), st.integers(1, 12), st.booleans())
def test_carried_weights_are_those_of_a_naive_sum(seed, accounts, columns, adds):
    rng = np.random.default_rng(seed)
    rows = random_rows(rng, accounts, columns, 0.4)
    postings = rows.tocsc()
    chosen = np.flatnonzero(rng.random(columns) < 0.6)
    weights = rng.uniform(0.1, 3, chosen.size)
    expected = naive_weights(postings, chosen, weights, adds=adds)
    total, met = np.zeros(accounts), np.empty(accounts, np.int32)
    start, posting = postings.indptr.astype(np.int64), postings.indices.astype(np.int32)
    for _ in range(2):  # what it leaves behind must serve again
        who, found = marks.carried_weight(start, posting, chosen, weights, adds, total, met)
        assert dict(zip(who.tolist(), found.tolist(), strict=True)) == pytest.approx(expected)
    some = np.flatnonzero(rng.random(accounts) < 0.5)
    first, column = rows.indptr.astype(np.int64), rows.indices.astype(np.int32)
    of_some = marks.weight_of(first, column, some, chosen, weights, adds)
    assert of_some.tolist() == pytest.approx([expected.get(who, 0.0) for who in some.tolist()])
