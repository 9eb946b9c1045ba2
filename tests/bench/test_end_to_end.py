import pickle
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from stillwatch.bench.leaderboard import write_leaderboard
from stillwatch.bench.measure import measured
from stillwatch.bench.methods import known_methods
from stillwatch.bench.quality import run_quality
from stillwatch.bench.scan_speed import scan_once
from stillwatch.bench.speed import StageClock
from stillwatch.bench.suite import Case, Seeds, Suite
from stillwatch.bench.traffic import Simulated, simulated

pytestmark = pytest.mark.slow

CASE = Case("tiny", "naive", "small", "headline", "a smoke test")
SEED = 901


@pytest.fixture(scope="module")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    return simulated(CASE, SEED, None, tmp_path_factory.mktemp("traffic"))


def test_every_method_runs_on_simulated_traffic(traffic: Simulated, tmp_path: Path) -> None:
    def make(*_: object) -> Simulated:
        return traffic

    methods = list(known_methods().values())
    out = tmp_path / "runs.jsonl"
    runs = run_quality([CASE], [SEED], methods, out, isolate=measured, make=make)
    assert [run.method for run in runs] == list(known_methods())
    active = pq.read_table(traffic.events_path, columns=["account_id"])["account_id"].unique()
    assert all(run.quality.accounts == len(active) for run in runs)
    assert all(run.quality.campaigns for run in runs)
    assert runs[0].quality.benign_p[0] > 0  # it claims p-values
    board = tmp_path / "board.md"
    write_leaderboard(runs, Suite(Seeds([], [SEED], []), [CASE]), board)
    assert "## `tiny`: a smoke test" in board.read_text(encoding="utf-8")


def test_methods_can_be_sent_to_another_process() -> None:
    for name, method in known_methods().items():
        assert pickle.loads(pickle.dumps(method)).name == name  # noqa: S301 - made here


def test_a_scan_reports_its_stages(traffic: Simulated) -> None:
    clock = StageClock()
    scan_once(traffic, progress=clock)
    assert len(clock.stages()) > 2
