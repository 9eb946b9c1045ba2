"""Folders and files that hold more, or something else, than a user thinks."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch.errors import InputError
from stillwatch.events.readers import Rejects, open_arrow, open_log
from stillwatch.events.schema import FINGERPRINTS, KEY_ID, TIMESTAMP

from .helpers import ROW, faults, read, rows_of, write_jsonl

SCENARIO = {"scenario": "mixed", "scale": "small", "seed": 1, "campaigns": []}


def _value(field: pa.Field) -> Any:
    if field.nullable:
        return None
    if pa.types.is_fixed_size_list(field.type):
        return [1] * field.type.list_size
    return "x" if field.type == pa.string() else 1


def _fingerprints(times: list[datetime], key: str | None = None) -> pa.Table:
    row = {field.name: _value(field) for field in FINGERPRINTS}
    table = pa.Table.from_pylist([row | {"time": time} for time in times], schema=FINGERPRINTS)
    named = {} if key is None else {KEY_ID: key.encode()}
    return table.replace_schema_metadata({**FINGERPRINTS.metadata, **named})


NOW = datetime(2026, 5, 1, tzinfo=UTC)


def test_a_file_is_read_once_however_it_is_spelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = write_jsonl(tmp_path / "log.jsonl", [ROW, ROW])
    (tmp_path / "link.jsonl").symlink_to(log)
    monkeypatch.chdir(tmp_path)
    assert len(rows_of("log.jsonl", "./log.jsonl", log, "*.jsonl", tmp_path)) == 2


def test_results_in_a_folder_of_logs_are_passed_over(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "log.jsonl", [ROW])
    result = tmp_path / "result"
    result.mkdir()
    (result / "campaigns.json").write_text("[]")
    with pytest.raises(InputError, match=r"campaigns.json is no log"):
        read(tmp_path)
    (result / "run.json").write_text('{"format": "stillwatch-result/1"}')
    assert len(rows_of(tmp_path)) == 1
    with pytest.raises(InputError, match="holds the result of a scan and no logs"):
        read(result)
    write_jsonl(result / "run.json", [ROW])  # a log that happens to be called so
    (result / "campaigns.json").unlink()
    assert len(rows_of(tmp_path)) == 2


def test_a_folder_of_simulated_traffic_names_the_file_to_give(tmp_path: Path) -> None:
    traffic = tmp_path / "sim"
    traffic.mkdir()
    write_jsonl(traffic / "events.jsonl", [ROW])
    (traffic / "scenario.json").write_text(json.dumps(SCENARIO))
    for folder in (traffic, tmp_path):
        with pytest.raises(InputError, match=r"give .*sim/events.parquet, and --accounts .*sim/"):
            read(folder)


def test_fingerprints_of_different_keys_are_never_mixed(tmp_path: Path) -> None:
    for name, key in (("a", "k1"), ("b", "k1"), ("c", "k2"), ("unnamed", None)):
        pq.write_table(_fingerprints([NOW], key), tmp_path / f"{name}.parquet")
    _, _, reader = read(tmp_path / "a.parquet", tmp_path / "b.parquet")
    assert reader.key_id == "k1"
    with pytest.raises(
        InputError, match=r"a.parquet and c.parquet hold .* different keys.* ingest"
    ):
        read(tmp_path / "a.parquet", tmp_path / "unnamed.parquet", tmp_path / "c.parquet")
    _, _, reader = read(tmp_path / "a.parquet", tmp_path / "unnamed.parquet")
    assert reader.key_id is None
    assert open_arrow(_fingerprints([NOW], "k2"), rejects=Rejects()).key_id == "k2"
    log = write_jsonl(tmp_path / "log.jsonl", [ROW])
    with pytest.raises(InputError, match="stillwatch ingest and the key of the others"):
        open_log([tmp_path / "a.parquet", log], rejects=Rejects())


def test_fingerprints_out_of_time_are_rejected_rows(tmp_path: Path) -> None:
    times = [NOW, datetime(1999, 12, 31, tzinfo=UTC), NOW, datetime(2100, 1, 1, tzinfo=UTC)]
    pq.write_table(_fingerprints(times), tmp_path / "f.parquet")
    table, rejects, _ = read(tmp_path / "f.parquet")
    assert table.equals(_fingerprints([NOW, NOW]))
    reason = "time before 2000 or after 2099"
    assert faults(rejects) == [(2, "time", reason), (4, "time", reason)]
    far = _fingerprints([NOW]).set_column(
        1, FINGERPRINTS.field("time"), pa.array([-(10**17)], TIMESTAMP)
    )
    with pytest.raises(InputError, match="no row of table can be read"):
        list(open_arrow(far, rejects=Rejects()))


def test_a_format_that_was_named_wrongly_is_not_called_damage(tmp_path: Path) -> None:
    log = write_jsonl(tmp_path / "log.jsonl", [ROW])
    with pytest.raises(InputError, match=r"log.jsonl is not Parquet: leave out --format parquet"):
        read(log, format="parquet")


def test_no_source_at_all() -> None:
    with pytest.raises(InputError, match="no log was given"):
        open_log([], rejects=Rejects())
