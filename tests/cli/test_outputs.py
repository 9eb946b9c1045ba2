"""Files that nobody asked to lose: commands replace only what they wrote themselves."""

import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch.cli.main import main
from stillwatch.simulate import simulate, write_traffic

LOG = """\
event_id,time,account_id,model,prompt
e1,2026-03-01T00:00:00Z,a,m,Hello
e2,2026-03-01T00:00:01Z,b,m,Hello there
"""
SIMULATE = ("simulate", "--scenario", "benign", "--scale", "small")


@pytest.fixture
def home(tmp_path, monkeypatch):
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "STILLWATCH_KEY_FILE", "STILLWATCH_LISTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folder = tmp_path / "logs"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "log.csv").write_text(LOG)
    return folder


def refused(capsys, *words):
    capsys.readouterr()
    assert main([*words, "--quiet"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    return line


def contents(folder):
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize(
    ("logs", "out"),
    [
        ("log.csv", "log.csv"),
        ("log.csv", "./../logs/log.csv"),
        ("log.csv", "link.csv"),
        ("link.csv", "log.csv"),
        (".", "log.csv"),
        ("*.csv", "log.csv"),
        ("new.rejected.jsonl", "new"),
    ],
)
def test_ingest_never_writes_over_a_log(home, capsys, logs, out):
    (home / "link.csv").symlink_to("log.csv")
    shutil.copy(home / "log.csv", home / "new.rejected.jsonl")
    before = contents(home)
    line = refused(capsys, "ingest", logs, "--out", out)
    assert "is one of the logs" in line
    assert "give another --out" in line
    assert contents(home) == before
    assert not (home.parent / "home").exists()  # not even a key was made


def test_ingest_replaces_only_what_it_wrote(home, capsys):
    (home / "notes.txt").write_text("mine")
    pq.write_table(pa.table({"a": [1]}), home / "mine.parquet")
    for name in ("notes.txt", "mine.parquet"):
        before = contents(home)
        line = refused(capsys, "ingest", "log.csv", "--out", name)
        assert f"{name} exists" in line
        assert "give another --out" in line
        assert contents(home) == before
    for words in ((), ("--keep-prompts",), ()):
        assert main(["ingest", "log.csv", "--out", "own.parquet", *words]) == 0
    assert main(["ingest", "own.parquet", "--out", "joined.parquet"]) == 0
    assert main(["ingest", "own.parquet", "--out", "joined.parquet"]) == 0


def test_simulate_replaces_only_what_it_wrote(home, capsys):
    (home / "mine").mkdir()
    (home / "mine/events.parquet").write_bytes(b"mine")
    before = contents(home)
    line = refused(capsys, *SIMULATE, "--out", "mine")
    assert "mine is not empty" in line
    assert "give --out a new folder" in line
    (home / "mine/scenario.json").write_text('{"scenario": "a play"}')
    assert "mine is not empty" in refused(capsys, *SIMULATE, "--out", "mine")
    (home / "mine/scenario.json").unlink()
    assert contents(home) == before
    (home / "demo/traffic").mkdir(parents=True)
    (home / "demo/traffic/events.parquet").write_bytes(b"mine")
    assert "demo/traffic is not empty" in refused(capsys, "demo", "--scale", "small")


def test_an_interrupted_simulation_leaves_what_was_there(tmp_path):
    traffic = simulate("benign", seed=1)

    def stop(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_traffic(traffic, tmp_path / "new", stop)
    assert not (tmp_path / "new").exists()
    count = write_traffic(traffic, tmp_path / "old")
    (tmp_path / "old/result").mkdir()
    (tmp_path / "old/result/report.html").write_text("mine")
    before = contents(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        write_traffic(simulate("benign", seed=2), tmp_path / "old", stop)
    assert contents(tmp_path) == before
    write_traffic(simulate("benign", seed=2), tmp_path / "old")
    after = contents(tmp_path)
    assert after.keys() == before.keys()
    assert {p.name for p in after if after[p] == before[p]} == {"report.html"}
    assert write_traffic(traffic, tmp_path / "old") == count
    assert contents(tmp_path) == before


@pytest.mark.usefixtures("home")
def test_seeds_and_scales_that_do_not_exist_are_refused(capsys):
    line = refused(capsys, *SIMULATE, "--seed", "99999999999999999999999", "--out", "x")
    assert "give a whole number below" in line
    assert "no scale 'nope'" in refused(capsys, "demo", "--scale", "nope")


@pytest.mark.usefixtures("home")
def test_a_folder_of_lists_that_was_named_must_hold_lists(capsys, monkeypatch):
    for words in (("ingest", "log.csv", "--out", "x"), ("scan", "log.csv", "--out", "x")):
        line = refused(capsys, *words, "--lists", "nope")
        assert "nope is no folder of lists" in line
        assert "stillwatch lists build" in line
    monkeypatch.setenv("STILLWATCH_LISTS", "nope")
    assert "is no folder of lists" in refused(capsys, "scan", "log.csv", "--out", "x")


def test_a_second_scan_passes_over_the_result_of_the_first(home):
    (home / "logs").mkdir()
    shutil.copy(home / "log.csv", home / "logs")
    for _ in range(2):
        assert main(["scan", "logs", "--out", "logs/result"]) == 0


def test_the_root_is_no_folder_for_a_result(home, capsys):
    line = refused(capsys, "scan", "log.csv", "--out", "/")
    assert "/ is a mount point" in line or "/ cannot be written" in line
    assert (home / "log.csv").exists()


@pytest.mark.parametrize(
    ("words", "option"), [(("quality",), "--leaderboard"), (("calibration",), "--page")]
)
def test_a_page_that_cannot_be_written_is_refused_before_hours_of_runs(home, capsys, words, option):
    (home / "file").touch()
    line = refused(capsys, "bench", *words, "--out", "runs.jsonl", option, "file/page.md")
    assert "cannot be written" in line
    assert not (home / "runs.jsonl").exists()
