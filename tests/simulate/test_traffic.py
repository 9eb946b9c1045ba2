import hashlib
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from stillwatch.errors import InputError
from stillwatch.events.contracts import Exemption, Kind
from stillwatch.events.schema import ACCOUNTS, EVENTS
from stillwatch.simulate import KNOBS, LABELS, SCALES, SCENARIOS, Traffic, simulate, write_traffic


@pytest.fixture(scope="module")
def mixed() -> Traffic:
    return simulate("mixed", seed=3)


@pytest.fixture(scope="module")
def table(mixed: Traffic) -> pa.Table:
    return pa.Table.from_batches(mixed.batches())


def test_tables_follow_the_contracts(mixed, table):
    assert table.schema == EVENTS
    assert mixed.accounts.schema == ACCOUNTS
    assert mixed.labels.schema == LABELS
    for name in ("event_id", "time", "account_id", "model", "prompt"):
        assert table.column(name).null_count == 0
    assert len(pc.unique(table.column("event_id"))) == table.num_rows
    assert len(pc.unique(mixed.accounts.column("account_id"))) == mixed.accounts.num_rows
    known = set(mixed.accounts.column("account_id").to_pylist())
    assert set(pc.unique(table.column("account_id")).to_pylist()) <= known
    assert mixed.labels.column("account_id") == mixed.accounts.column("account_id")


def test_events_come_in_the_order_of_time_within_a_stride(table):
    time = table.column("time").cast(pa.int64()).to_numpy()
    assert SCALES["small"].stride >= SCALES["small"].days
    assert (np.diff(time) >= 0).all()


def test_size_is_what_the_scale_says(mixed, table):
    plan = SCALES["small"]
    assert abs(table.num_rows / plan.events - 1) < 0.25
    assert abs(mixed.accounts.num_rows / plan.accounts - 1) < 0.05
    attack = pc.sum(pc.equal(mixed.labels.column("label"), "attack")).as_py()
    assert abs(attack / plan.attackers - 1) < 0.3


def test_no_prompt_is_empty_and_no_slot_is_left_open(table):
    shortest = pc.min(pc.utf8_length(table.column("prompt"))).as_py()
    assert shortest > 0
    for name in ("prompt", "system", "completion"):
        open_slot = pc.match_substring_regex(
            table.column(name), r"\{(item|passage|own|topic|other)\}"
        )
        assert not pc.any(open_slot).as_py()


def test_values_are_plausible(table):
    assert pc.min(table.column("input_tokens")).as_py() > 0
    assert pc.min(table.column("output_tokens")).as_py() > 0
    assert pc.min(table.column("turn")).as_py() == 1
    limit, used = table.column("max_tokens"), table.column("output_tokens")
    assert not pc.any(pc.greater(used, limit)).as_py()
    failed = pc.not_equal(table.column("status"), 200)
    assert pc.all(pc.is_null(table.filter(failed).column("completion"))).as_py()
    logged = 1 - table.column("completion").null_count / table.num_rows
    assert 0.15 < logged < 0.25


def test_labels_name_every_cohort_and_campaign(mixed):
    labels = mixed.labels
    attack = pc.equal(labels.column("label"), "attack")
    assert pc.all(pc.is_valid(labels.filter(attack).column("campaign"))).as_py()
    assert pc.all(pc.is_null(labels.filter(pc.invert(attack)).column("campaign"))).as_py()
    kinds = set(pc.unique(labels.column("kind")).to_pylist()) - {None}
    assert kinds <= {kind.value for kind in Kind}
    assert {"evaluation", "shared-app", "organisation", "relay", "extraction"} <= kinds
    assert len(pc.unique(labels.column("cohort"))) >= 20
    assert len(pc.unique(labels.column("language"))) >= 10
    for knob in KNOBS:
        values = labels.filter(attack).column(knob).to_numpy()
        assert ((values >= 0) & (values <= 1)).all()


def test_benign_has_no_attack():
    labels = simulate("benign", seed=5).labels
    assert pc.unique(labels.column("label")).to_pylist() == ["benign"]


# The knobs' own scenarios are drawn in test_knobs.py.
@pytest.mark.parametrize("scenario", ["demo", "all-half"])
def test_scenarios_of_several_knobs_have_campaigns(scenario):
    assert scenario in SCENARIOS
    labels = simulate(scenario, seed=11).labels
    assert pc.count(pc.unique(labels.column("campaign"))).as_py() >= 3


def digest(directory: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in directory.iterdir()
    }


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        count = write_traffic(simulate("mixed", seed=8), tmp_path / name)
    assert digest(tmp_path / "one") == digest(tmp_path / "two")
    assert pq.ParquetFile(tmp_path / "one" / "events.parquet").metadata.num_rows == count
    assert pq.read_schema(tmp_path / "one" / "events.parquet") == EVENTS
    register = (tmp_path / "one" / "exemptions.json").read_bytes()
    orgs = {entry.org_id for entry in msgspec.json.decode(register, type=list[Exemption])}
    accounts = pq.read_table(tmp_path / "one" / "accounts.parquet")
    assert orgs
    assert orgs <= set(accounts.column("org_id").to_pylist())
    assert {path.name for path in (tmp_path / "one").iterdir()} == {
        "events.parquet",
        "accounts.parquet",
        "labels.parquet",
        "exemptions.json",
        "scenario.json",
    }


def test_another_seed_gives_other_traffic():
    one, two = simulate("mixed", seed=1), simulate("mixed", seed=2)
    assert one.accounts != two.accounts
    assert one.labels.column("campaign") != two.labels.column("campaign")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"scenario": "nonsense"}, "scenario"),
        ({"scenario": "mixed", "scale": "huge"}, "scale"),
        ({"scenario": "mixed", "seed": -1}, "seed"),
    ],
)
def test_wrong_arguments_say_what_is_right(arguments, word):
    with pytest.raises(InputError, match=word):
        simulate(**arguments)


def test_a_missing_prompt_file_is_named(tmp_path):
    with pytest.raises(InputError, match="missing"):
        simulate("mixed", prompts=tmp_path)


@pytest.mark.shared
def test_real_prompts_are_used(shared_data):
    traffic = simulate("mixed", seed=4, prompts=shared_data)
    prompts = pa.chunked_array([batch.column("prompt") for batch in traffic.batches()])
    known = "impartial judge|Task Description|toolformer: enabled|I want you to act as"
    assert pc.sum(pc.match_substring_regex(prompts, known)).as_py() > 50
    assert pc.max(pc.utf8_length(prompts)).as_py() > 2_000
