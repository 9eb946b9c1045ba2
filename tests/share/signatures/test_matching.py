import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.events.schema import FINGERPRINTS
from stillwatch.share.signatures import reference
from stillwatch.share.signatures.families import ASPECTS, Family, is_text, value_of
from stillwatch.share.signatures.matching import PlainIndex
from stillwatch.share.signatures.model import Feature, Pattern, Rule
from stillwatch.share.signatures.tally import Tally
from tests.share.signatures.build import batch, event, keyed, pattern, template

SMALL = st.integers(1, 6)
"""So few values that events share them."""
NAMES = st.sampled_from(["curl", "openai-python"])
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


@settings(max_examples=150, deadline=None)
@given(st.lists(events(), min_size=1, max_size=6), PATTERNS)
def test_the_index_finds_what_the_naive_reference_finds(rows, patterns):
    made = batch(*rows)
    found = PlainIndex(patterns).find(made)
    pairs = list(zip(found.rows.tolist(), found.patterns.tolist(), strict=True))
    assert len(pairs) == len(set(pairs))
    assert set(pairs) == reference.find(patterns, made)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(events(), min_size=2, max_size=10),
    PATTERNS.filter(bool),
    st.integers(1, 3),
    st.sampled_from([0.0, 0.4]),
    st.integers(1, 9),
)
def test_accounts_are_decided_as_a_naive_count_decides(rows, patterns, least, share, cut):
    ruled = [Pattern(p.features, Rule(least, share)) for p in patterns]
    tally = Tally(ruled, PlainIndex(ruled))
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
            if count >= least and count >= share * len(own):
                expected.add((account, place, count, len(own)))
    assert found == expected


def test_similar_prompts_share_bands():
    """At least m of 8 bands is a threshold on Jaccard similarity."""
    close = event("a", bands=[1, 2, 3, 4, 50, 60, 70, 80])
    far = event("b", bands=[1, 20, 30, 40, 50, 60, 70, 80])
    feature = Feature(Family.BANDS, tuple(map(keyed, range(1, 9))), least=3)
    found = PlainIndex([pattern(feature)]).find(batch(close, far))
    assert found.rows.tolist() == [0]


def test_zeros_that_pad_are_no_values():
    feature = Feature(Family.PASSAGES, ("00000000",))
    found = PlainIndex([pattern(feature)]).find(batch(event("a")))
    assert not found.rows.size


def test_an_index_of_nothing_finds_nothing():
    assert not PlainIndex([]).find(batch(event("a"))).rows.size
    assert Tally([], PlainIndex([])).matches() == []


def test_shapes_narrow_accounts_down():
    quick = [event("quick", hours, template=7) for hours in np.linspace(0, 0.9, 40)]
    slow = [event("slow", day * 24.0, template=7) for day in range(10)]
    life = Feature(Family.LIFE, ("hours",))
    patterns = [pattern(template(7), life), pattern(template(7))]
    for place, expected in ((0, {"quick"}), (1, {"quick", "slow"})):
        tally = Tally(patterns, PlainIndex(patterns))
        tally.add(batch(*quick, *slow))
        assert {m.account_id for m in tally.matches() if m.place == place} == expected
    assert isinstance(batch(*quick), pa.RecordBatch)
