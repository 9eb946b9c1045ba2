"""The relational steps: the same population whatever the engine and the order of rows and files."""

import os
import signal
import threading
from collections import Counter
from contextlib import contextmanager
from itertools import pairwise
from math import log1p

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch.detect.engines.gather import align
from stillwatch.detect.engines.job import Job
from stillwatch.detect.engines.local import LocalEngine
from stillwatch.detect.engines.spool import ROWS_PER_FILE, write_spool
from stillwatch.detect.engines.sql import USED_COLUMNS
from stillwatch.detect.features import Family
from stillwatch.detect.progress import Silent
from stillwatch.errors import StorageError
from stillwatch.events.key import Key
from stillwatch.events.period import Period
from stillwatch.events.readers import Rejects
from stillwatch.events.schema import ACCOUNTS, FINGERPRINTS, SKETCH
from tests.signals.build import event, mixed_events

ENGINES = ("local", "spark")
NARROW = "24MB"
"""Memory in which an engine must spill to count the words of `many_words`."""
COPIES = 3
"""Rows of the log that stand in it twice."""


def told(table):
    """The log with a client's name, a TLS fingerprint, completions that are asked again, copies."""
    rows = table.to_pylist()
    for number, row in enumerate(rows):
        row["event_id"] = str(number)
        row["tls_fingerprint"] = f"t13d{number % 7}" if number % 3 else None
        row["client"], row["client_name"] = number % 5, f"client-{number % 5}"
        row["input_tokens"] = number % 900
        row["completion_passages"] = [number % 50 + 1, number % 50 + 2, *[0] * 6]
        row["passages"] = [(number + 25) % 60 + 1, (number + 25) % 60 + 2, *[0] * 6]
        row["system"] = 2**64 - 1 - number % 4
    rows += [row | {"client": 9, "client_name": None} for row in rows[:COPIES]]
    return pa.Table.from_pylist(rows, schema=FINGERPRINTS)


@pytest.fixture(scope="module")
def fingerprints():
    return told(
        pa.Table.from_pylist(
            mixed_events(np.random.default_rng(5), accounts=60), schema=FINGERPRINTS
        )
    )


@contextmanager
def local(table, folder, *, files=1, threads=1, memory="500MB"):
    folder.mkdir(parents=True)
    paths = []
    for number, rows in enumerate(np.array_split(np.arange(table.num_rows), files)):
        paths.append(folder / f"{number}.parquet")
        pq.write_table(table.take(pa.array(rows)), paths[-1])
    with LocalEngine(paths, folder, memory_limit=memory, threads=threads) as engine:
        yield engine


@contextmanager
def spark_engine(table, folder):
    from stillwatch.detect.engines.spark.reading import open_spark  # noqa: PLC0415 - an extra

    folder.mkdir(parents=True)
    pq.write_table(table, folder / "fingerprints.parquet", row_group_size=700)
    with open_spark(job(folder), None, {}) as opened, opened.engine as engine:
        assert opened.events == table.num_rows
        yield engine


def job(events, **given):
    wanted = {
        "format": "auto",
        "key": Key.public(),
        "networks": None,
        "identity": None,
        "period": Period(),
        "rejects": Rejects(),
        "progress": Silent(),
    }
    return Job(events, **(wanted | given))


def everything(engine):
    counted = {
        f"{name}.{field}": getattr(counts, field)
        for name, counts in engine.features().items()
        for field in ("account", "value", "count", "held_out")
    }
    found = {
        "profiles": engine.profiles(),
        "pace": engine.pace(),
        "readable": engine.readable(),
        "repeated": engine.repeated(),
    }
    for part in (engine.sketches(), engine.hourly(), engine.models()):
        counted |= {f"{type(part).__name__}.{k}": v for k, v in vars(part).items()}
    return found, counted


@pytest.fixture(scope="module")
def reference(fingerprints, tmp_path_factory):
    with local(fingerprints, tmp_path_factory.mktemp("local") / "x") as engine:
        return everything(engine)


@pytest.fixture(scope="module", params=ENGINES)
def answers(request, fingerprints, reference, tmp_path_factory):
    """What each engine says of the same fingerprints."""
    if request.param == "local":
        return reference
    request.getfixturevalue("spark")
    with spark_engine(fingerprints, tmp_path_factory.mktemp("spark") / "x") as engine:
        return everything(engine)


def same(first, second):
    (tables, columns), (others, more) = first, second
    assert tables == others
    assert columns.keys() == more.keys()
    for name, column in columns.items():
        np.testing.assert_array_equal(column, more[name], err_msg=name)
        assert np.asarray(column).dtype == np.asarray(more[name]).dtype, name


def test_engines_agree_to_the_bit(answers, reference):
    same(answers, reference)


@pytest.mark.parametrize(("files", "threads"), [(1, 1), (3, 2)])
def test_neither_order_nor_files_nor_threads_matter(
    fingerprints, reference, tmp_path, files, threads
):
    order = np.random.default_rng(files).permutation(fingerprints.num_rows)
    shuffled = fingerprints.take(pa.array(order))
    with local(shuffled, tmp_path / "b", files=files, threads=threads) as engine:
        same(everything(engine), reference)


@pytest.fixture(scope="module")
def many_words(fingerprints):
    """Events whose words need more memory to be counted than the tests below give."""
    rows = fingerprints.take(pa.array(np.resize(np.arange(fingerprints.num_rows), 60_000)))
    tokens = np.random.default_rng(3).integers(1, 2**32, 60_000 * SKETCH, np.uint32)
    field = FINGERPRINTS.field("sketch")
    sketch = pa.FixedSizeListArray.from_arrays(pa.array(tokens), SKETCH)
    return rows.set_column(FINGERPRINTS.get_field_index("sketch"), field, sketch)


def test_what_does_not_fit_into_memory_is_spilled(many_words, tmp_path):
    with local(many_words, tmp_path / "roomy") as engine:
        expected = engine.sketches()
    with local(many_words, tmp_path / "narrow", memory=NARROW) as engine:
        found = engine.sketches()
    for name in ("account", "value", "count", "held_out"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


def test_a_full_disk_is_one_clear_line(many_words, tmp_path):
    with local(many_words, tmp_path / "full", memory=NARROW) as engine:
        engine._db.execute("SET max_temp_directory_size = '1MB'")
        with pytest.raises(StorageError, match="set TMPDIR to a disk with room"):
            engine.sketches()


def test_ctrl_c_ends_a_query(fingerprints, tmp_path):
    endless = "SELECT count(*) AS n FROM range(100000000) AS a(x), range(100000) AS b(y)"
    with local(fingerprints, tmp_path / "stopped") as engine:
        pressed = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
        pressed.start()
        with pytest.raises(KeyboardInterrupt):
            engine._fetch(f"{endless} WHERE x % 7 = y % 5", pa.schema([("n", pa.int64())]), [])


def test_counts_are_those_of_a_naive_count(answers, fingerprints):
    rows = fingerprints.to_pylist()
    ids = sorted({row["account_id"] for row in rows})
    expected: dict[tuple[int, int], list[int]] = {}
    for row in rows:
        cell = expected.setdefault((ids.index(row["account_id"]), row["template"]), [0, 0])
        cell[0] += 1
        cell[1] += int(row["time"].timestamp()) // 3600 % 2
    found, counted = answers
    assert found["profiles"]["account_id"].to_pylist() == ids
    account, value, count, held = (
        counted[f"{Family.TEMPLATE}.{field}"].tolist()
        for field in ("account", "value", "count", "held_out")
    )
    keys = list(zip(account, value, strict=True))
    assert keys == sorted(expected)
    assert [[n, h] for n, h in zip(count, held, strict=True)] == [expected[key] for key in keys]
    assert sum(count) == len(rows)


def test_gaps_are_those_of_a_naive_walk(answers, fingerprints):
    times: dict[str, list[float]] = {}
    for row in fingerprints.to_pylist():
        times.setdefault(row["account_id"], []).append(row["time"].timestamp())
    pace = answers[0]["pace"].to_pylist()
    for account, row in zip(sorted(times), pace, strict=True):
        gaps = [b - a for a, b in pairwise(sorted(times[account]))]
        assert row["gaps"] == len(gaps)
        assert row["log_gap_sum"] == pytest.approx(
            sum(map(log1p, gaps)), abs=1e-6 * len(gaps) + 1e-9
        )
        modes = Counter(np.floor(np.array(gaps) + 0.5).tolist())
        assert row["gaps_at_mode"] == max(modes.values(), default=0)


def test_echoes_are_those_of_a_naive_search(answers, fingerprints):
    rows = fingerprints.to_pylist()

    def since(column):
        first = {}
        for row in rows:
            for passage in set(row[column]) - {0}:
                first[passage] = min(first.get(passage, row["time"]), row["time"])
        return first

    asked, answered = since("passages"), since("completion_passages")
    returned = {p for p in asked if p in answered and answered[p] < asked[p]}
    echoes = Counter(r["account_id"] for r in rows if sum(p in returned for p in r["passages"]) > 1)
    ids = sorted({row["account_id"] for row in rows})
    assert answers[0]["pace"]["echoes"].to_pylist() == [echoes[name] for name in ids]
    assert echoes


def test_copies_are_counted_and_harmless_texts_readable(answers):
    found, counted = answers
    assert found["repeated"] == COPIES
    assert found["readable"][Family.CLIENT, 3] == "client-3"
    assert (Family.CLIENT, 9) not in found["readable"]
    values = set(counted[f"{Family.TLS}.value"].tolist())
    texts = {text for (family, _), text in found["readable"].items() if family == Family.TLS}
    assert texts == {f"t13d{n}" for n in range(7)}
    assert {value for family, value in found["readable"] if family == Family.TLS} == values


def test_the_queries_read_the_columns_that_they_say(fingerprints, tmp_path):
    """An engine may keep no other column."""
    with local(fingerprints.select(list(USED_COLUMNS)), tmp_path / "few") as engine:
        everything(engine)


def test_a_path_with_a_quote_is_read(tmp_path):
    table = pa.Table.from_pylist([event("a")], schema=FINGERPRINTS)
    with local(table, tmp_path / "it's") as engine:
        assert engine.profiles()["events"].to_pylist() == [1]


def test_events_with_the_id_of_another_are_counted(tmp_path):
    ids = ["1", "2", "1", "1", "3", "2"]
    rows = [event("a", number) | {"event_id": name} for number, name in enumerate(ids)]
    table = pa.Table.from_pylist(rows, schema=FINGERPRINTS)
    with local(table, tmp_path / "once") as engine:
        assert engine.repeated() == 3
    with local(pa.concat_tables([table, table]), tmp_path / "twice") as engine:
        assert engine.repeated() == 9


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
    kept = pa.concat_tables([pq.read_table(f) for f in files])
    assert set(kept.column_names) == set(USED_COLUMNS)
    assert kept.equals(fingerprints.select(kept.column_names))
