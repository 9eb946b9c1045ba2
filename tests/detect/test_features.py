import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.detect.features import FamilyCounts
from tests.detect.build import random_family

SEEDS = st.integers(0, 2**32 - 1)


def rows_of(counts):
    columns = (counts.account, counts.value, counts.count, counts.held_out)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def drawn(seed):
    rng = np.random.default_rng(seed)
    whole = random_family(rng, 30, 12, each=3)
    held_out = rng.integers(0, whole.count + 1).astype(np.int32)
    return FamilyCounts.of(whole.account, whole.value, whole.count, held_out), rng


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_rows_keep_their_values_and_values_are_numbered_in_their_order(seed):
    counts, _ = drawn(seed)
    assert counts.values.tolist() == sorted(set(counts.value.tolist()))
    assert counts.carriers.tolist() == [
        sum(value == other for _, other, _, _ in rows_of(counts)) for value in counts.values
    ]


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.booleans())
def test_a_half_holds_what_was_seen_in_it(seed, held_out):
    counts, _ = drawn(seed)
    expected = []
    for account, value, count, held in rows_of(counts):
        seen = held if held_out else count - held
        if seen:
            expected.append((account, value, seen, seen if held_out else 0))
    half = counts.half(held_out=held_out)
    assert rows_of(half) == expected
    assert half.values is counts.values


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_only_some_values_are_kept_and_numbered_anew(seed):
    counts, rng = drawn(seed)
    wanted = rng.random(counts.values.size) < 0.5
    kept = set(counts.values[wanted].tolist())
    found = counts.only(wanted)
    assert rows_of(found) == [row for row in rows_of(counts) if row[1] in kept]
    assert found.values.tolist() == sorted(kept)


def test_values_of_32_bits_become_64_bits():
    one = np.ones(2, np.int32)
    counts = FamilyCounts.of(np.arange(2, dtype=np.int32), np.array([9, 4], np.uint32), one, one)
    assert counts.values.dtype == np.uint64
    assert counts.value.tolist() == [9, 4]
