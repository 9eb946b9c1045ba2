"""Ctrl-C in any stage of a scan: one line, exit code 130, and nothing stays on the disk."""

import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from stillwatch.cli.estimate import SCAN
from stillwatch.cli.main import main
from stillwatch.cli.screen import Screen
from stillwatch.simulate import simulate, write_traffic

STAGES = (*SCAN, "writing")


class Stopper:
    """A progress that presses Ctrl-C when a stage begins."""

    def __init__(self, stage: str) -> None:
        self.stage = stage

    def start(self, stage: str, _total: int | None) -> None:
        if stage == self.stage:
            os.kill(os.getpid(), signal.SIGINT)

    def advance(self, amount: int) -> None:
        pass

    def finish(self) -> None:
        pass


@pytest.fixture(autouse=True)
def _heard() -> Iterator[None]:
    """A job in the background inherits that Ctrl-C is ignored."""
    earlier = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, earlier)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Events of the attackers and a few others: a log that scans in a moment."""
    folder = tmp_path_factory.mktemp("log")
    traffic = simulate("demo", scale="small", seed=11)
    write_traffic(traffic, folder)
    labels = traffic.labels
    attack = pc.equal(labels["label"], "attack")
    few = pc.is_in(pc.utf8_slice_codeunits(labels["account_id"], -1), pa.array(["0", "1"]))
    kept = labels["account_id"].filter(pc.or_(attack, few)).combine_chunks()
    events = pq.read_table(folder / "events.parquet")
    pq.write_table(events.filter(pc.is_in(events["account_id"], kept)), folder / "few.parquet")
    return folder


@pytest.mark.parametrize("stage", STAGES)
def test_ctrl_c_leaves_nothing(
    stage: str,
    log: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    @contextmanager
    def bars(_screen: Screen, _stages: object) -> Iterator[Stopper]:
        yield Stopper(stage)

    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    monkeypatch.setattr(Screen, "bars", bars)
    accounts = log / "accounts.parquet"
    words = ["scan", log / "few.parquet", "--accounts", accounts, "--out", tmp_path / "result"]
    assert main(list(map(str, words))) == 130
    assert (
        capsys.readouterr().err.splitlines()[-1] == "stillwatch: stopped; no output was completed"
    )
    assert list(tmp_path.iterdir()) == [scratch]
    assert list(scratch.iterdir()) == []
