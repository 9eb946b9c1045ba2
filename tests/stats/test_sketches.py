import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.stats.sketches import kmv, kmv_count, kmv_merge

hashes = st.lists(st.integers(0, 2**64 - 1), max_size=60)


@given(hashes, hashes)
def test_merge_of_sketches_is_the_sketch_of_the_union(left: list[int], right: list[int]) -> None:
    merged = kmv_merge(kmv(left, 16), kmv(right, 16), 16)
    assert merged.tolist() == kmv(left + right, 16).tolist()


def test_count_is_within_its_error_bound() -> None:
    rng = np.random.default_rng(21)
    k, n = 256, 20_000
    estimates = [
        kmv_count(kmv(rng.integers(0, 2**64, n, dtype=np.uint64), k), k) for _ in range(100)
    ]
    assert np.mean(estimates) == pytest.approx(n, rel=3 / np.sqrt(100 * (k - 2)))
    assert np.std(estimates) / n == pytest.approx(1 / np.sqrt(k - 2), rel=0.25)
