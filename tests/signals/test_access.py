"""API abuse, identity and network."""

from datetime import timedelta

import numpy as np
import pytest

from stillwatch.detect.signals import api_abuse, identity, network
from tests.signals.build import START, event, population


def _one_each(names, **columns):
    return [event(name, 0, **columns) for name in names]


def test_request_parameters(tmp_path):
    abuse = {"logprobs": True, "choices": 4, "finish_reason": "length", "reasoning_tokens": 90}
    events = [event("a", m, **abuse) for m in range(8)]
    events += [event("b", m, choices=1, reasoning_tokens=10) for m in range(8)]
    everyone = population(events, tmp_path)
    for measure in (api_abuse.logprobs, api_abuse.many_choices, api_abuse.cut_short):
        assert measure(everyone).tolist() == [0.75, 0.25]
    assert api_abuse.reasoning_tokens(everyone).tolist() == [70, 30]


def test_tools_that_go_on_are_an_agent(tmp_path):
    harvest = [event("harvest", m, tools=3, turn=1) for m in range(8)]
    agent = [event("agent", m, tools=3, turn=1 + m) for m in range(8)]
    nobody = [event("nobody", m, tools=0) for m in range(8)]
    measure = api_abuse.tools_without_turns(population(harvest + agent + nobody, tmp_path))
    assert measure[1] > 5 * measure[0]
    assert np.isnan(measure[2])  # a log without turns cannot tell


def test_a_burst_of_signups(tmp_path):
    steady = {f"s{i:03d}": {"created_at": START + timedelta(minutes=20 * i)} for i in range(300)}
    burst = {
        f"z{i:02d}": {"created_at": START + timedelta(hours=50, seconds=20 * i)} for i in range(40)
    }
    accounts = {**steady, **burst}
    events = _one_each([*accounts, "zz-unlisted"])
    measure = identity.signup_burst(population(events, tmp_path, accounts))
    assert np.isnan(measure[-1])
    assert measure[300:340].min() > 10
    assert np.median(measure[:300]) < 1


def test_accounts_of_other_organisations_from_one_signup_network(tmp_path):
    accounts = {
        "a": {"signup_address": "192.0.2.1", "org_id": "x", "created_at": START},
        "b": {"signup_address": "192.0.2.7", "org_id": "x", "created_at": START},
        "c": {"signup_address": "192.0.2.9", "org_id": "y", "created_at": START},
        "d": {"signup_address": "192.0.2.9", "created_at": START + timedelta(days=6)},
        "e": {"signup_address": "192.0.2.9", "created_at": START + timedelta(days=60)},
        "f": {"signup_address": "198.51.100.1", "org_id": "y", "created_at": START},
        "g": {},
    }
    measure = identity.signup_network_burst(population(_one_each(accounts), tmp_path, accounts))
    assert measure.tolist() == pytest.approx([2, 2, 3, 3, 0, 0, np.nan], nan_ok=True)


@pytest.mark.parametrize(
    ("column", "measure"),
    [("payment_hash", identity.shared_payment), ("device_hash", identity.shared_device)],
)
def test_sharing_counts_other_organisations(tmp_path, column, measure):
    accounts = {
        "a": {column: "p", "org_id": "x"},
        "b": {column: "p", "org_id": "x"},  # colleagues are no evidence
        "c": {column: "p"},
        "d": {column: "q", "org_id": "y"},
        "e": {column: "q", "org_id": "y"},
        "f": {},
    }
    found = measure(population(_one_each(accounts), tmp_path, accounts))
    assert found.tolist() == pytest.approx([1, 1, 1, 0, 0, np.nan], nan_ok=True)


def test_use_against_plan(tmp_path):
    accounts = {"a": {"plan": "free"}, "b": {"plan": "free"}, "c": {"plan": "free"}, "d": {}}
    events = [event(n, m) for n, k in (("a", 1), ("b", 2), ("c", 10), ("d", 5)) for m in range(k)]
    measure = identity.use_against_plan(population(events, tmp_path, accounts))
    assert measure.tolist() == pytest.approx([0.5, 1, 5, np.nan], nan_ok=True)


def test_disposable_mail_needs_its_list(tmp_path):
    events = _one_each("ab")
    without = population(events, tmp_path)
    with_list = population(events, tmp_path, disposable=[True, False])
    signal = next(s for s in identity.SIGNALS if s.name == "disposable_mail")
    assert "lists build" in signal.unavailable(without)
    assert signal.unavailable(with_list) is None
    assert signal.measure(with_list).tolist() == [1, 0]


def test_listed_networks_need_their_lists(tmp_path):
    events = [event("a", m, network_lists=1) for m in range(8)]
    events += [event("b", m, network_lists=2) for m in range(8)]
    events += [event("c", m) for m in range(8)]
    listed = population(events, tmp_path)
    assert network.hosting_share(listed).tolist() == pytest.approx(
        [0.75, 0.25, np.nan], nan_ok=True
    )
    assert network.vpn_share(listed).tolist() == pytest.approx([0.25, 0.75, np.nan], nan_ok=True)
    unlisted = population(_one_each("ab"), tmp_path)
    off = {s.name for s in network.SIGNALS if "lists build" in (s.unavailable(unlisted) or "")}
    assert off == {"hosting_share", "vpn_share"}


def test_networks_and_conversations(tmp_path):
    hops = [event("hops", m, network=m, conversation=m) for m in range(8)]
    stays = [event("stays", m, network=99, conversation=100) for m in range(8)]
    takes = [event("takes", m, conversation=m) for m in range(8)]
    everyone = population(hops + stays + takes, tmp_path)
    assert network.many_networks(everyone).tolist() == pytest.approx([8, 1, np.nan], nan_ok=True)
    assert network.conversation_hopping(everyone).tolist() == pytest.approx([5 / 6, 1 / 3, 5 / 6])


def test_identity_signals_are_off_without_their_columns(tmp_path):
    alone = population(_one_each("ab"), tmp_path)
    assert all(signal.unavailable(alone) for signal in identity.SIGNALS)
    accounts = {"a": {"signup_address": "192.0.2.1", "payment_hash": "p"}}
    some = population(_one_each("ab"), tmp_path, accounts)
    why = {signal.name: signal.unavailable(some) for signal in identity.SIGNALS}
    assert why["shared_payment"] is None
    assert why["shared_device"] == "the accounts table has no device_hash"
    assert why["signup_network_burst"] == "the accounts table has no created_at"
