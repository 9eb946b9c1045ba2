"""Files that are no log: one line that names the file and the mend."""

import gzip
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch.errors import ConfigError, InputError
from stillwatch.events.readers import FORMATS, Format, Rejects, formats, jsonlines, open_log
from stillwatch.events.readers.formats import known_formats

from .helpers import ROW, read, rows_of, write_jsonl


def _parquet(rows: int = 2000) -> pa.Table:
    return pa.table(
        {
            "time": [f"2026-05-01T10:00:00.{i:06d}Z" for i in range(rows)],
            "account_id": [f"a{i}" for i in range(rows)],
            "model": ["m"] * rows,
            "prompt": [f"prompt {i * 7919}" for i in range(rows)],
        }
    )


def _cut(path: Path, share: float) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def _complaint(path: Path | str, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        read(path, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert Path(path).name in message
    return message


def test_truncated_parquet(tmp_path: Path) -> None:
    pq.write_table(_parquet(), tmp_path / "log.parquet")
    assert "damaged or cut short" in _complaint(_cut(tmp_path / "log.parquet", 0.6))


def test_parquet_with_damaged_pages(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    pq.write_table(_parquet(), path, compression="zstd")
    data = bytearray(path.read_bytes())
    data[200:4000] = b"\x00" * 3800
    path.write_bytes(bytes(data))
    assert "damaged" in _complaint(path)


@pytest.mark.parametrize("suffix", ["gz", "zst"])
@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_truncated_compression(suffix: str, kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"log.{kind}.{suffix}"
    if kind == "jsonl":
        rows = _parquet(20_000).to_pylist()
        data = write_jsonl(tmp_path / "plain", rows).read_bytes()
    else:
        lines = [",".join(row.values()) for row in _parquet(20_000).to_pylist()]
        data = ("time,account_id,model,prompt\n" + "\n".join(lines)).encode()
    with pa.CompressedOutputStream(str(path), {"gz": "gzip", "zst": "zstd"}[suffix]) as stream:
        stream.write(data)
    assert "damaged" in _complaint(_cut(path, 0.7))


@pytest.mark.parametrize("data", [b"", b"\n\n", gzip.compress(b"")])
def test_empty(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(data)
    assert "is empty" in _complaint(path)


@pytest.mark.parametrize(
    "table",
    [_parquet(0), pa.schema([("time", pa.string()), ("prompt", pa.string())]).empty_table()],
)
def test_parquet_without_rows(table: pa.Table, tmp_path: Path) -> None:
    pq.write_table(table, tmp_path / "log.parquet")
    assert "holds no events" in _complaint(tmp_path / "log.parquet")


def test_csv_header_only(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("time,account_id,model,prompt\n")
    assert "holds no events" in _complaint(path)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (os.urandom(64).replace(b"\n", b"") + b"\x00" * 100, "binary"),
        (b"\x89PNG\r\n\x1a\n" + b"\x00" * 2000, "binary"),
        (b"<html><body>hello</body></html>", "no log"),
        (b"just some words\nand more", "no log"),
        (b'{"colour": "red"}\n', "none of the fields"),
        ('{"time": 1}'.encode("utf-16"), "UTF-16"),
    ],
)
def test_no_log_at_all(data: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "thing.jsonl"
    path.write_bytes(data)
    assert words in _complaint(path)


@pytest.mark.parametrize("column", ["time", "account_id", "model", "prompt"])
@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_missing_required_column(column: str, kind: str, tmp_path: Path) -> None:
    table = _parquet(3).drop_columns([column])
    path = tmp_path / f"log.{kind}"
    if kind == "parquet":
        pq.write_table(table, path)
    else:
        lines = [",".join(table.column_names), *(",".join(r.values()) for r in table.to_pylist())]
        path.write_text("\n".join(lines))
    assert f"has no {column}" in _complaint(path)


@pytest.mark.parametrize("rows", [1, 500])
def test_json_lines_without_a_required_field(rows: int, tmp_path: Path) -> None:
    row = {k: v for k, v in ROW.items() if k != "prompt"}
    message = _complaint(write_jsonl(tmp_path / "log.jsonl", [row] * rows))
    assert "missing value in prompt" in message
    assert "export the log with message content" in message


def test_csv_whose_quote_never_closes(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(b'time,account_id,model,prompt\n2026-05-01,a,m,"' + b"x" * (33 << 20))
    assert "a quote does not close" in _complaint(path)


def test_two_columns_of_one_name(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("time,account_id,model,prompt,prompt\n2026-05-01,a,m,p,q\n")
    assert "two columns prompt" in _complaint(path)


def test_json_that_ends_in_the_middle(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    path.write_text(
        '[\n{"time": "2026-05-01", "account_id": "a", "model": "m", "prompt": "p"},\n{"ti'
    )
    assert "ends inside a JSON document" in _complaint(path)


def test_a_line_that_is_too_long_is_rejected_and_passed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jsonlines, "MAX_DOCUMENT_BYTES", 1000)
    path = write_jsonl(tmp_path / "log.jsonl", [ROW, ROW | {"prompt": "x" * 5000}, ROW])
    table, rejects, _ = read(path)
    assert table.num_rows == 2
    assert [(r.row, r.reason) for r in rejects.first] == [(2, "document longer than 64 MiB")]


def test_missing_files_and_directories_without_logs(tmp_path: Path) -> None:
    assert "does not exist" in _complaint(tmp_path / "nowhere.jsonl")
    assert "does not exist" in _complaint(tmp_path / "*.parquet")
    (tmp_path / "notes.txt").write_text("hello")
    assert "holds no logs" in _complaint(tmp_path)


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_jsonl(tmp_path / "log.jsonl", [ROW])

    def deny(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", deny)
    assert "read permission" in _complaint(path)


def test_unknown_and_wrong_format(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "log.jsonl", [ROW])
    with pytest.raises(InputError, match="there is no log format 'xml': choose auto, otlp"):
        read(path, format="xml")
    for name in (entry.name for entry in FORMATS):
        if name != "jsonl":
            _complaint(path, format=name)


def test_directories_and_globs_mix_formats_in_stable_order(tmp_path: Path) -> None:
    (tmp_path / "day").mkdir()
    pq.write_table(_parquet(2), tmp_path / "day" / "b.parquet")
    write_jsonl(tmp_path / "day" / "a.jsonl.gz", [ROW])
    write_jsonl(tmp_path / "c.jsonl", [ROW, ROW])
    (tmp_path / "empty.jsonl").touch()
    (tmp_path / ".hidden.jsonl").write_text("no")
    (tmp_path / "_SUCCESS").touch()
    table, rejects, reader = read(tmp_path)
    assert table.num_rows == 5
    assert rejects.total == 0
    assert set(reader.files) == {"c.jsonl", "day/a.jsonl.gz", "day/b.parquet"}
    assert read(tmp_path)[0].equals(table)
    assert len(rows_of(str(tmp_path / "**" / "*.jsonl*"))) == 3
    assert len(rows_of(tmp_path / "c.jsonl", tmp_path / "c.jsonl")) == 2


def test_files_of_one_name_keep_their_rows_apart(tmp_path: Path) -> None:
    row = {k: v for k, v in ROW.items() if k != "event_id"}
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        write_jsonl(tmp_path / folder / "log.jsonl", [row])
    ids = [r["event_id"] for r in rows_of(tmp_path / "x/log.jsonl", tmp_path / "y/log.jsonl")]
    assert len(set(ids)) == 2


def test_formats_of_other_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jsonl = next(entry for entry in FORMATS if entry.name == "jsonl")
    mine = Format("mine", "a format of mine", lambda head: head.data.startswith(b"{"), jsonl.read)

    class Point:
        def load(self) -> Format:
            return mine

    monkeypatch.setattr(formats, "entry_points", lambda group: [Point()] if group else [])
    assert next(iter(known_formats(FORMATS))) == "mine"
    path = write_jsonl(tmp_path / "log.jsonl", [ROW])
    assert sum(b.num_rows for b in open_log([path], format="mine", rejects=Rejects())) == 1
    with pytest.raises(ConfigError, match="two log formats are called 'mine'"):
        known_formats((*FORMATS, mine))
