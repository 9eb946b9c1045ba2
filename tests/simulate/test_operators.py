"""An operator keeps its habits from provider to provider; nothing else is shared."""

import hashlib

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyarrow import csv

from stillwatch.errors import InputError
from stillwatch.simulate import Traffic, simulate
from stillwatch.simulate.content import Mixture, Switch
from stillwatch.simulate.templates import Templates

DIGESTS = {
    ("mixed", 1): "084d6613cbd687936af9022762f6b692d2cf1f2cf0f7ddfa88e72bf0333af1d0",
    ("all-half", 3): "4fb83eab288c8042cd9dc97b2f1cb84f41967a0ae3031accc682fe96eb20eed4",
}
"""Of traffic without operators, as it was before there were any."""


def digest(traffic: Traffic) -> str:
    hashed = hashlib.sha256()
    for table in (traffic.accounts, traffic.labels, *traffic.batches()):
        sink = pa.BufferOutputStream()
        csv.write_csv(table, sink)
        hashed.update(sink.getvalue())
    return hashed.hexdigest()


@pytest.mark.parametrize(("scenario", "seed"), list(DIGESTS))
def test_traffic_without_operators_stays_as_it_was(scenario, seed):
    assert digest(simulate(scenario, seed=seed)) == DIGESTS[scenario, seed]


def harvests(traffic: Traffic, place: int = 0) -> list[Templates]:
    """What a campaign sends, without cover and relayed talk."""

    def within(content: object) -> list[Templates]:
        if isinstance(content, Templates):
            return [content]
        if isinstance(content, Switch):
            return within(content.before) + within(content.after)
        sources = content.sources if isinstance(content, Mixture) else []
        return [harvest for source in sources for harvest in within(source)]

    return within(traffic.crowds[place].content)


@pytest.mark.parametrize("scenario", ["naive", "paraphrase", "all-half", "many-buyers", "mixed"])
def test_an_operator_takes_its_habits_to_another_provider(scenario):
    here, there = (simulate(scenario, seed=seed, operators=[41, 42]) for seed in (1, 2))
    assert here.crowds[0].knobs == there.crowds[0].knobs
    assert here.crowds[0].objective == there.crowds[0].objective
    assert harvests(here)
    for first, second in zip(harvests(here), harvests(there), strict=True):
        assert first.frames == second.frames
        assert (first.forms, first.skew, first.rule) == (second.forms, second.skew, second.rule)
        assert (first.system is None) == (second.system is None)
        common = [len(t.source.items) - 300 * len(t.group) for t in (first, second)]
        shared = max(min(common), 300)
        assert first.source.items[:shared] == second.source.items[:shared]
    if here.crowds[0].knobs["distinct_clients"]:
        return
    for name in ("temperature", "max_tokens", "tools", "client"):
        values = [
            pc.mode(pa.array(getattr(t.crowds[0].people, name)))[0]["mode"] for t in (here, there)
        ]
        assert values[0].as_py() == pytest.approx(values[1].as_py(), nan_ok=True), name


def test_accounts_networks_and_benign_traffic_are_not_shared():
    here, there = (simulate("naive", seed=seed, operators=[41]) for seed in (1, 2))
    for column in ("account_id", "payment_hash", "device_hash"):
        values = [set(t.accounts[column].drop_null().to_pylist()) for t in (here, there)]
        assert not values[0] & values[1]
    networks = [set(t.crowds[0].people.address.ravel() >> 8) for t in (here, there)]
    assert len(networks[0] & networks[1]) < 0.2 * min(map(len, networks))
    assert harvests(here)[0].frames != harvests(simulate("naive", seed=1, operators=[43]))[0].frames


def test_more_operators_than_campaigns_are_refused():
    with pytest.raises(InputError, match="name fewer operators"):
        simulate("benign", operators=[1])
    with pytest.raises(InputError, match="cannot be used"):
        simulate("naive", operators=[2**64])
