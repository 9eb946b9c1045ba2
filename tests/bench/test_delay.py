"""Detection delay on traffic made by hand, where the right numbers are known."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from stillwatch.bench.delay import Moment, delays, replay, whose
from stillwatch.bench.labels import labels_from
from stillwatch.events.contracts import Kind
from tests.detect.world import World
from tests.report.build import build_result
from tests.watch.watching import held

START = datetime(2026, 3, 1, tzinfo=UTC)


def labels(*campaigns: str | None):
    rows = [
        {"account_id": f"a{n}", "cohort": "x", "group": None, "campaign": name}
        | {"kind": name and "extraction", "language": "en", "region": "eu"}
        for n, name in enumerate(campaigns)
    ]
    return labels_from(pa.Table.from_pylist(rows))


def at(hour: int) -> int:
    return int((START + timedelta(hours=hour)).timestamp() * 1e6)


def test_what_was_served_before_a_flag_and_what_was_saved():
    accounts = ["a0"] * 10 + ["a1"] * 10 + ["a2"] * 4
    hours = [*range(10), *range(10), *range(4)]
    rows = pa.table({"account_id": accounts, "time": [START + timedelta(hours=h) for h in hours]})
    moments = [
        Moment(at(3), frozenset({"one"}), frozenset(), frozenset()),
        Moment(at(5), frozenset({"one"}), frozenset({"one"}), frozenset({"a0"})),
        Moment(at(8), frozenset(), frozenset(), frozenset({"a1"})),
    ]
    one, two = delays(rows, labels("one", "one", "two"), moments)
    assert (one.campaign, one.accounts, one.events) == ("one", 2, 20)
    assert one.before_seen == pytest.approx(0.3)
    assert one.before_flag == pytest.approx(0.5)
    assert one.saved == 5 + 2
    assert (two.campaign, two.before_seen, two.before_flag, two.saved) == ("two", 1.0, 1.0, 0)


def test_a_detected_campaign_is_the_one_that_most_of_its_accounts_belong_to():
    campaign = next(c for c in build_result().campaigns if c.kind is Kind.EXTRACTION)
    members = campaign.accounts
    assert whose(campaign, dict.fromkeys(members, "one")) == "one"
    assert whose(campaign, {}) == ""
    most = dict.fromkeys(members[: len(members) // 2 + 1], "one")
    assert whose(campaign, most) == "one"
    assert whose(campaign, dict.fromkeys(members[:3], "one")) == ""


def test_every_event_passes_through_the_replay(tmp_path):
    world = World(np.random.default_rng(2))
    world.strangers(20, events=10)
    rows = world.table().sort_by("time")
    ids = sorted(set(rows["account_id"].to_pylist()))
    truth = labels_from(
        pa.Table.from_pylist(
            [
                {"account_id": i, "cohort": "x", "group": None, "campaign": None, "kind": None}
                | {"language": "en", "region": "eu"}
                for i in ids
            ]
        )
    )
    moments = replay(
        rows, world.accounts(), truth, hours=48, folder=tmp_path, progress=lambda _: None
    )
    times = [moment.time for moment in moments]
    assert times == sorted(times)
    assert times[-1] > rows["time"].cast(pa.int64())[-1].as_py()
    assert held(tmp_path / "state").num_rows == rows.num_rows
