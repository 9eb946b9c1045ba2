"""Folders that grow, standard input and Redis: every row once, whatever happens to the source."""

import gzip
import json
import os
import shutil
import threading
import time
from contextlib import contextmanager
from io import BytesIO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch.detect.watch.sources import tail
from stillwatch.detect.watch.sources.base import whole_lines
from stillwatch.detect.watch.sources.folder import Folder
from stillwatch.detect.watch.start import open_source, watch
from stillwatch.detect.watch.state import open_state
from stillwatch.detect.watch.watch import Pace
from stillwatch.errors import ConfigError, InputError, PeerError
from stillwatch.events.fingerprint import fingerprint_batch
from stillwatch.events.key import Key
from stillwatch.events.readers import Rejects, open_log
from tests.watch.watching import Told, counts, event, held, once, write

HEADER = "time,account_id,model,prompt"


@pytest.fixture
def place(tmp_path):
    (tmp_path / "logs").mkdir()
    return tmp_path


def read(place, **options):
    told = once(place / "logs", place / "state", **options)
    return told, counts(held(place / "state"))


def csv_row(number, account="a"):
    return f'2026-03-01T00:{number:02d}:00Z,{account},m,"Say ""{number}"",\nplease"'


def test_lines_are_read_as_they_are_appended_and_half_lines_when_they_are_whole(place):
    log = place / "logs/a.jsonl"
    write(log, [event(n) for n in range(3)])
    os.utime(log)
    with log.open("a") as file:
        file.write(event(3)[:40])
    told = Told()
    end = time.monotonic() + 0.3
    watch(
        str(place / "logs"),
        place / "state",
        listener=told,
        pace=Pace(0.05, 60, 1),
        stop=lambda: time.monotonic() > end,
    )
    assert counts(held(place / "state")) == {"a": 3}
    with log.open("a") as file:
        file.write(event(3)[40:])
    assert read(place)[1] == {"a": 4}
    assert told.statuses[-1].events == 3


def test_csv_is_cut_only_between_records_and_row_numbers_go_on(place):
    log = place / "logs/a.csv"
    write(log, [HEADER, *[csv_row(n) for n in range(5)]])
    assert read(place)[1] == {"a": 5}
    write(log, [csv_row(n, "b") for n in range(4)])
    assert read(place)[1] == {"a": 5, "b": 4}
    ids = held(place / "state")["event_id"].to_pylist()
    assert sorted(ids) == sorted(f"a.csv#{n}" for n in range(1, 10))


def test_rotated_replaced_and_cut_logs_are_read_once_to_their_end(place):
    log = place / "logs/app.log"

    def plain(account, numbers):
        rows = [json.loads(event(n, account)) for n in numbers]
        for row in rows:
            del row["event_id"]
        return [json.dumps(row) for row in rows]

    write(log, plain("first", range(5)))
    read(place)
    write(log, plain("first", range(5, 8)))
    log.rename(place / "logs/app.log.1")
    write(log, plain("second", range(4)))
    assert read(place)[1] == {"first": 8, "second": 4}
    write(log, plain("third", range(2)), mode="w")  # cut to nothing and written anew
    assert read(place)[1] == {"first": 8, "second": 4, "third": 2}
    log.unlink()
    write(log, plain("fourth", range(9)))
    assert read(place)[1] == {"first": 8, "second": 4, "third": 2, "fourth": 9}


def test_files_without_lines_are_read_when_they_are_whole(place):
    rows = [json.loads(event(n, "p")) for n in range(20)]
    whole = BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), whole)
    half = place / "logs/a.parquet"
    half.write_bytes(whole.getvalue()[:700])
    zipped = gzip.compress("".join(f"{event(n, 'z')}\n" for n in range(100, 110)).encode())
    (place / "logs/b.jsonl.gz").write_bytes(zipped[:-20])
    (place / "logs/c.json").write_text("[" + ",".join(event(n, "j") for n in range(200, 203)) + "]")
    told, found = read(place)
    assert found["j"] == 3
    assert "p" not in found
    assert any("a.parquet" in m and "tried again" in m for m in told.messages)
    assert any("b.jsonl.gz" in m for m in told.messages)
    half.write_bytes(whole.getvalue())
    (place / "logs/b.jsonl.gz").write_bytes(zipped)
    assert read(place)[1] == {"p": 20, "z": 10, "j": 3}
    assert read(place)[1] == {"p": 20, "z": 10, "j": 3}


def test_fingerprints_are_taken_as_they_are_if_the_key_is_the_same(place):
    write(place / "events.jsonl", [event(n) for n in range(4)])
    key = Key.from_secret(b"a secret of sixteen bytes")
    (batch,) = open_log([place / "events.jsonl"], rejects=Rejects())
    made = pa.Table.from_batches([fingerprint_batch(batch, key)])
    named = {**made.schema.metadata, b"stillwatch.key_id": key.id.encode()}
    pq.write_table(made.replace_schema_metadata(named), place / "logs/prints.parquet")
    with pytest.raises(InputError, match="another key"):
        read(place)
    shutil.rmtree(place / "state")
    assert read(place, key=key)[1] == {"a": 4}
    assert held(place / "state")["template"].equals(made["template"])


def test_a_file_that_is_no_log_stops_nobody_and_is_told_once(place):
    (place / "logs/diary.log").write_text("Dear diary,\nnothing happened.\n")
    (place / "logs/batch.jsonl").write_text(
        '{"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": {}}\n'
    )
    write(place / "logs/z.jsonl", [event(1), "not JSON", event(2)])
    told, found = read(place)
    assert found == {"a": 2}
    assert sum("diary.log" in message for message in told.messages) == 1
    assert any("scan them together" in message for message in told.messages)


def folder(place, messages):
    options = {"identity": None, "log_format": "auto", "once": False, "stop": lambda: False}
    source = Folder(place / "logs", say=messages.append, **options)
    source.open({})
    return source


def test_a_folder_that_goes_away_is_told_once_and_read_when_it_is_back(place):
    messages: list[str] = []
    source = folder(place, messages)
    (place / "logs").rename(place / "away")
    assert [source.take(0.0), source.take(0.0)] == [None, None]
    assert len(messages) == 1
    assert "is gone: put it back" in messages[0]
    write(place / "away/a.jsonl", [event(1)])
    (place / "away").rename(place / "logs")
    assert source.take(0.0).rows == 1


def test_a_folder_below_that_goes_away_while_it_is_looked_at_stops_nobody(place, monkeypatch):
    write(place / "logs/a.jsonl", [event(1)])
    (place / "logs/day").mkdir()
    listed = os.scandir

    def racing(path):
        if os.fspath(path).endswith("day"):
            (place / "logs/day").rmdir()
        return listed(path)

    monkeypatch.setattr(os, "scandir", racing)
    assert folder(place, []).take(0.0).rows == 1
    assert not (place / "logs/day").exists()


def test_lines_end_outside_quotes():
    assert whole_lines(b"", quoted=True) == 0
    assert whole_lines(b"a\nb", quoted=False) == 2
    assert whole_lines(b'x,"a\nb"\ny', quoted=True) == 8


@contextmanager
def piped(monkeypatch):
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb") as stream, os.fdopen(write_end, "wb", buffering=0) as out:
        monkeypatch.setattr("sys.stdin", type("In", (), {"buffer": stream}))
        yield out


def test_standard_input_is_read_to_its_end_and_a_replay_counts_once(tmp_path, monkeypatch):
    for first, last in ((0, 10), (5, 20)):
        with piped(monkeypatch) as out:
            out.write("\n".join(event(n) for n in range(first, last)).encode())
            out.close()
            watch("-", tmp_path / "state", listener=Told(), pace=Pace(0.05, 0.1, 0.1))
    assert sorted(held(tmp_path / "state")["event_id"].to_pylist()) == sorted(
        f"e{n}" for n in range(20)
    )


def test_a_bad_row_on_standard_input_is_only_one_wherever_a_batch_begins(monkeypatch):
    options = {"identity": None, "log_format": "auto", "once": False, "stop": lambda: False}
    with piped(monkeypatch) as out:
        source = open_source("-", say=print, **options)
        source.open({})
        for text, rows, rejected in (
            (event(1), 1, []),
            (f"garbage\n{event(2)}", 1, [2]),
            ('"no object"', 0, [4]),
        ):
            out.write(f"{text}\n".encode())
            taken = source.take(0.0)
            assert sum(batch.num_rows for batch in taken.events) == rows
            assert [reject.row for reject in taken.rejects] == rejected


def test_with_a_named_format_a_bad_first_line_is_only_one(place, monkeypatch):
    lines = ["garbage", *(event(n) for n in range(9))]
    monkeypatch.setattr(tail, "CHUNK_BYTES", 2 * len(lines[-1]))
    write(place / "logs/a.jsonl", lines)
    told, found = read(place)
    assert not found
    assert "name its format with --format" in told.messages[0]
    assert read(place, log_format="jsonl")[1] == {"a": 9}
    with piped(monkeypatch) as out:
        out.write("\n".join(lines).encode())
        out.close()
        watch("-", place / "piped", listener=Told(), log_format="jsonl", pace=Pace(0.05, 0.1, 0.1))
    assert counts(held(place / "piped")) == {"a": 9}
    for folder in ("state", "piped"):
        state, _ = open_state(place / folder, None)
        with state:
            assert [reject.row for reject in state.rejected()] == [1]


@pytest.mark.parametrize("data", [b"time,account_id,model,prompt\n", b"PAR1\x15\x04\n", b"hello\n"])
def test_standard_input_that_is_no_json_lines_is_one_clear_line(tmp_path, monkeypatch, data):
    with piped(monkeypatch) as out:
        out.write(data)
        out.close()
        with pytest.raises(InputError, match="does not begin with a JSON object"):
            watch("-", tmp_path / "state", listener=Told())
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(InputError, match="standard input is closed"):
        watch("-", tmp_path / "state", listener=Told())


def test_an_unknown_format_is_refused_before_anything_is_read(place):
    with pytest.raises(ConfigError, match="no log format 'xml': choose auto"):
        read(place, log_format="xml")
    assert not (place / "state").exists()


def add(client, rows, stream="events"):
    pipe = client.pipeline()
    for row in rows:
        pipe.xadd(stream, row)
    pipe.execute()


def test_redis_entries_hold_an_event_or_its_columns(redis_server, tmp_path):
    flat = {k: str(v) for k, v in json.loads(event(2, "flat", output_tokens=7)).items()}
    del flat["event_id"]
    with redis_server.client() as client:
        add(client, [{"event": event(1)}, flat, {"event": "no JSON"}, {"event": event(3)}])
    once(redis_server.url(), tmp_path / "state")
    found = held(tmp_path / "state")
    assert counts(found) == {"a": 2, "flat": 1}
    assert (
        found.filter(pa.compute.equal(found["account_id"], "flat"))["output_tokens"][0].as_py() == 7
    )
    with redis_server.client() as client:
        assert client.xpending("events", "watch")["pending"] == 0
        add(client, [{"event": event(n)} for n in range(10, 15)])
    once(redis_server.url(), tmp_path / "state")
    assert counts(held(tmp_path / "state")) == {"a": 7, "flat": 1}


def test_redis_entries_that_were_delivered_and_lost_come_again(redis_server, tmp_path):
    with redis_server.client() as client:
        add(client, [{"event": event(n)} for n in range(10)])
        client.xgroup_create("events", "watch", "0")
        client.xreadgroup("watch", "stillwatch", {"events": ">"}, count=4)  # and then a crash
        assert client.xpending("events", "watch")["pending"] == 4
        once(redis_server.url(), tmp_path / "state")
        assert client.xpending("events", "watch")["pending"] == 0
    assert counts(held(tmp_path / "state")) == {"a": 10}


def test_a_watch_outlives_an_outage_of_redis(redis_server, tmp_path):
    told, stop = Told(), threading.Event()
    thread = threading.Thread(
        target=watch,
        args=(redis_server.url(), tmp_path / "state"),
        kwargs={"listener": told, "pace": Pace(0.05, 60, 0.1), "stop": stop.is_set},
    )
    with redis_server.client() as client:
        add(client, [{"event": event(n)} for n in range(5)])
    thread.start()
    until_true(lambda: told.statuses and told.statuses[-1].events == 5)
    redis_server.stop()
    until_true(lambda: any("does not answer" in message for message in told.messages))
    redis_server.start()
    until_true(lambda: any("answers again" in message for message in told.messages))
    with redis_server.client() as client:
        add(client, [{"event": event(n)} for n in range(3, 9)])
    until_true(lambda: told.statuses[-1].events == 9)
    stop.set()
    thread.join(timeout=30)
    assert not thread.is_alive()
    assert counts(held(tmp_path / "state")) == {"a": 9}


def until_true(condition):
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_an_address_that_cannot_be_used_is_one_clear_line(tmp_path):
    with pytest.raises(ConfigError, match="names no group"):
        once("redis://localhost:1/0?stream=events", tmp_path / "state")
    with pytest.raises(PeerError, match="does not answer"):
        once(f"unix://{tmp_path}/none.sock?stream=s&group=g", tmp_path / "state")
    with pytest.raises(InputError, match="is no folder"):
        once(tmp_path / "absent", tmp_path / "state")
