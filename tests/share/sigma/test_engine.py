"""Rules over a log: what comes out, and that no text does."""

import pyarrow as pa
import pytest

from stillwatch.errors import InputError
from stillwatch.events import schema
from stillwatch.events.fingerprint import fingerprint_batch
from stillwatch.events.key import Key
from stillwatch.share.sigma.engine import run_on_log, run_on_profiles
from stillwatch.share.sigma.match import MATCHES, measure, planned
from stillwatch.share.truth import Truth
from tests.share.sigma.build import correlated, event, rule_of

CANARY = "zanzibar-heliotrope-4471"
KEY = Key.public()


def log_of(rows):
    """A batch of contract 1."""
    filled = [
        {"event_id": str(n), "model": "m", "prompt": "hello there"} | row
        for n, row in enumerate(rows)
    ]
    return pa.RecordBatch.from_pylist(filled, schema=schema.EVENTS)


def runs(rule, rows, contract="events"):
    batch = log_of(rows)
    if contract == "fingerprints":
        batch = fingerprint_batch(batch, KEY)
    return run_on_log([planned(rule)], [batch], contract, KEY)


def test_a_match_says_who_when_and_how_often_but_not_what():
    rule = rule_of({"one": {"prompt|contains": "heliotrope"}, "condition": "one"})
    rows = [event(0, prompt=f"say {CANARY} twice"), event(9, prompt=CANARY), event(5, prompt="no")]
    found = runs(rule, rows)
    assert found.schema.equals(MATCHES)
    row = found.to_pylist()[0]
    assert (row["account_id"], row["events"], found.num_rows) == ("a", 2, 1)
    assert (row["last_time"] - row["first_time"]).total_seconds() == 9
    assert CANARY not in str(found.to_pylist())


def test_markers_are_made_from_text_on_the_way():
    rule = rule_of({"one": {"markers": "reasoning"}, "condition": "one"})
    rows = [event(prompt="Explain it step by step, please"), event(prompt="Hello", account_id="b")]
    for contract in ("events", "fingerprints"):
        assert runs(rule, rows, contract)["account_id"].to_pylist() == ["a"]


@pytest.mark.parametrize("name", ["prompt", "system", "completion", "user_agent"])
def test_fingerprints_do_not_hold_text(name):
    rule = rule_of({"one": {name: "x"}, "condition": "one"})
    with pytest.raises(InputError, match=f"needs {name}, which fingerprints do not hold"):
        runs(rule, [event()], "fingerprints")


def test_the_text_and_the_hash_of_a_system_prompt_are_two_fields():
    text = rule_of({"one": {"system|startswith": "Be"}, "condition": "one"})
    hashed = rule_of({"one": {"system_prompt|exists": True}, "condition": "one"})
    rows = [event(system="be brief", account_id="a"), event(account_id="b")]
    assert runs(text, rows)["account_id"].to_pylist() == ["a"]
    assert runs(hashed, rows)["account_id"].to_pylist() == ["a"]


def test_networks_of_both_kinds():
    rule = rule_of(
        {"one": {"client_address|cidr": ["192.0.2.0/24", "2001:db8::/32"]}, "condition": "one"}
    )
    addresses = {
        "a": "192.0.2.9",
        "b": "2001:DB8::1",
        "c": "198.51.100.1",
        "d": "nonsense",
        "e": None,
    }
    rows = [event(account_id=a, client_address=address) for a, address in addresses.items()]
    assert runs(rule, rows)["account_id"].to_pylist() == ["a", "b"]


def test_identifiers_of_events_group_without_being_shown():
    rule = correlated(
        {"one": {"selection": {"model": "m"}, "condition": "selection"}},
        {"type": "value_count", "rules": ["one"], "group-by": ["conversation_id"], "timespan": "1h",
         "condition": {"field": "account_id", "gte": 2}},
    )  # fmt: skip
    rows = [
        event(n, account_id=a, conversation_id=c)
        for n, (a, c) in enumerate([("a", CANARY), ("b", CANARY), ("c", "x")])
    ]
    found = runs(rule, rows)
    assert found["account_id"].to_pylist() == ["a", "b"]
    assert CANARY not in str(found.to_pylist())


def test_a_measure_that_was_off_matches_nothing():
    rule = rule_of(
        {"one": {"s_echo|gte": 0.1}, "two": {"s_echo": None}, "condition": "one"}, "profiles"
    )
    absent = rule_of({"one": {"s_echo": None}, "condition": "one"}, "profiles")
    profiles = pa.table(
        {
            "account_id": ["a"],
            "events": [3],
            "first_seen": pa.array([0], schema.TIMESTAMP),
            "last_seen": pa.array([9], schema.TIMESTAMP),
        }
    )
    assert run_on_profiles([planned(rule)], profiles).num_rows == 0
    assert run_on_profiles([planned(absent)], profiles)["events"].to_pylist() == [3]


def test_precision_recall_and_false_positives_per_cohort():
    rule = planned(rule_of({"one": {"model": "x"}, "condition": "one"}))
    rows = [event(account_id=a, model="x") for a in ("attacker", "person", "unlabelled")]
    found = run_on_log([rule], [log_of(rows)], "events", KEY)
    truth = {
        "attacker": Truth(True, "campaign"),
        "other": Truth(True, "campaign"),
        "person": Truth(False, "individual"),
        "bot": Truth(False, "bot"),
    }
    measured = measure([rule], found, truth)[0]
    assert (measured.precision, measured.recall) == (0.5, 0.5)
    assert measured.benign == {"bot": (0, 1), "individual": (1, 1)}
