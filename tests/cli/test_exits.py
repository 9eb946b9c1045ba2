import os
import signal
import stat
import subprocess
import sys
import time

import click
import pytest

from stillwatch.cli.exits import EXIT_CODES, describe, exit_code, guarded
from stillwatch.cli.files import replacing
from stillwatch.cli.keys import BYTES, create_key, read_key
from stillwatch.cli.main import main
from stillwatch.errors import ConfigError, InputError, PeerError, StillwatchError, StorageError


def stillwatch(*words, cwd, **environ):
    environ = {**os.environ, "HOME": str(cwd), **environ}
    return subprocess.run(
        [sys.executable, "-m", "stillwatch", *words],
        cwd=cwd,
        env=environ,
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("x"), 1),
        (ConfigError("x"), 1),
        (PeerError("x"), 1),
        (click.BadParameter("x"), 2),
        (click.Abort(), 130),
        (KeyboardInterrupt(), 130),
        (MemoryError(), 1),
        (FileNotFoundError(2, "No such file or directory", "x"), 1),
        (ZeroDivisionError("x"), 1),
    ],
)
def test_every_error_has_one_exit_code_and_one_line(error, code):
    assert exit_code(error) == code
    assert "\n" not in describe(error)
    assert describe(error)


def test_the_table_covers_our_whole_tree():
    assert any(kind is StillwatchError for kind, _ in EXIT_CODES)


def test_a_defect_is_one_line_that_says_how_to_see_more(capsys):
    def defect():
        raise ZeroDivisionError("line one\nline two")

    assert guarded(defect, debug=False) == 1
    shown = capsys.readouterr().err
    assert shown.count("\n") == 1
    assert "unexpected ZeroDivisionError: line one line two" in shown
    assert "STILLWATCH_DEBUG=1" in shown
    assert guarded(defect, debug=True) == 1
    assert "Traceback" in capsys.readouterr().err


BAD = {
    "empty.csv": b"",
    "text.txt": b"Dear diary,\nnothing happened.\n",
    "binary.bin": bytes(range(256)),
    "cut.parquet": b"PAR1" + bytes(100),
    "cut.jsonl.gz": b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
    "headless.csv": b"event_id,time,account_id\ne,2026-01-01T00:00:00Z,a\n",
    "header.csv": b"event_id,time,account_id,model,prompt\n",
}


@pytest.mark.parametrize("name", [*BAD, "absent.csv"])
def test_what_is_no_log_is_one_line_and_leaves_nothing(name, tmp_path):
    if name in BAD:
        (tmp_path / name).write_bytes(BAD[name])
    done = stillwatch("ingest", name, "--out", "out/fingerprints.parquet", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    *said, last = done.stderr.splitlines()
    assert last.startswith("stillwatch: ")
    assert name in last
    assert all(line.startswith(("made a key", "Compiling")) for line in said)
    assert not [p for p in tmp_path.glob("out/*") if p.is_file()]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["ingest"], "Missing argument 'LOGS...'"),
        (["harvest"], "No such command 'harvest'"),
        (["scan", "x", "--out", "o", "--engine", "cluster"], "is not"),
        (["explain", "result"], "give the folder and the account"),
    ],
)
def test_wrong_usage_is_exit_code_two(words, message, tmp_path):
    done = stillwatch(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Usage:" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_settings_file_stops_a_command_and_is_a_finding_of_doctor(tmp_path):
    (tmp_path / "stillwatch.toml").write_text('keyfile = "x"\n')
    done = stillwatch("ingest", "x", "--out", "y", cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "unknown setting 'keyfile'" in done.stderr
    doctor = stillwatch("doctor", cwd=tmp_path)
    assert doctor.returncode == 1
    assert "unknown setting 'keyfile'" in doctor.stdout


def test_ctrl_c_is_130_and_leaves_nothing_half_written(tmp_path):
    row = "{},2026-03-01T00:00:00Z,a,m," + "write a long answer " * 20 + "\n"
    with (tmp_path / "log.csv").open("w") as log:
        log.write("event_id,time,account_id,model,prompt\n")
        log.writelines(row.format(number) for number in range(200_000))
    running = subprocess.Popen(
        [sys.executable, "-m", "stillwatch", "ingest", "log.csv", "--out", "out.parquet"],
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path)},
        stderr=subprocess.PIPE,
        text=True,
    )
    while not any(part.stat().st_size for part in tmp_path.glob(".out.parquet.*")):
        assert running.poll() is None
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130
    assert said.splitlines()[-1] == "stillwatch: stopped; no output was completed"
    assert "Traceback" not in said
    assert not list(tmp_path.glob("*out.parquet*"))


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "folder/file"
    with replacing(path) as building:
        building.write_text("new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) & 0o600 == 0o600
    with pytest.raises(TypeError), replacing(path) as building:
        building.write_text(b"half")
    assert path.read_text() == "new"
    assert list(path.parent.iterdir()) == [path]
    with pytest.raises(InputError, match="is a folder"), replacing(tmp_path):
        pass
    with pytest.raises(StorageError, match="cannot be written"), replacing(path / "below"):
        pass


def test_a_key_is_private_and_never_overwritten(tmp_path, capsys):
    path = tmp_path / "deep/provider.key"
    assert main(["key", "new", str(path)]) == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    first = read_key(path)
    assert len(first) == BYTES
    assert main(["key", "new", str(path)]) == 1
    assert "not overwritten" in capsys.readouterr().err
    assert read_key(path) == first
    create_key(tmp_path / "other.key")
    assert read_key(tmp_path / "other.key") != first


@pytest.mark.parametrize("content", [b"", b"00", b"zz" * 32, b"\xff" * 64])
def test_a_file_that_holds_no_key_is_refused(tmp_path, content):
    (tmp_path / "k").write_bytes(content)
    with pytest.raises(ConfigError, match="must hold 64 hexadecimal digits"):
        read_key(tmp_path / "k")
    with pytest.raises(ConfigError, match="stillwatch key new"):
        read_key(tmp_path / "absent")
