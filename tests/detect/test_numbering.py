import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.detect.numbering import numbered, postings

SEEDS = st.integers(0, 2**32 - 1)


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.integers(0, 6000), st.sampled_from([3, 5000, 2**32]), st.booleans())
def test_numbers_are_those_of_numpys_unique(seed, size, most, wide):
    rng = np.random.default_rng(seed)
    values = rng.integers(0, most, size).astype(np.uint32)
    if wide:  # hashes differ in the leading bits, moments in the last ones
        values = values.astype(np.uint64) * np.uint64(2**32 - 5)
    distinct, number = numbered(values)
    expected, where = np.unique(values, return_inverse=True)
    np.testing.assert_array_equal(distinct, expected)
    np.testing.assert_array_equal(number, where)


@pytest.mark.parametrize("step", [1, 2**11, 2**32, 2**53])
def test_values_that_differ_in_a_few_bits_only_are_told_apart(step):
    values = np.arange(3000, dtype=np.uint64)[::-1] * np.uint64(step)
    distinct, number = numbered(values)
    expected, where = np.unique(values, return_inverse=True)
    np.testing.assert_array_equal(distinct, expected)
    np.testing.assert_array_equal(number, where)


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.integers(0, 300), st.integers(1, 40))
def test_postings_are_the_accounts_in_a_stable_sort_by_value(seed, rows, values):
    rng = np.random.default_rng(seed)
    number = rng.integers(0, values, rows).astype(np.int32)
    account = np.sort(rng.integers(0, 50, rows)).astype(np.int32)
    start, posting = postings(number, account, values)
    np.testing.assert_array_equal(posting, account[np.argsort(number, kind="stable")])
    np.testing.assert_array_equal(np.diff(start), np.bincount(number, minlength=values))
    assert start[0] == 0
