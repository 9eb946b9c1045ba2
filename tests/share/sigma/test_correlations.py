"""Correlations: DuckDB, the evaluator of the request path and a naive reference agree."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.errors import InputError
from stillwatch.share.sigma.backend import DuckDBBackend, fired_sql
from stillwatch.share.sigma.correlation import correlation_of
from stillwatch.share.sigma.engine import run_on_log
from stillwatch.share.sigma.incremental import Counter, Pack
from stillwatch.share.sigma.match import planned
from tests.share.sigma.build import OPEN, START, correlated, event, table_of

SPAN = 10
PARTS = {
    "one": {"selection": {"model": "x"}, "condition": "selection"},
    "two": {"selection": {"words|gte": 5}, "condition": "selection"},
}
MODELS = st.sampled_from(["x", "y"])
EVENTS = st.lists(
    st.builds(
        event,
        seconds=st.integers(0, 40),
        account_id=st.sampled_from(["a", "b", "c"]),
        model=MODELS,
        words=st.sampled_from([None, 1, 9]),
        template=st.sampled_from([None, 1, 2]),
        opening=st.sampled_from([None, 1, 2]),
    ),
    min_size=1,
    max_size=14,
).map(lambda events: sorted(events, key=lambda row: row["time"]))


def correlation(kind, group, condition, rules=("one", "two"), **more):
    body = {"type": kind, "rules": list(rules), "group-by": group, "timespan": f"{SPAN}s"}
    return correlated(PARTS, body | ({"condition": condition} if condition else {}) | more)


def firings(rule, events):
    """Moments and groups at which a correlation fires, says DuckDB."""
    resolved = correlation_of(rule)
    connection = OPEN[-1].cursor()
    connection.register("events", table_of(events))
    groups = "".join(f", g{n}" for n in range(len(resolved.groups[0])))
    matched = DuckDBBackend().matched(resolved, "events")
    query = (
        f"WITH matched AS ({matched}) SELECT time{groups} FROM ({fired_sql(resolved)}) WHERE fires"  # noqa: S608
    )
    seconds = [
        ((row[0] - START).total_seconds(), *row[1:]) for row in connection.execute(query).fetchall()
    ]
    return set(seconds)


def parts_of(row):
    found = [row["model"] == "x", row["words"] is not None and row["words"] >= 5]
    return [n for n, matched in enumerate(found) if matched]


def by_reference(kind, group, number, events):
    """The same by looking at every pair of events."""
    found = set()
    for row in events:
        key = tuple(row[name] for name in group)
        same = [r for r in events if tuple(r[name] for name in group) == key and parts_of(r)]
        now = row["time"]
        seen = [r for r in same if now - timedelta(seconds=SPAN) <= r["time"] <= now]
        if None in key or row not in same:
            continue
        if kind == "event_count":
            fires = len(seen) >= number
        elif kind == "value_count":
            fires = len({r["account_id"] for r in seen}) >= number
        elif kind == "temporal":
            fires = len({part for r in seen for part in parts_of(r)}) == 2
        else:
            fires = 1 in parts_of(row) and any(0 in parts_of(r) and r["time"] < now for r in seen)
        if fires:
            found.add(((now - START).total_seconds(), *key))
    return found


@given(
    events=EVENTS,
    group=st.sampled_from([["template"], ["account_id", "template"]]),
    number=st.integers(1, 4),
)
@settings(max_examples=120, deadline=None)
@pytest.mark.parametrize("kind", ["event_count", "value_count", "temporal", "temporal_ordered"])
def test_duckdb_fires_where_the_reference_does(kind, group, number, events):
    condition = {"gte": number} | ({"field": "account_id"} if kind == "value_count" else {})
    rule = correlation(kind, group, None if kind.startswith("temporal") else condition)
    assert firings(rule, events) == by_reference(kind, group, number, events)


@given(events=EVENTS, number=st.integers(1, 4))
@settings(max_examples=120, deadline=None)
@pytest.mark.parametrize("kind", ["event_count", "value_count"])
def test_the_path_of_a_request_fires_at_the_same_moments(kind, number, events):
    condition = {"gte": number} | ({"field": "account_id"} if kind == "value_count" else {})
    rule = correlation(kind, ["template"], condition)
    pack, found = Pack.compile([rule]), set()
    for row in events:
        if pack.match(row):
            found.add(((row["time"] - START).total_seconds(), row["template"]))
    assert found == firings(rule, events)


@given(events=EVENTS)
@settings(max_examples=60, deadline=None)
@pytest.mark.parametrize(
    ("operator", "fits"),
    [
        ("lt", lambda n: n < 2),
        ("lte", lambda n: n <= 2),
        ("eq", lambda n: n == 2),
        ("neq", lambda n: n != 2),
        ("gt", lambda n: n > 2),
    ],
)
def test_other_comparisons_look_at_the_whole_window(operator, fits, events):
    rule = correlation("event_count", ["template"], {operator: 2})
    expected = set()
    for row in events:
        same = [r for r in events if r["template"] == row["template"] and parts_of(r)]
        seen = [
            r for r in same if row["time"] - timedelta(seconds=SPAN) <= r["time"] <= row["time"]
        ]
        if row["template"] is not None and parts_of(row) and fits(len(seen)):
            expected.add(((row["time"] - START).total_seconds(), row["template"]))
    assert firings(rule, events) == expected


def test_an_alias_groups_by_different_fields():
    aliases = {"frame": {"one": "template", "two": "opening"}}
    rule = correlation("temporal", ["frame"], None, aliases=aliases)
    rows = [event(0, model="x", template=7), event(5, model="y", words=9, opening=7)]
    assert firings(rule, rows) == {(5.0, 7)}
    assert firings(rule, [rows[0], rows[1] | {"opening": 8}]) == set()


def test_accounts_in_a_window_that_fired_are_found_and_no_others():
    rule = correlation("value_count", ["template"], {"gte": 2, "field": "account_id"}, ["one"])
    rows = [
        event(0, model="x", template=1, account_id="early"),
        event(30, model="x", template=1, account_id="a"),
        event(35, model="x", template=1, account_id="b"),
        event(36, model="x", template=1, account_id="b"),
        event(36, model="x", template=2, account_id="other"),
    ]
    connection = OPEN[-1].cursor()
    connection.register("events", table_of(rows))
    query = DuckDBBackend().convert_correlation_rule(rule)[0]
    found = {row[0]: row[3] for row in connection.execute(query).fetchall()}
    assert found == {"a": 1, "b": 2}


def test_windows_reach_over_batches():
    rule = planned(correlation("event_count", ["template"], {"gte": 3}, ["one"]))
    rows = [event(n, model="x", template=1) for n in range(3)]
    batches = [table_of([row]).to_batches()[0] for row in rows]
    assert run_on_log([rule], batches, "fingerprints", None).num_rows == 1
    assert run_on_log([rule], batches[:2], "fingerprints", None).num_rows == 0


def test_memory_is_bounded_and_what_was_forgotten_is_counted():
    resolved = correlation_of(correlation("event_count", ["template"], {"gte": 3}, ["one"]))
    counter = Counter(resolved, most_groups=50)
    for n in range(500):
        assert not counter.add(event(0, template=n), 0)
    assert len(counter) <= 50
    assert counter.forgotten >= 449
    later = Counter(resolved, most_groups=50)
    for n in range(500):
        later.add(event(60 * n, template=n), 0)
    assert (len(later), later.forgotten) == (1, 0)


def test_a_late_event_counts_at_the_latest_time():
    resolved = correlation_of(correlation("event_count", ["template"], {"gte": 2}, ["one"]))
    counter = Counter(resolved)
    assert not counter.add(event(100, template=1), 0)
    assert counter.add(event(95, template=1), 0)


REFUSED = {
    "text": (("event_count", ["prompt"], {"gte": 2}), "holds a text"),
    "origin": (("event_count", ["country"], {"gte": 2}), "never a signal"),
    "sum": (("value_sum", ["template"], {"gte": 2, "field": "words"}), "does not run here"),
    "order": (("temporal_ordered", ["template"], {"gte": 1}), "all of its rules"),
    "nested": (("temporal", ["template"], "one and not two"), "as a count"),
}


@pytest.mark.parametrize(("arguments", "why"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_run_is_refused(arguments, why):
    rule = correlation(*arguments)
    with pytest.raises(InputError, match=why):
        DuckDBBackend().convert_correlation_rule(rule)


def test_what_needs_the_whole_window_is_named():
    rule = correlation("event_count", ["template"], {"lt": 3})
    assert "needs the whole window" in next(iter(Pack.compile([rule]).skipped.values()))
