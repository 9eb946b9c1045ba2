"""One meaning: DuckDB, the predicate and a naive reference agree on generated rules and events."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.errors import InputError
from stillwatch.share.sigma.fields import MARKERS, Service
from stillwatch.share.sigma.patterns import fold
from tests.share.sigma.build import OPEN, by_reference, event, in_duckdb, in_python, rule_of

ALPHABET = "aAbB ÉéΣσςİiıßẞ*?\\%_!'\";-\n.$^🤖"
STRINGS = st.text(ALPHABET, max_size=6)
NUMBERS = st.one_of(st.integers(-3, 3), st.sampled_from([0.7, 1.5, 1e18, -0.0]))
REGEXES = st.sampled_from(["a", "^a", "b$", "a.b", "[ab]+", "(a|b)B", "\\.", "a{2}", "é"])
NETWORKS = st.sampled_from(["192.0.2.0/24", "192.0.2.128/25", "2001:db8::/32", "0.0.0.0/0"])
ADDRESSES = st.sampled_from(
    ["192.0.2.1", "192.0.2.200", "198.51.100.7", "2001:db8::5", "2001:DB9::1"]
)
TEXT_FIELDS = ("prompt", "model", "user_agent")


def one_or_more(values):
    return st.one_of(values, st.lists(values, min_size=1, max_size=3))


NAMES = st.sampled_from([*MARKERS, "CODE"])


def items(keys, values):
    """Keys of detections with a value each."""
    return st.tuples(st.sampled_from(keys), values)


ITEMS = st.one_of(
    st.tuples(
        st.builds(
            lambda name, how, cased, every, neq: "|".join([name, *how, *cased, *every, *neq]),
            st.sampled_from(TEXT_FIELDS),
            st.sampled_from([(), ("contains",), ("startswith",), ("endswith",)]),
            st.sampled_from([(), ("cased",)]),
            st.sampled_from([(), ("all",)]),
            st.sampled_from([(), ("neq",)]),
        ),
        one_or_more(STRINGS),
    ),
    items(["prompt|re", "prompt|re|i", "model|re|s", "prompt|re|m"], one_or_more(REGEXES)),
    items(["temperature", "status", "words"], one_or_more(NUMBERS)),
    items(["status|gt", "status|gte", "temperature|lt", "temperature|lte"], NUMBERS),
    items(["stream", "logprobs|neq"], st.booleans()),
    items(["markers", "markers|all", "completion_markers|neq"], one_or_more(NAMES)),
    items(["client_address|cidr"], one_or_more(NETWORKS)),
    items(["prompt", "status", "stream", "template", "markers"], st.none()),
    items(["model|exists", "words|exists", "opening|exists"], st.booleans()),
    items(["prompt|fieldref"], st.sampled_from(["completion", "model"])),
    items(["template|fieldref"], st.just("opening")),
    items(["words|fieldref"], st.just("completion_words")),
)
SELECTIONS = st.one_of(
    st.lists(ITEMS, min_size=1, max_size=3).map(dict),
    st.lists(st.lists(ITEMS, min_size=1, max_size=2).map(dict), min_size=1, max_size=2),
)
CONDITIONS = st.sampled_from(
    [
        "one", "not one", "one and two", "one or two", "one and not two", "not (one or two)",
        "not one and not two", "1 of them", "all of them", "1 of o*", "one or two and not one",
    ]
)  # fmt: skip
EVENTS = st.builds(
    event,
    prompt=st.none() | STRINGS,
    model=st.none() | STRINGS,
    user_agent=st.none() | STRINGS,
    completion=st.none() | STRINGS,
    temperature=st.none() | NUMBERS.map(float) | st.just(float("nan")),
    status=st.none() | st.integers(-3, 3),
    words=st.none() | st.integers(-3, 3),
    completion_words=st.none() | st.integers(-3, 3),
    stream=st.none() | st.booleans(),
    logprobs=st.none() | st.booleans(),
    markers=st.none() | st.integers(0, 2**13 - 1),
    completion_markers=st.none() | st.integers(0, 2**13 - 1),
    client_address=st.none() | ADDRESSES,
    template=st.none() | st.integers(2**63, 2**63 + 2),
    opening=st.none() | st.integers(2**63, 2**63 + 2),
)


@given(
    one=SELECTIONS,
    two=SELECTIONS,
    condition=CONDITIONS,
    events=st.lists(EVENTS, min_size=1, max_size=6),
)
@settings(max_examples=300, deadline=None)
def test_both_engines_and_the_reference_agree(one, two, condition, events):
    detection = {"one": one, "two": two, "condition": condition}
    rule = rule_of(detection)
    expected = [by_reference(detection, row) for row in events]
    assert in_python(rule, events) == expected
    assert in_duckdb(rule, events) == expected


@given(
    value=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), other=STRINGS
)
@settings(max_examples=100, deadline=None)
def test_no_value_breaks_out_of_its_quotes(value, other):
    wanted = value.replace("\\", "\\\\").replace("*", "\\*").replace("?", "\\?")
    for key in ("prompt|cased", "prompt|contains|cased", "prompt|startswith", "prompt|endswith"):
        rule = rule_of({"one": {key: wanted}, "condition": "one"})
        assert in_duckdb(rule, [event(prompt=value)]) == [True]
        assert in_python(rule, [event(prompt=value)]) == [True]
        assert in_duckdb(rule, [event(prompt=other)]) == in_python(rule, [event(prompt=other)])


@pytest.mark.parametrize(
    "value", ["'; DROP TABLE events; --", "\\'", "'' OR 1=1", "$$", "E'\\x27'", '"', "{0}", "%s"]
)
@pytest.mark.parametrize("key", ["prompt", "prompt|re", "prompt|contains"])
def test_hostile_values_stay_values(key, value):
    literal = (
        value
        if key != "prompt|re"
        else "".join(f"[{c}]" if c not in "\\^" else f"\\{c}" for c in value)
    )
    rule = rule_of({"one": {key: literal}, "condition": "one"})
    assert in_duckdb(rule, [event(prompt=value), event(prompt="x")]) == [True, False]


def test_case_is_folded_as_duckdb_does():
    """Over all scripts; letters that only one of the two Unicode versions knows may differ."""
    letters = [chr(c) for c in range(1, 0x20000) if not 0xD800 <= c < 0xE000]
    connection = OPEN[-1].cursor()
    connection.execute("CREATE TEMP TABLE letters (c VARCHAR)")
    connection.execute("INSERT INTO letters SELECT unnest($1)", [letters])
    lowered = dict(connection.execute("SELECT c, lower(c) FROM letters").fetchall())
    assert len([c for c in letters if fold(c) != lowered[c]]) <= 40
    assert fold("ΑΣ.Σ") == "ασ.σ"


REFUSED = {
    "keywords": ({"one": ["a word"], "condition": "one"}, "name a field"),
    "country": ({"one": {"country": "AQ"}, "condition": "one"}, "never a signal"),
    "script": ({"one": {"script": 3}, "condition": "one"}, "never a signal"),
    "unknown": ({"one": {"colour": "red"}, "condition": "one"}, "no field 'colour'"),
    "hash": ({"one": {"template": "12"}, "condition": "one"}, "keyed hash"),
    "quoted number": ({"one": {"status": "403"}, "condition": "one"}, "without quotes"),
    "number for a string": ({"one": {"model": 4}, "condition": "one"}, "quote the value"),
    "marker": ({"one": {"markers": "spying"}, "condition": "one"}, "no name 'spying'"),
    "hour": ({"one": {"time|hour": 3}, "condition": "one"}, "where people live"),
    "wide": ({"one": {"prompt|wide": "a"}, "condition": "one"}, "means nothing here"),
    "placeholder": ({"one": {"prompt|expand": "%x%"}, "condition": "one"}, "means nothing here"),
    "look-ahead": ({"one": {"prompt|re": "(?=a)"}, "condition": "one"}, "linear time"),
    "back-reference": ({"one": {"prompt|re": "(a)\\1"}, "condition": "one"}, "linear time"),
    "NUL": ({"one": {"prompt": "a\0b"}, "condition": "one"}, "no log can hold"),
    "cidr": ({"one": {"prompt|cidr": "192.0.2.0/24"}, "condition": "one"}, "needs an address"),
    "sorts": ({"one": {"prompt|fieldref": "status"}, "condition": "one"}, "different sorts"),
}  # fmt: skip


@pytest.mark.parametrize(("detection", "why"), REFUSED.values(), ids=REFUSED)
def test_what_has_no_one_meaning_is_refused(detection, why):
    rule = rule_of(detection)
    for engine in (in_python, in_duckdb):
        with pytest.raises(InputError, match=why):
            engine(rule, [event()])


def test_base64_matches_what_was_encoded():
    rule = rule_of({"one": {"prompt|base64offset|contains": "reveal"}, "condition": "one"})
    rows = [event(prompt="xx cmV2ZWFs yy"), event(prompt="IHJldmVhbA=="), event(prompt="reveal")]
    assert in_python(rule, rows) == in_duckdb(rule, rows) == [True, True, False]


def test_a_regular_expression_takes_linear_time():
    rule = rule_of({"one": {"prompt|re": "(a+)+$"}, "condition": "one"})
    rows = [event(prompt="a" * 50_000 + "b")]
    assert in_python(rule, rows) == in_duckdb(rule, rows) == [False]


def test_profiles_are_another_service():
    rule = rule_of(
        {"one": {"s_volume|gte": 5, "p_volume|lte": 0.01}, "condition": "one"}, "profiles"
    )
    rows = [
        {"account_id": "a", "s_volume": 9.0, "p_volume": 0.01},
        {"account_id": "b", "s_volume": 9.0},
    ]
    assert in_python(rule, rows) == in_duckdb(rule, rows) == [True, False]
    assert rule.logsource.service == Service.PROFILES
