"""The relational steps: the same population whatever the order of rows, files and threads."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch.detect.engines.gather import align
from stillwatch.detect.engines.local import LocalEngine
from stillwatch.detect.engines.spool import ROWS_PER_FILE, write_spool
from stillwatch.detect.features import Family
from stillwatch.events.schema import ACCOUNTS, FINGERPRINTS
from tests.signals.build import event, mixed_events


@pytest.fixture(scope="module")
def fingerprints():
    events = mixed_events(np.random.default_rng(5), accounts=60)
    return pa.Table.from_pylist(events, schema=FINGERPRINTS)


def everything(table, folder, *, files=1, threads=1):
    folder.mkdir()
    paths = []
    for number, rows in enumerate(np.array_split(np.arange(table.num_rows), files)):
        paths.append(folder / f"{number}.parquet")
        pq.write_table(table.take(pa.array(rows)), paths[-1])
    with LocalEngine(paths, folder, memory_limit="500MB", threads=threads) as engine:
        counted = {
            f"{name}.{field}": getattr(counts, field)
            for name, counts in engine.features().items()
            for field in ("account", "value", "count", "held_out")
        }
        found = [engine.profiles(), engine.pace(), engine.readable()]
        for part in (engine.sketches(), engine.hourly(), engine.models()):
            counted |= {f"{type(part).__name__}.{k}": v for k, v in vars(part).items()}
    return found, counted


@pytest.mark.parametrize(("files", "threads"), [(1, 1), (3, 2)])
def test_neither_order_nor_files_nor_threads_matter(fingerprints, tmp_path, files, threads):
    order = np.random.default_rng(files).permutation(fingerprints.num_rows)
    tables, columns = everything(fingerprints, tmp_path / "a")
    shuffled = fingerprints.take(pa.array(order))
    again, others = everything(shuffled, tmp_path / "b", files=files, threads=threads)
    assert tables == again
    assert columns.keys() == others.keys()
    for name, column in columns.items():
        np.testing.assert_array_equal(column, others[name], err_msg=name)


def test_counts_are_those_of_a_naive_count(fingerprints, tmp_path):
    rows = fingerprints.to_pylist()
    ids = sorted({row["account_id"] for row in rows})
    expected: dict[tuple[int, int], list[int]] = {}
    for row in rows:
        cell = expected.setdefault((ids.index(row["account_id"]), row["template"]), [0, 0])
        cell[0] += 1
        cell[1] += int(row["time"].timestamp()) // 3600 % 2
    with LocalEngine(
        [_written(fingerprints, tmp_path)], tmp_path, memory_limit="500MB", threads=1
    ) as engine:
        counts = engine.features()[Family.TEMPLATE]
        assert engine.profiles()["account_id"].to_pylist() == ids
    keys = list(zip(counts.account.tolist(), counts.value.tolist(), strict=True))
    assert keys == sorted(expected)
    assert [[n, held] for n, held in zip(counts.count, counts.held_out, strict=True)] == [
        expected[key] for key in keys
    ]
    both = counts.half(held_out=True).count.sum() + counts.half(held_out=False).count.sum()
    assert both == counts.count.sum() == len(rows)


def _written(table, folder):
    path = folder / "fingerprints.parquet"
    pq.write_table(table, path)
    return path


def test_a_path_with_a_quote_is_read(tmp_path):
    folder = tmp_path / "it's"
    folder.mkdir()
    table = pa.Table.from_pylist([event("a")], schema=FINGERPRINTS)
    with LocalEngine([_written(table, folder)], folder, memory_limit="500MB", threads=1) as engine:
        assert engine.profiles()["events"].to_pylist() == [1]


def test_events_with_the_id_of_another_are_counted(tmp_path):
    ids = ["1", "2", "1", "1", "3", "2"]
    rows = [event("a", number) | {"event_id": name} for number, name in enumerate(ids)]
    table = pa.Table.from_pylist(rows, schema=FINGERPRINTS)
    path = _written(table, tmp_path)
    with LocalEngine([path], tmp_path, memory_limit="500MB", threads=1) as engine:
        assert engine.repeated() == 3
    with LocalEngine([path, path], tmp_path, memory_limit="500MB", threads=1) as engine:
        assert engine.repeated() == 9


def test_clients_and_tls_fingerprints_are_readable(tmp_path):
    rows = [
        event("a", client=5, client_name="openai-python", tls_fingerprint="t13d1516h2"),
        event("b", 3.0, client=6),
    ]
    table = pa.Table.from_pylist(rows, schema=FINGERPRINTS)
    with LocalEngine(
        [_written(table, tmp_path)], tmp_path, memory_limit="500MB", threads=1
    ) as engine:
        readable, features = engine.readable(), engine.features()
    assert readable[Family.CLIENT, 5] == "openai-python"
    assert (Family.CLIENT, 6) not in readable
    (value,) = features[Family.TLS].value.tolist()
    assert readable[Family.TLS, value] == "t13d1516h2"


def test_accounts_are_aligned_with_nulls_for_those_not_listed():
    rows = [
        {"account_id": "c", "plan": "pro"},
        {"account_id": "a", "plan": "free"},
        {"account_id": "stranger", "plan": "free"},
        {"account_id": "a", "plan": "listed twice"},
    ]
    table = pa.Table.from_pylist(rows, schema=ACCOUNTS)
    found = align(table, pa.chunked_array([["a", "b", "c"]]))
    assert found["account_id"].to_pylist() == ["a", "b", "c"]
    assert found["plan"].to_pylist() == ["free", None, "pro"]
    assert found.schema.names == ACCOUNTS.names


def test_the_spool_splits_files_and_keeps_every_row(fingerprints, tmp_path, monkeypatch):
    monkeypatch.setattr("stillwatch.detect.engines.spool.ROWS_PER_FILE", 500)
    batches = fingerprints.to_batches(max_chunksize=200)
    files, rows = write_spool(batches, tmp_path)
    assert rows == fingerprints.num_rows
    assert len(files) > 1
    assert ROWS_PER_FILE > 500
    assert pa.concat_tables([pq.read_table(f) for f in files]).equals(fingerprints)
