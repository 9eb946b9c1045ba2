"""Profiles merge: two halves of a log give the profile of the whole."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stillwatch.detect import profiles
from tests.signals.build import engine, event, mixed_events


def _profiles(events, folder) -> pa.Table:
    with engine(events, folder) as local:
        return local.profiles()


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 2**16), share=st.floats(0.05, 0.95))
def test_the_profile_of_all_events_is_the_merge_of_two_profiles(tmp_path, seed, share):
    rng = np.random.default_rng(seed)
    events = mixed_events(rng, accounts=8)
    first = rng.random(len(events)) < share
    first[:2] = (True, False)  # neither half is empty
    halves = [
        [row for row, inside in zip(events, first, strict=True) if inside is keep]
        for keep in (np.True_, np.False_)
    ]
    merged = profiles.merge(*(_profiles(half, tmp_path) for half in halves))
    assert merged.equals(_profiles(events, tmp_path))


def test_merging_is_symmetric_and_keeps_strangers(tmp_path):
    one = _profiles([event("a", 0, words=3), event("b", 1)], tmp_path)
    other = _profiles([event("a", 9, words=4), event("c", 2)], tmp_path)
    merged = profiles.merge(one, other)
    assert merged.equals(profiles.merge(other, one))
    assert merged["account_id"].to_pylist() == ["a", "b", "c"]
    assert merged["events"].to_pylist() == [2, 1, 1]
    assert merged["words"].to_pylist() == [7, 0, 0]
    assert merged["words_squared"].to_pylist() == [25, 0, 0]
    assert merged["first_seen"][0] == one["first_seen"][0]
    assert merged["last_seen"][0] == other["last_seen"][0]


def test_profiles_count_what_events_show(tmp_path):
    events = [
        event("a", 0, status=429, finish_reason="length", tools=2, turn=1, network_lists=3),
        event("a", 61, status=200, choices=3, turn=2, markers=0b101, script=8, network_lists=1),
        event("a", 62, logprobs=True, completion_markers=0b10, output_type="json"),
    ]
    found = _profiles(events, tmp_path).to_pylist()[0]
    expected = {
        "events": 3,
        "rate_limited": 1,
        "failed": 1,
        "truncated": 1,
        "with_tools": 1,
        "with_choices": 1,
        "with_logprobs": 1,
        "as_json": 1,
        "multi_turn": 1,
        "turns_known": 2,
        "m_reasoning": 1,
        "m_grading": 1,
        "m_thinking": 0,
        "c_thinking": 1,
        "with_completion": 1,
        "on_hosting": 2,
        "on_vpn": 1,
        "on_lists_known": 2,
        "hour_00": 1,
        "hour_01": 2,
        "script_08": 1,
    }
    assert {name: found[name] for name in expected} == expected


def test_main_script_and_shares(tmp_path):
    events = [event("a", m, script=8, markers=1) for m in range(3)] + [event("a", 9, script=1)]
    table = _profiles(events, tmp_path)
    assert profiles.main_script(table).tolist() == [8]
    assert profiles.share(table, ("m_reasoning",)).tolist() == pytest.approx([0.75])
