import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.errors import InputError
from stillwatch.events.schema import BANDS
from stillwatch.share.signatures import index_build
from stillwatch.share.signatures import index_layout as layout
from stillwatch.share.signatures.index import SignatureIndex
from stillwatch.share.signatures.index_build import in_memory
from stillwatch.share.signatures.index_entries import Entries
from stillwatch.share.signatures.index_kernels import MOST_CANDIDATES, MOST_HITS
from stillwatch.share.signatures.index_reference import NaiveIndex

KEY = "00112233445566ff"
SALT = np.array([3, 5], np.uint64)
FAMILIES = 3


def exact_entries(rows):
    """Entries from (number, family, value)."""
    columns = np.array(rows, np.uint64).reshape(-1, 3)
    return Entries(
        numbers=columns[:, 0].astype(np.uint32),
        families=columns[:, 1].astype(np.uint8),
        values=columns[:, 2].copy(),
    )


def set_entries(rows):
    """Entries from (number, need, bands)."""
    return Entries(
        set_numbers=np.array([number for number, _, _ in rows], np.uint32),
        needs=np.array([need for _, need, _ in rows], np.uint8),
        bands=np.array([bands for _, _, bands in rows], np.uint64).reshape(-1, BANDS),
    )


def merged(index):
    """Merge in memory, under another salt."""
    merge = index.begin_merge()
    whole = SignatureIndex.empty(KEY, SALT + np.uint64(1))
    target = index_build.BytesIO()
    merge.write(target, whole._salt, index_build.BytesIO, position=7)
    return np.frombuffer(target.getvalue(), np.uint64)


def rows_of(hits):
    return sorted(map(tuple, hits.tolist()))


# Few numbers, values and bands, so that everything meets everything.
NUMBER = st.integers(0, 12)
EXACT_ROW = st.tuples(NUMBER, st.integers(0, FAMILIES - 1), st.integers(1, 4))
BAND_ROW = st.lists(st.integers(0, 2), min_size=BANDS, max_size=BANDS)
SET_ROW = st.tuples(NUMBER, st.integers(1, BANDS), BAND_ROW)
ADD = st.tuples(
    st.just("add"),
    st.lists(EXACT_ROW, max_size=8),
    st.lists(SET_ROW, max_size=6, unique_by=lambda row: row[0]),
)
REMOVE = st.tuples(st.just("remove"), st.lists(NUMBER, max_size=4))
MERGE = st.tuples(st.just("merge"))
LOOK_UPS = st.lists(
    st.tuples(st.lists(st.integers(0, 4), min_size=FAMILIES, max_size=FAMILIES), BAND_ROW),
    min_size=1,
    max_size=5,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(ADD, REMOVE, MERGE), max_size=8), LOOK_UPS)
def test_agrees_with_the_naive_index(steps, look_ups):
    index, naive = SignatureIndex.empty(KEY, SALT), NaiveIndex()
    for step in steps:
        if step[0] == "add":
            entries = exact_entries(step[1]).joined(set_entries(step[2]))
            index.add(entries)
            naive.add(entries)
        elif step[0] == "remove":
            numbers = np.array(step[1], np.uint32)
            index.remove(numbers)
            naive.remove(numbers)
        else:
            index.finish_merge(merged(index))
            assert index.pending == 0
    values = np.array([values for values, _ in look_ups], np.uint64)
    bands = np.array([bands for _, bands in look_ups], np.uint64)
    for row in range(len(look_ups)):
        assert rows_of(index.exact(values[row])) == naive.exact(values[row])
        assert rows_of(index.similar(bands[row])) == naive.similar(bands[row])
    for found, single, queries in (
        (index.exact_batch(values), index.exact, values),
        (index.similar_batch(bands), index.similar, bands),
    ):
        events, hits = found
        for row, query in enumerate(queries):
            assert hits[events == row].tolist() == single(query).tolist()


@pytest.mark.parametrize("need", range(1, BANDS + 1))
def test_no_set_that_shares_enough_bands_is_missed(need):
    """Random values, so that any miss is the choice of bands and not a cap."""
    rng = np.random.default_rng(need)
    sets = rng.integers(1, 2**64, (500, BANDS), dtype=np.uint64)
    index = SignatureIndex.empty(KEY, SALT)
    index.add(set_entries([(n, need, row) for n, row in enumerate(sets.tolist())]))
    for number, row in enumerate(sets):
        shared = rng.integers(0, BANDS + 1)
        event = row.copy()
        event[rng.permutation(BANDS)[shared:]] += np.uint64(1)
        assert rows_of(index.similar(event)) == ([(number, shared)] if shared >= need else [])


def test_many_entries_stand_in_short_buckets():
    rng = np.random.default_rng(1)
    values = rng.integers(1, 2**64, 50_000, dtype=np.uint64)
    numbers = np.arange(50_000, dtype=np.uint32)
    families = (numbers % 5).astype(np.uint8)
    index = SignatureIndex(in_memory(Entries(numbers, families, values), KEY, SALT))
    rows = np.zeros((50_000, 5), np.uint64)
    rows[numbers, families] = values
    events, hits = index.exact_batch(rows)
    assert np.array_equal(events, numbers)
    assert np.array_equal(hits, np.column_stack([numbers, families]))
    assert int(index._state.base[layout.EXACT + layout.LONGEST]) <= layout.LONGEST_BUCKET


def test_parts_make_the_same_index_as_one_part():
    rng = np.random.default_rng(2)
    entries = exact_entries(
        [(n, n % 3, int(v)) for n, v in enumerate(rng.integers(1, 500, 2_000))]
    ).joined(set_entries([(n, 4, rng.integers(0, 50, BANDS).tolist()) for n in range(2_000)]))
    whole = in_memory(entries, KEY, SALT)
    builder = index_build.Builder(KEY, SALT, index_build.BytesIO, part_bits=6, counters=1 << 16)
    for first in range(0, 2_000, 300):
        some = ~np.isin(entries.all_numbers(), np.arange(first, first + 300))
        builder.add(entries.without(entries.all_numbers()[some]))
    target = index_build.BytesIO()
    builder.write(target)
    parted = np.frombuffer(target.getvalue(), np.uint64)
    for left, right in zip(
        index_build.exact_entries(whole), index_build.exact_entries(parted), strict=True
    ):
        assert np.array_equal(left[0], right[0])
        assert np.array_equal(left[1], right[1])
        assert len(left[1]) == 2_000
    assert np.array_equal(
        index_build.band_sets(whole)[:, :BANDS], index_build.band_sets(parted)[:, :BANDS]
    )


def test_a_full_bucket_means_more_buckets(monkeypatch):
    """With room for one word a table grows until no bucket holds two."""
    monkeypatch.setattr(layout, "LONGEST_BUCKET", 1)
    entries = exact_entries([(n, 0, n + 1) for n in range(100)])
    index = SignatureIndex(in_memory(entries, KEY, SALT))
    assert int(index._state.base[layout.EXACT + layout.LONGEST]) == 1
    assert int(index._state.base[layout.EXACT + layout.BITS]) > 7
    for n in range(100):
        assert index.exact(np.array([n + 1], np.uint64)).tolist() == [[n, 0]]


def test_a_value_of_very_many_signatures_reports_the_lowest():
    count = 5_000
    index = SignatureIndex(in_memory(exact_entries([(n, 1, 9) for n in range(count)]), KEY, SALT))
    event = np.array([0, 9], np.uint64)
    assert index.exact(event)[:, 0].tolist() == list(range(MOST_HITS))
    index.remove(np.arange(count - 3, dtype=np.uint32))
    assert index.exact(event)[:, 0].tolist() == [count - 3, count - 2, count - 1]
    index.add(exact_entries([(n, 1, 9) for n in range(count, 2 * count)]))
    assert len(index.exact(event)) == MOST_HITS


def test_who_floods_a_band_cannot_hide_an_older_signature():
    own = list(range(1, BANDS + 1))
    copies = [(n, 4, own) for n in range(10, 1_000)]
    index = SignatureIndex(in_memory(set_entries([(1, 4, own), *copies]), KEY, SALT))
    hits = index.similar(np.array(own, np.uint64))
    assert [1, BANDS] in hits.tolist()
    # Five bands of each set stand in the table, and all sets chose the same.
    assert index.crowded == BANDS + 1 - 4
    assert len(hits) <= BANDS * MOST_CANDIDATES
    assert len(np.unique(hits[:, 0])) == len(hits)


def test_a_cut_band_reports_no_set_twice():
    """Sets share one crowded band and differ in others: candidates of several bands count once."""
    rng = np.random.default_rng(3)
    sets = rng.integers(1, 4, (400, BANDS))
    naive, index = NaiveIndex(), SignatureIndex.empty(KEY, SALT)
    entries = set_entries([(n, 1 + n % BANDS, row) for n, row in enumerate(sets.tolist())])
    naive.add(entries)
    index.add(entries)
    for event in rng.integers(1, 4, (100, BANDS), dtype=np.uint64):
        hits = rows_of(index.similar(event))
        assert len(set(hits)) == len(hits)
        assert set(hits) <= set(naive.similar(event))
        assert hits


def test_the_same_value_in_another_family_or_place_is_no_match():
    index = SignatureIndex.empty(KEY, SALT)
    index.add(exact_entries([(1, 0, 77)]).joined(set_entries([(2, 1, range(1, BANDS + 1))])))
    assert index.exact(np.array([0, 77], np.uint64)).size == 0
    assert index.similar(np.arange(BANDS, dtype=np.uint64)).size == 0
    # A folded band is no exact value either.
    assert index.exact(np.arange(1, layout.FAMILIES + 1, dtype=np.uint64)).size == 0


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"numbers": np.zeros(1, np.uint32)}, "one number and one family"),
        ({"needs": np.zeros(1, np.uint8)}, "one number, one threshold"),
    ],
)
def test_columns_must_be_as_long_as_each_other(columns, message):
    with pytest.raises(InputError, match=message):
        Entries(**columns)


def test_what_cannot_be_indexed_is_refused():
    own = [1] * BANDS
    with pytest.raises(InputError, match="below 56"):
        exact_entries([(1, layout.FAMILIES, 3)])
    with pytest.raises(InputError, match="value 0"):
        exact_entries([(1, 0, 0)])
    with pytest.raises(InputError, match="1 to 8"):
        set_entries([(1, 0, own)])
    with pytest.raises(InputError, match="1 to 8"):
        set_entries([(1, 9, own)])
    with pytest.raises(InputError, match="one band set"):
        set_entries([(1, 4, own), (1, 5, own)])
    index = SignatureIndex.empty(KEY, SALT)
    with pytest.raises(InputError, match="at most 56"):
        index.exact(np.ones(layout.FAMILIES + 1, np.uint64))
    with pytest.raises(InputError, match="8 bands"):
        index.similar(np.ones(BANDS - 1, np.uint64))
    with pytest.raises(InputError, match="per event"):
        index.exact_batch(np.ones(3, np.uint64))
    with pytest.raises(InputError, match="per event"):
        index.similar_batch(np.ones((3, 7), np.uint64))
    with pytest.raises(InputError, match="16 hexadecimal"):
        SignatureIndex.empty("secret", SALT)


def test_an_update_during_a_merge_outlives_it():
    index = SignatureIndex.empty(KEY, SALT)
    index.add(exact_entries([(1, 0, 1), (2, 0, 2), (3, 0, 3)]))
    base = merged(index)
    index.remove(np.array([1], np.uint32))
    index.add(exact_entries([(2, 0, 22), (4, 0, 4)]))
    with pytest.raises(InputError, match="under way"):
        index.begin_merge()
    index.finish_merge(base)
    seen = {v: index.exact(np.array([v], np.uint64))[:, 0].tolist() for v in (1, 2, 22, 3, 4)}
    assert seen == {1: [], 2: [], 22: [2], 3: [3], 4: [4]}
    assert index.position == 7


def test_a_look_up_sees_every_finished_update_and_nothing_else():  # noqa: C901 - three threads
    """One thread replaces, one merges, others look up all the time."""
    index = SignatureIndex.empty(KEY, SALT)
    index.add(exact_entries([(1, 0, 5), (1, 1, 6)]))
    rounds = 400
    begun, ended = [0], [0]
    wrong = []
    stop = threading.Event()

    def look_up():
        # Value r of family 0 and r of family 1 are replaced together: a reader sees one round.
        while not stop.is_set():
            least = ended[0]
            event = np.zeros((1, 2), np.uint64)
            for step in range(least, begun[0] + 1):
                event[:] = 1_000 + step
                after_first = begun[0]
                _, hits = index.exact_batch(event)
                present = len(hits) == 2
                if len(hits) not in {0, 2}:
                    wrong.append(("torn", step, hits.tolist()))
                # Nothing changed around this look-up: its round must be there, others must not.
                if ended[0] == begun[0] == after_first == least and present != (step == least):
                    wrong.append(("stale", step, least))

    merges = [0]

    def merge():
        while not stop.is_set():
            index.finish_merge(merged(index))
            merges[0] += 1

    threads = [threading.Thread(target=work) for work in (look_up, look_up, merge)]
    index.add(exact_entries([(9, 0, 1_000), (9, 1, 1_000)]))
    for thread in threads:
        thread.start()
    for step in range(1, rounds):
        begun[0] = step
        index.add(exact_entries([(9, 0, 1_000 + step), (9, 1, 1_000 + step)]))
        ended[0] = step
        held = index.exact(np.array([1_000 + step] * 2, np.uint64))
        gone = index.exact(np.array([999 + step] * 2, np.uint64))
        assert (len(held), len(gone)) == (2, 0)
        assert len(index.exact(np.array([5, 6], np.uint64))) == 2
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert merges[0] > 10
