"""`watch`, `judge` and `purge` from the command line."""

import json
import os
import signal
import subprocess
import sys
import time

import pyarrow.parquet as pq
import pytest

from stillwatch.cli.main import main
from tests.watch.watching import counts, event, held, write


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "logs").mkdir()
    return tmp_path


@pytest.fixture
def grouped(place, lines, small_log):
    """A log with campaigns, and its accounts."""
    write(place / "logs/a.jsonl", lines)
    pq.write_table(small_log.accounts, place / "accounts.parquet")
    return place


def test_a_watch_announces_as_json_and_a_person_decides(grouped, capsys):
    watch = ["watch", "logs", "--state", "state", "--accounts", "accounts.parquet", "--once"]
    assert main([*watch, "--json", "--quiet"]) == 0
    shown = capsys.readouterr()
    said = [json.loads(line) for line in shown.out.splitlines()]
    assert shown.err == ""
    assert {line["what"] for line in said} == {"new"}
    name = next(line["campaign_id"] for line in said if line["kind"] == "extraction")
    decide = ["judge", "state", name, "relabel", "--kind", "evaluation", "--by", "Ada", "--json"]
    assert main(decide) == 0
    shown = capsys.readouterr()
    assert f"{name} is named an evaluation by Ada on" in shown.err
    assert json.loads(shown.out)["campaign_id"] == name
    assert main(watch) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert f"{name}  is now an evaluation" in line
    campaigns = json.loads((grouped / "state/result/campaigns.json").read_text())
    assert [c["kind"] for c in campaigns if c["campaign_id"] == name] == ["evaluation"]
    assert main(["explain", f"state/result#{campaigns[0]['accounts'][0]}", "--json"]) == 0


def test_purge_removes_an_account(place, capsys):
    write(place / "logs/a.jsonl", [event(n, f"account-{n % 2}") for n in range(10)])
    assert main(["watch", "logs", "--state", "state", "--once", "--quiet"]) == 0
    assert main(["purge", "state", "--account", "account-1"]) == 0
    assert "removed 5 events from state" in capsys.readouterr().err
    assert counts(held(place / "state")) == {"account-0": 5}
    assert main(["judge", "state", "account-0", "confirm", "--by", "Ada"]) == 1
    assert "state has no result yet" in capsys.readouterr().err
    assert main(["judge", "state", "account-0", "confirm", "--by", " "]) == 2
    assert "name who decides" in capsys.readouterr().err
    assert main(["purge", "state", "--account", "account-1"]) == 1
    assert "holds nothing of account-1" in capsys.readouterr().err
    assert main(["purge", "state"]) == 2
    assert main(["purge", "nowhere", "--window"]) == 1
    assert "nowhere holds no state" in capsys.readouterr().err


def test_what_makes_no_sense_is_one_line(place, capsys):
    write(place / "logs/a.jsonl", [event(1)])
    for words, said in (
        (["watch", "absent", "--state", "state"], "absent is no folder"),
        (["watch", "redis://h/0?group=g", "--state", "state"], "names no stream"),
        (["watch", "logs", "--state", "logs/state"], "lies inside"),
        (["judge", "logs", "x", "confirm", "--by", "Ada"], "holds no scan result"),
    ):
        assert main([*words, "--quiet"]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert said in line
    assert main(["watch", "logs", "--state", "state", "--window", "soon"]) == 2


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_a_stopped_watch_commits_what_it_read(place, number, code):
    write(place / "logs/a.jsonl", [event(n) for n in range(7)])
    words = ["watch", "logs", "--state", "state", "--batch", "0.1", "--every", "60"]
    running = subprocess.Popen(
        [sys.executable, "-m", "stillwatch", *words],
        cwd=place,
        env={**os.environ, "HOME": str(place)},
        stderr=subprocess.PIPE,
        text=True,
    )
    while not list(place.glob("state/segments/*")):
        assert running.poll() is None
        time.sleep(0.02)
    running.send_signal(number)
    _, said = running.communicate(timeout=60)
    assert running.returncode == code
    assert said.splitlines()[-1].startswith("stopped; what was read is kept")
    assert counts(held(place / "state")) == {"a": 7}
