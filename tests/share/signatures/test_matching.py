import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.events.schema import FINGERPRINTS
from stillwatch.share.signatures import reference
from stillwatch.share.signatures.families import ASPECTS, Family, is_text, value_of
from stillwatch.share.signatures.index_kernels import MOST_HITS
from stillwatch.share.signatures.index_matching import FastIndex
from stillwatch.share.signatures.matching import PlainIndex
from stillwatch.share.signatures.model import Feature, Pattern, Rule
from stillwatch.share.signatures.tally import Tally
from tests.share.signatures.build import batch, event, keyed, pattern, template

SMALL = st.integers(1, 6)
"""So few values that events share them."""
NAMES = st.sampled_from(["curl", "openai-python"])
SALT = np.array([3, 5], np.uint64)


def fast(patterns):
    return FastIndex(patterns, SALT)


each_index = pytest.mark.parametrize("index", [PlainIndex, fast])
EVENT_FAMILIES = [family for family, aspect in ASPECTS.items() if aspect.column is not None]


@st.composite
def events(draw):
    columns = {}
    for family in EVENT_FAMILIES:
        aspect = ASPECTS[family]
        column = aspect.column
        if aspect.many:
            width = FINGERPRINTS.field(column).type.list_size
            values = draw(st.lists(SMALL, max_size=4, unique=True))
            columns[column] = sorted(values) + [0] * (width - len(values))
        elif is_text(family):
            columns[column] = draw(st.none() | NAMES)
        else:
            values = SMALL if not FINGERPRINTS.field(column).nullable else st.none() | SMALL
            columns[column] = draw(values)
    return event(draw(st.sampled_from("abc")), **columns)


@st.composite
def features(draw):
    family = draw(st.sampled_from(EVENT_FAMILIES))
    numbers = sorted(draw(st.sets(SMALL, min_size=1, max_size=4)))
    if is_text(family):
        values = tuple(sorted(draw(st.sets(NAMES, min_size=1))))
    else:
        values = tuple(value_of(family, number) for number in numbers)
    least = draw(st.integers(1, len(values))) if ASPECTS[family].many else 1
    return Feature(family, values, least)


PATTERNS = st.lists(
    st.lists(features(), min_size=1, max_size=3).map(lambda f: Pattern(tuple(f), Rule())),
    max_size=5,
)


@each_index
@settings(max_examples=150, deadline=None)
@given(st.lists(events(), min_size=1, max_size=6), PATTERNS)
def test_an_index_finds_what_the_naive_reference_finds(index, rows, patterns):
    made = batch(*rows)
    found = index(patterns).find(made)
    pairs = list(zip(found.rows.tolist(), found.patterns.tolist(), strict=True))
    assert len(pairs) == len(set(pairs))
    assert set(pairs) == reference.find(patterns, made)


@settings(max_examples=100, deadline=None)
@given(events(), PATTERNS)
def test_one_event_is_found_as_in_a_batch(row, patterns):
    made = batch(row)
    found = fast(patterns).find_one(made.to_pylist()[0])
    assert found == sorted(place for _, place in reference.find(patterns, made))


@each_index
def test_what_many_patterns_share_hides_none_of_them(index):
    """More patterns stand under one value than the signature index reports of it."""
    count = 3 * MOST_HITS
    crowd = [pattern(template(7), Feature(Family.MARKERS, (f"{n:x}",))) for n in range(count)]
    copies = [pattern(template(8))] * count
    bands = Feature(Family.BANDS, tuple(map(keyed, range(1, 9))), least=3)
    patterns = [*crowd, *copies, *[pattern(bands)] * count]
    made = batch(
        event("a", template=7, markers=count - 1),
        event("b", template=8),
        event("c", bands=[20, 30, 40, 50, 60, 6, 7, 8]),
    )
    found = index(patterns).find(made)
    pairs = set(zip(found.rows.tolist(), found.patterns.tolist(), strict=True))
    assert (0, count - 1) in pairs
    assert len(pairs) == 1 + 2 * count
    assert pairs == reference.find(patterns, made)


def test_content_is_looked_up_before_what_all_traffic_carries():
    """A client that few patterns name is rare among patterns, not among events."""
    client = Feature(Family.CLIENT, ("curl",))
    patterns = [pattern(template(7), client), *[pattern(template(7))] * 9]
    row = event("a", client_name="curl")
    assert fast(patterns).find_one(row) == []
    assert fast(patterns)._looked.sum() == 1


def test_a_feature_that_asks_for_more_than_it_has_is_never_carried():
    patterns = [pattern(template(7), Feature(Family.BANDS, (keyed(1),), least=2))]
    row = event("a", template=7, bands=[1, 2, 3, 4, 5, 6, 7, 8])
    assert fast(patterns).find_one(row) == []


@each_index
@settings(max_examples=80, deadline=None)
@given(
    st.lists(events(), min_size=2, max_size=10),
    PATTERNS.filter(bool),
    st.builds(Rule, st.integers(1, 3), st.sampled_from([0.0, 0.4])),
    st.integers(1, 9),
)
def test_accounts_are_decided_as_a_naive_count_decides(index, rows, patterns, rule, cut):
    ruled = [Pattern(p.features, rule) for p in patterns]
    tally = Tally(ruled, index(ruled))
    for part in (rows[:cut], rows[cut:]):
        if part:
            tally.add(batch(*part))
    found = {(m.account_id, m.place, m.events, m.of) for m in tally.matches()}
    met = reference.find(ruled, batch(*rows))
    expected = set()
    for account in {row["account_id"] for row in rows}:
        own = [n for n, row in enumerate(rows) if row["account_id"] == account]
        for place in range(len(ruled)):
            count = sum((row, place) in met for row in own)
            if count >= rule.events and count >= rule.share * len(own):
                expected.add((account, place, count, len(own)))
    assert found == expected


@each_index
def test_similar_prompts_share_bands(index):
    """At least m of 8 bands is a threshold on Jaccard similarity."""
    close = event("a", bands=[1, 2, 3, 4, 50, 60, 70, 80])
    far = event("b", bands=[1, 20, 30, 40, 50, 60, 70, 80])
    feature = Feature(Family.BANDS, tuple(map(keyed, range(1, 9))), least=3)
    found = index([pattern(feature)]).find(batch(close, far))
    assert found.rows.tolist() == [0]


@each_index
def test_zeros_that_pad_are_no_values(index):
    feature = Feature(Family.PASSAGES, ("00000000",))
    found = index([pattern(feature)]).find(batch(event("a")))
    assert not found.rows.size


@each_index
def test_an_index_of_nothing_finds_nothing(index):
    assert not index([]).find(batch(event("a"))).rows.size
    assert Tally([], index([])).matches() == []


@each_index
def test_shapes_narrow_accounts_down(index):
    quick = [event("quick", hours, template=7) for hours in np.linspace(0, 0.9, 40)]
    slow = [event("slow", day * 24.0, template=7) for day in range(10)]
    life = Feature(Family.LIFE, ("hours",))
    patterns = [pattern(template(7), life), pattern(template(7))]
    for place, expected in ((0, {"quick"}), (1, {"quick", "slow"})):
        tally = Tally(patterns, index(patterns))
        tally.add(batch(*quick, *slow))
        assert {m.account_id for m in tally.matches() if m.place == place} == expected
    assert isinstance(batch(*quick), pa.RecordBatch)
