"""The events contract as Parquet, CSV and JSON lines, plain and compressed."""

import json
import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stillwatch.events.readers import Rejects, delimited, open_log
from stillwatch.events.schema import EVENTS, TIMESTAMP

from .helpers import ROW, TEXTS, faults, read, rows_of, write_jsonl

_TEXT = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00", exclude_categories=["Cs"]),
    min_size=1,
    max_size=20,
)
_TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001  # bounds are naive by its contract


def _values(field: pa.Field) -> Any:
    if field.type == TIMESTAMP:
        return _TIMES
    if field.type == pa.string():
        base: Any = _TEXT
    elif field.type == pa.bool_():
        base = st.booleans()
    elif field.type == pa.float64():
        base = st.floats(0, 1e6)
    else:
        base = st.integers(1, 2**31 - 1 if field.type == pa.int32() else 2**53)
    return base if not field.nullable else st.none() | base


_ROWS = st.lists(
    st.fixed_dictionaries({f.name: _values(f) for f in EVENTS}), min_size=1, max_size=8
)


def _json_row(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "time": row["time"].isoformat()}


def _write(table: pa.Table, kind: str, path: Path) -> Path:
    path = path / f"log.{kind}"
    if kind.startswith("jsonl"):
        return _compressed(path, write_jsonl(path.with_suffix(".tmp"), [
            _json_row(row) for row in table.to_pylist()
        ]).read_bytes())  # fmt: skip
    if kind.startswith("csv"):
        sink = pa.BufferOutputStream()
        pa_csv.write_csv(table, sink)
        return _compressed(path, sink.getvalue().to_pybytes())
    pq.write_table(table, path)
    return path


def _compressed(path: Path, data: bytes) -> Path:
    codec = {".gz": "gzip", ".zst": "zstd"}.get(path.suffix)
    if codec is None:
        path.write_bytes(data)
    else:
        with pa.CompressedOutputStream(str(path), codec) as stream:
            stream.write(data)
    return path


@pytest.mark.parametrize(
    "kind", ["parquet", "jsonl", "jsonl.gz", "jsonl.zst", "csv", "csv.gz", "csv.zst"]
)
@given(rows=_ROWS)
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_is_written_comes_back(kind: str, rows: list[dict[str, Any]], tmp_path: Path) -> None:
    # The masking of API keys is tested on its own.
    table = pa.Table.from_pylist([{**row, "api_key_id": "k"} for row in rows], schema=EVENTS)
    found, rejects, reader = read(_write(table, kind, tmp_path))
    assert found.equals(table), rejects.first
    assert found.schema.equals(EVENTS)
    assert reader.bytes_done == reader.bytes_total > 0


@pytest.mark.parametrize("text", TEXTS)
def test_text_of_every_script_survives(text: str, tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "log.jsonl", [ROW | {"prompt": text, "system": text[::-1]}])
    row = rows_of(path)[0]
    assert (row["prompt"], row["system"]) == (text, text[::-1])


@pytest.mark.parametrize("text", [*TEXTS, "\ufffd \uffff \U0010ffff"])
def test_text_of_every_script_survives_csv(text: str, tmp_path: Path) -> None:
    table = pa.Table.from_pylist([ROW | {"prompt": text}])
    row = rows_of(_write(table, "csv", tmp_path))[0]
    assert row["prompt"] == text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-05-01T10:00:00Z", datetime(2026, 5, 1, 10, tzinfo=UTC)),
        ("2026-05-01 10:00:00", datetime(2026, 5, 1, 10, tzinfo=UTC)),
        ("2026-05-01T12:00:00.123456789+02:00", datetime(2026, 5, 1, 10, 0, 0, 123456, UTC)),
        ("2026-05-01", datetime(2026, 5, 1, tzinfo=UTC)),
        (1_777_629_600, datetime(2026, 5, 1, 10, tzinfo=UTC)),
        (1_777_629_600.5, datetime(2026, 5, 1, 10, 0, 0, 500000, UTC)),
        (1_777_629_600_123, datetime(2026, 5, 1, 10, 0, 0, 123000, UTC)),
        (1_777_629_600_123_456, datetime(2026, 5, 1, 10, 0, 0, 123456, UTC)),
        (1_777_629_600_123_456_789, datetime(2026, 5, 1, 10, 0, 0, 123456, UTC)),
        ("1777629600", datetime(2026, 5, 1, 10, tzinfo=UTC)),
    ],
)
def test_times_are_read_in_every_unit(value: Any, expected: datetime, tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "log.jsonl", [ROW | {"time": value}])
    assert rows_of(path)[0]["time"] == expected


def test_mixed_time_forms_in_one_column(tmp_path: Path) -> None:
    values = ["2026-05-01T10:00:00Z", "2026-05-01 10:00:00", 1_777_629_600, "1777629600000"]
    path = write_jsonl(tmp_path / "log.jsonl", [ROW | {"time": v} for v in values])
    assert {row["time"] for row in rows_of(path)} == {datetime(2026, 5, 1, 10, tzinfo=UTC)}


def test_other_names_of_columns(tmp_path: Path) -> None:
    row = {
        "id": 7,
        "timestamp": "2026-05-01T10:00:00Z",
        "user_id": 42,
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "One"},
            {"role": "assistant", "content": "Two"},
            {"role": "user", "content": [{"type": "text", "text": "Three"}, {"type": "image_url"}]},
        ],
        "prompt_tokens": "12",
        "n": 2.0,
        "stream": "true",
        "colour": {"ignored": True},
    }
    found = rows_of(write_jsonl(tmp_path / "log.jsonl", [row]))[0]
    assert found["event_id"] == "7"
    assert found["account_id"] == "42"
    assert (found["prompt"], found["system"], found["turn"]) == ("Three", "Be brief.", 2)
    assert (found["input_tokens"], found["choices"], found["stream"]) == (12, 2, True)
    assert found["completion"] is None


def test_missing_event_ids_come_from_file_and_row(tmp_path: Path) -> None:
    rows = [{k: v for k, v in ROW.items() if k != "event_id"}] * 2
    path = write_jsonl(tmp_path / "log.jsonl", rows)
    assert [r["event_id"] for r in rows_of(path)] == ["log.jsonl#1", "log.jsonl#2"]


BAD_ROWS: list[tuple[Any, str, str]] = [
    (b"{not json", "", "invalid JSON"),
    (b"[1, 2]", "", "invalid JSON"),
    (b'{"prompt": "\xff\xfe"}', "", "invalid UTF-8"),
    (b"[" * 100_000, "", "invalid JSON"),
    (ROW | {"prompt": None}, "prompt", "missing value"),
    (ROW | {"account_id": ""}, "account_id", "missing value"),
    (ROW | {"account_id": None}, "account_id", "missing value"),
    (ROW | {"time": "yesterday"}, "time", "not a time"),
    (ROW | {"time": 0}, "time", "time before 2000 or after 2099"),
    (ROW | {"time": 1e300}, "time", "not a time"),
    (ROW | {"input_tokens": -1}, "input_tokens", "number out of range"),
    (ROW | {"input_tokens": 10**30}, "input_tokens", "number out of range"),
    (ROW | {"output_tokens": "many"}, "output_tokens", "not a number"),
    (ROW | {"output_tokens": 1.5}, "output_tokens", "not a number"),
    (ROW | {"input_tokens": {"a": 1}}, "input_tokens", "not a number"),
    (ROW | {"turn": 0}, "turn", "number out of range"),
    (ROW | {"stream": "perhaps"}, "stream", "not true or false"),
    (ROW | {"model": ["m"]}, "model", "not text"),
    (ROW | {"prompt": "x" * (4 * 1024 * 1024 + 1)}, "prompt", "text longer than 4 MiB"),
]


@pytest.mark.parametrize(("bad", "column", "reason"), BAD_ROWS)
def test_a_bad_row_costs_one_row(bad: Any, column: str, reason: str, tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "log.jsonl", [ROW, bad, ROW])
    table, rejects, _ = read(path)
    assert table.num_rows == 2
    assert faults(rejects) == [(2, column, reason)]


def test_rejects_never_hold_the_value(tmp_path: Path) -> None:
    path = write_jsonl(
        tmp_path / "log.jsonl", [ROW, ROW | {"time": "SECRET-CANARY"}, b"SECRET-CANARY"]
    )
    out = tmp_path / "rejected.jsonl"
    with Rejects(out) as rejects:
        list(open_log([path], rejects=rejects))
    text = out.read_text()
    assert text.count("\n") == rejects.total == 2
    assert '{"file":"log.jsonl","row":2,"column":"time","reason":"not a time"}' in text
    assert "CANARY" not in text


def test_bad_rows_of_csv(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    good = b'2026-05-01T10:00:00Z,a,m,"hello, \nworld",1\n'
    path.write_bytes(
        b"time,account_id,model,prompt,input_tokens\n"
        + good
        + b"2026-05-01T10:00:00Z,a,m\n"
        + good
        + b"never,a,m,hello,1\n"
        + b"2026-05-01T10:00:00Z,,m,hello,1\n"
        + b"2026-05-01T10:00:00Z,a,m,h\xffllo,1\n"
        + good
    )
    table, rejects, _ = read(path)
    assert table["prompt"].to_pylist() == ["hello, \nworld"] * 3
    assert table["event_id"].to_pylist() == ["log.csv#1", "log.csv#3", "log.csv#7"]
    assert sorted(faults(rejects)) == [
        (2, "", "wrong number of fields"),
        (4, "time", "not a time"),
        (5, "account_id", "missing value"),
        (6, "prompt", "invalid UTF-8"),
    ]


def test_csv_with_semicolons_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes("\ufefftime;account_id;model;prompt\n2026-05-01;a;m;hello\n".encode())
    assert rows_of(path)[0]["prompt"] == "hello"


def test_parquet_of_other_types(tmp_path: Path) -> None:
    table = pa.table(
        {
            "time": pa.array([1_777_629_600_000] * 2, pa.timestamp("ms")),
            "account_id": pa.array([1, 2], pa.int64()),
            "model": pa.array(["m", "m"]).dictionary_encode(),
            "prompt": pa.array(["a", "b"], pa.large_string()),
            "temperature": pa.array([float("nan"), 0.5]),
            "input_tokens": pa.array([1.0, float("nan")]),
            "status": pa.array(["200", ""]),
            "nested": pa.array([[1], [2]]),
        }
    )
    pq.write_table(table, tmp_path / "log.parquet")
    rows = rows_of(tmp_path / "log.parquet")
    assert [r["account_id"] for r in rows] == ["1", "2"]
    assert [r["temperature"] for r in rows] == [None, 0.5]
    assert [r["input_tokens"] for r in rows] == [1, None]
    assert [r["status"] for r in rows] == [200, None]
    assert rows[0]["time"] == datetime(2026, 5, 1, 10, tzinfo=UTC)


def test_batches_have_at_most_the_rows_asked_for(tmp_path: Path) -> None:
    for kind in ("jsonl", "csv", "parquet"):
        table = pa.Table.from_pylist(
            [{**ROW, "time": datetime(2026, 5, 1, tzinfo=UTC)}] * 25, schema=EVENTS
        )
        path = _write(table, kind, tmp_path)
        reader = open_log([path], rejects=Rejects(), batch_rows=10)
        assert [batch.num_rows for batch in reader] == [10, 10, 5]


def test_the_first_batch_comes_before_the_end_is_read(tmp_path: Path) -> None:
    pipe = tmp_path / "log.jsonl"
    os.mkfifo(pipe)
    line = write_jsonl(tmp_path / "line", [ROW]).read_bytes()
    first_batch = threading.Event()
    seen: list[bool] = []

    def produce() -> None:
        with pipe.open("wb") as stream:
            stream.write(line * 60_000)  # more than every buffer on the way
            stream.flush()
            seen.append(first_batch.wait(timeout=10))
            stream.write(line)

    writer = threading.Thread(target=produce)
    writer.start()
    batches = iter(open_log([pipe], rejects=Rejects(), batch_rows=100))
    rows = next(batches).num_rows
    first_batch.set()
    rows += sum(batch.num_rows for batch in batches)
    writer.join()
    assert rows == 60_001
    assert seen == [True]


def test_json_arrays_and_indented_objects(tmp_path: Path) -> None:
    array = tmp_path / "array.json"
    array.write_text(json.dumps([ROW, ROW | {"prompt": 'a "quoted" { brace'}], indent=2))
    assert [r["prompt"] for r in rows_of(array)] == [ROW["prompt"], 'a "quoted" { brace']
    indented = tmp_path / "indented.json"
    indented.write_text("\n".join(json.dumps(ROW, indent=1) for _ in range(3)))
    assert len(rows_of(indented)) == 3


def test_parquet_whose_text_is_not_utf8(tmp_path: Path) -> None:
    prompts = pa.array([b"good", b"b\xffd", "好".encode()]).view(pa.string())
    table = pa.table(
        {"time": ["2026-05-01"] * 3, "account_id": ["a"] * 3, "model": ["m"] * 3, "prompt": prompts}
    )
    pq.write_table(table, tmp_path / "log.parquet")
    found, rejects, _ = read(tmp_path / "log.parquet")
    assert found["prompt"].to_pylist() == ["good", "好"]
    assert faults(rejects) == [(2, "prompt", "invalid UTF-8")]


def test_csv_records_that_are_damaged_twice(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(
        b"time,account_id,model,prompt\n2026-05-01,a,m,p\n2026-05-01,\xff,m\n2026-05-01,a,m,q\n"
    )
    found, rejects, _ = read(path)
    assert found["event_id"].to_pylist() == ["log.csv#1", "log.csv#3"]
    assert faults(rejects) == [(2, "", "wrong number of fields")]


def test_csv_of_many_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "BLOCK_BYTES", 4096)
    rows = [f'2026-05-01,a,m,"{i}\n{TEXTS[1]}\n"\n'.encode() for i in range(5000)]
    rows[3000] = rows[3000].replace(b"a,m", b"a\xff,m")
    path = tmp_path / "log.csv"
    path.write_bytes(b"time,account_id,model,prompt\n" + b"".join(rows))
    table, rejects, _ = read(path)
    assert table.num_rows == 4999
    assert table["prompt"][-1].as_py() == f"4999\n{TEXTS[1]}\n"
    assert table["event_id"][-1].as_py() == "log.csv#5000"
    assert faults(rejects) == [(3001, "account_id", "invalid UTF-8")]
