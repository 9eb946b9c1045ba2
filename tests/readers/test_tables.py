"""Tables in memory, fingerprints, accounts and identities."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch.errors import ConfigError, InputError
from stillwatch.events.identity import Identity, looks_like_secret
from stillwatch.events.readers import Rejects, open_arrow, open_log, read_accounts
from stillwatch.events.schema import ACCOUNTS, EVENTS, FINGERPRINTS

from .helpers import ROW, faults, read, rows_of, write_jsonl

KEY = Identity(b"0123456789abcdef")
SECRET = "sk-proj-Zm9vYmFyYmF6cXV4MTIzNDU2"  # noqa: S105  # an invented key

TABLE = pa.table(
    {
        "time": pa.array([datetime(2026, 5, 1, tzinfo=UTC)] * 3, pa.timestamp("us", "UTC")),
        "account_id": ["a", "b", "c"],
        "model": ["m"] * 3,
        "prompt": ["一", "二", "三"],
    }
)


def _frames() -> dict[str, Any]:
    return {
        "pyarrow": TABLE,
        "reader": pa.RecordBatchReader.from_batches(TABLE.schema, TABLE.to_batches()),
        "polars": pl.from_arrow(TABLE),
        "pandas": pd.DataFrame(TABLE.to_pydict()),
        "duckdb": duckdb.connect().from_arrow(TABLE),
    }


@pytest.mark.parametrize("kind", ["pyarrow", "reader", "polars", "pandas", "duckdb"])
def test_anything_with_an_arrow_stream(kind: str) -> None:
    reader = open_arrow(_frames()[kind], rejects=Rejects(), batch_rows=2)
    batches = list(reader)
    assert [b.num_rows for b in batches] == [2, 1]
    table = pa.Table.from_batches(batches)
    assert table.schema.equals(EVENTS)
    assert table["prompt"].to_pylist() == ["一", "二", "三"]
    assert table["event_id"].to_pylist() == ["table#1", "table#2", "table#3"]
    assert (reader.contract, reader.bytes_total) == ("events", 0)


def test_what_is_no_table() -> None:
    with pytest.raises(InputError, match="a list is no table"):
        open_arrow([1, 2], rejects=Rejects())


def _fingerprints(rows: int = 3) -> pa.Table:
    columns = []
    for field in FINGERPRINTS:
        if field.nullable:
            columns.append(pa.nulls(rows, field.type))
        elif pa.types.is_fixed_size_list(field.type):
            width = field.type.list_size
            columns.append(pa.array([[1] * width] * rows, field.type))
        elif pa.types.is_timestamp(field.type):
            columns.append(pa.array([datetime(2026, 5, 1, tzinfo=UTC)] * rows, field.type))
        else:
            values = ["x"] * rows if field.type == pa.string() else [1] * rows
            columns.append(pa.array(values, field.type))
    return pa.table(columns, schema=FINGERPRINTS)


@pytest.mark.parametrize("metadata", [True, False])
def test_fingerprints_are_told_by_metadata_or_columns(metadata: bool, tmp_path: Path) -> None:  # noqa: FBT001  # a parameter of the test
    table = _fingerprints() if metadata else _fingerprints().replace_schema_metadata(None)
    pq.write_table(table, tmp_path / "f.parquet")
    found, rejects, reader = read(tmp_path / "f.parquet")
    assert reader.contract == "fingerprints"
    assert found.equals(_fingerprints())
    assert found.schema.metadata == FINGERPRINTS.metadata
    assert rejects.total == 0
    assert open_arrow(table, rejects=Rejects()).contract == "fingerprints"


def test_fingerprints_that_went_through_duckdb(tmp_path: Path) -> None:
    pq.write_table(_fingerprints(), tmp_path / "f.parquet")
    duckdb.read_parquet(str(tmp_path / "f.parquet")).to_parquet(str(tmp_path / "g.parquet"))
    assert read(tmp_path / "g.parquet")[0].equals(_fingerprints())


def test_fingerprints_of_another_version_and_mixed_inputs(tmp_path: Path) -> None:
    other = _fingerprints().replace_schema_metadata({b"stillwatch.fingerprint_version": b"99"})
    pq.write_table(other, tmp_path / "other.parquet")
    with pytest.raises(InputError, match=r"other.parquet holds fingerprints of version 99"):
        read(tmp_path / "other.parquet")
    pq.write_table(_fingerprints(), tmp_path / "f.parquet")
    write_jsonl(tmp_path / "e.jsonl", [ROW])
    with pytest.raises(InputError, match="read them apart"):
        read(tmp_path / "f.parquet", tmp_path / "e.jsonl")
    pq.write_table(_fingerprints().drop_columns(["markers"]), tmp_path / "less.parquet")
    with pytest.raises(InputError, match=r"less.parquet holds fingerprints without markers"):
        read(tmp_path / "less.parquet")


def test_accounts_derived_from_api_keys(tmp_path: Path) -> None:
    rows = [
        {k: v for k, v in ROW.items() if k != "account_id"} | {"api_key": key}
        for key in (SECRET, "key-1", SECRET)
    ]
    path = write_jsonl(tmp_path / "log.jsonl", rows)
    found = rows_of(path, identity=KEY)
    assert [r["account_id"] for r in found] == [
        KEY.account_id(SECRET), KEY.account_id("key-1"), KEY.account_id(SECRET),
    ]  # fmt: skip
    assert [r["api_key_id"] for r in found] == [KEY.key_id(SECRET), "key-1", KEY.key_id(SECRET)]
    with pytest.raises(InputError, match="missing value in account_id"):
        read(path)


def test_api_keys_without_accounts_name_the_option(tmp_path: Path) -> None:
    table = TABLE.drop_columns(["account_id"]).append_column("api_key_id", pa.array(["k"] * 3))
    pq.write_table(table, tmp_path / "log.parquet")
    with pytest.raises(InputError, match="--account-from api-key"):
        read(tmp_path / "log.parquet")
    assert len(rows_of(tmp_path / "log.parquet", identity=KEY)) == 3


def test_a_raw_key_never_stays(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "log.jsonl", [ROW | {"api_key": SECRET}])
    plain, keyed = rows_of(path)[0], rows_of(path, identity=KEY)[0]
    for row in (plain, keyed):
        assert SECRET not in str(row)
        assert row["api_key_id"].startswith("key_")
        assert row["account_id"] == "acct-1"
    assert plain["api_key_id"] != keyed["api_key_id"]


def test_identity_needs_a_long_key() -> None:
    with pytest.raises(ConfigError, match="at least 16"):
        Identity(b"short")
    assert Identity(b"x" * 16).account_id("k") != Identity(b"y" * 16).account_id("k")


@pytest.mark.parametrize(
    ("value", "secret"),
    [
        (SECRET, True),
        ("sk-ant-api03-AbCdEfGh1234", True),
        ("Bearer sk-abcdefgh12345678", True),
        ("AIzaSyA1234567890abcdef", True),
        ("aB3" * 12, True),
        ("f" * 64, False),
        ("key-1", False),
        ("2f1c9a52-6f0d-4c0e-9f4e-1c2d3e4f5a6b", False),
        ("team-42", False),
    ],
)
def test_what_looks_like_a_secret(value: str, secret: bool) -> None:  # noqa: FBT001  # a parameter of the test
    assert looks_like_secret(value) is secret


ACCOUNT_ROWS = [
    {
        "account_id": "a",
        "created_at": "2026-01-02T03:04:05Z",
        "verified": True,
        "signup_asn": 64500,
    },
    {"account_id": "b", "created_at": "2026-01-02", "verified": False, "org_name": "学校"},
]


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet", "table"])
def test_accounts(kind: str, tmp_path: Path) -> None:
    source: Any = tmp_path / f"accounts.{kind}"
    columns = {n: [r.get(n) for r in ACCOUNT_ROWS] for n in ACCOUNTS.names}
    table = pa.table({n: v for n, v in columns.items() if any(i is not None for i in v)})
    if kind == "jsonl":
        write_jsonl(source, [{**row, "colour": 1} for row in ACCOUNT_ROWS])
    elif kind == "csv":
        pd.DataFrame(ACCOUNT_ROWS).to_csv(source, index=False)
    elif kind == "parquet":
        pq.write_table(table, source)
    else:
        source = table
    found = read_accounts(source)
    assert found.schema.equals(ACCOUNTS)
    rows = found.to_pylist()
    assert [r["account_id"] for r in rows] == ["a", "b"]
    assert rows[0]["created_at"] == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert [r["verified"] for r in rows] == [True, False]
    assert [r["signup_asn"] for r in rows] == [64500, None]
    assert rows[1]["org_name"] == "学校"


def test_accounts_with_faults(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", [*ACCOUNT_ROWS, {"account_id": None}, b"{"])
    with pytest.raises(InputError, match=r"a.jsonl row 4, as a whole: invalid JSON"):
        read_accounts(path)
    rejects = Rejects()
    assert read_accounts(path, rejects=rejects).num_rows == 2
    assert sorted(faults(rejects)) == [(3, "account_id", "missing value"), (4, "", "invalid JSON")]
    (tmp_path / "b.csv").write_text("name,plan\nx,y\n")
    with pytest.raises(InputError, match=r"b.csv is no accounts table"):
        read_accounts(tmp_path / "b.csv")
    (tmp_path / "c.csv").write_text("account_id,plan\n")
    with pytest.raises(InputError, match="holds no accounts"):
        read_accounts(tmp_path / "c.csv")
    with pytest.raises(InputError, match="a int is no accounts table"):
        read_accounts(3)


def test_a_log_is_read_with_progress(tmp_path: Path) -> None:
    pq.write_table(pa.concat_tables([TABLE] * 1000), tmp_path / "log.parquet", row_group_size=500)
    reader = open_log([tmp_path / "log.parquet"], rejects=Rejects(), batch_rows=500)
    done = [reader.bytes_done for _ in reader]
    assert done == sorted(done)
    assert done[0] < done[-1] < reader.bytes_total == reader.bytes_done
