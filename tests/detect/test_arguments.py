"""What a caller in Python may get wrong: one sentence with the mend, before any work."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import stillwatch
from stillwatch.detect.prices import PriceTable
from stillwatch.errors import ConfigError, InputError


@pytest.mark.parametrize("events", [None, 5, {"a": 1}, [], [5], [pa.record_batch({"a": [1]})]])
def test_events_that_are_none_say_what_to_give(events):
    with pytest.raises(InputError, match=r"events .*: give a path, a list of paths, or one table"):
        stillwatch.scan(events)


@pytest.mark.parametrize("name", ["lists", "prices", "reference"])
def test_a_setting_of_the_wrong_type_names_itself(part, name):
    for value in (5, {"a": 1}):
        with pytest.raises(ConfigError, match=rf"{name} cannot be of type {type(value).__name__}"):
            stillwatch.scan(part, **{name: value})


def test_lists_must_be_a_folder_of_lists(part, tmp_path):
    (tmp_path / "g.txt").write_text("192.0.2.0/24\n")
    for path in (tmp_path / "g.txt", tmp_path / "nope", tmp_path):
        with pytest.raises(ConfigError, match="is no folder of lists"):
            stillwatch.scan(part, lists=str(path))


def test_a_price_table_is_taken_as_it_is(part):
    table = PriceTable.parse({"currency": "USD", "model": []})
    notes = stillwatch.scan(part.slice(0, 50), prices=table).summary.notes
    assert not any("price table" in note for note in notes)


def test_an_accounts_table_of_other_accounts_is_refused(part, tmp_path):
    few = part.slice(0, 50)
    strangers = pa.table({"account_id": ["nobody", "nobody else"]})
    with pytest.raises(InputError, match=r"none of the .* is in the accounts table: give"):
        stillwatch.scan(few, strangers)
    pq.write_table(strangers, tmp_path / "accounts.parquet")
    with pytest.raises(InputError, match=r"accounts of the log is in .*accounts.parquet: give"):
        stillwatch.scan(few, tmp_path / "accounts.parquet")
    one = pa.table({"account_id": ["nobody", few["account_id"][0].as_py()]})
    assert stillwatch.scan(few, one).summary.events == 50


def test_events_that_repeat_an_id_are_counted_and_said(part):
    few = part.slice(0, 50)
    assert not any("event_id" in note for note in stillwatch.scan(few).summary.notes)
    found = stillwatch.scan(pa.concat_tables([few, few.slice(0, 3), few.slice(0, 1)])).summary
    assert found.events == 54
    assert any(
        note.startswith("event_id repeats an earlier one in 4 events") for note in found.notes
    )
