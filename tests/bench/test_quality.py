from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch.bench.labels import FLAGS, LABELS
from stillwatch.bench.measure import measured
from stillwatch.bench.method import Traffic
from stillwatch.bench.quality import read_runs, run_quality
from stillwatch.bench.suite import Case
from stillwatch.bench.traffic import Simulated, share_of
from stillwatch.errors import InputError

CASE = Case("tiny", "mixed", "small", "headline", "three attackers, one person")


def make(case: Case, seed: int, prompts: Path | None, folder: Path) -> Simulated:
    assert (case, prompts) == (CASE, None)
    rows = [
        {"cohort": "harvest", "group": "A", "campaign": "A", "kind": "extraction"},
        {"cohort": "harvest", "group": "A", "campaign": "A", "kind": "extraction"},
        {"cohort": "harvest", "group": "A", "campaign": "A", "kind": "extraction"},
        {"cohort": "chat", "group": "chat-1"},
    ]
    rows = [
        row | {"account_id": f"x{seed}-{i}", "language": "en", "region": "europe"}
        for i, row in enumerate(rows)
    ]
    pq.write_table(pa.Table.from_pylist(rows, schema=LABELS), folder / "labels.parquet")
    return Simulated(folder, 40)


class First:
    """Flags the first `count` accounts by name."""

    def __init__(self, name: str, count: int) -> None:
        self.name = name
        self.count = count
        self.calls = 0

    def flag(self, traffic: Traffic) -> pa.Table:
        self.calls += 1
        labels = pq.read_table(traffic.events.parent / "labels.parquet")
        assert len(traffic.benign) == 1
        assert not list(traffic.scratch.iterdir())
        flags = [
            {"account_id": account, "score": -float(i)}
            | ({"campaign_id": "c", "kind": "extraction"} if i < self.count else {})
            for i, account in enumerate(labels["account_id"].to_pylist())
        ]
        return pa.Table.from_pylist(flags, schema=FLAGS)


def test_runs_are_written_as_they_end_and_continued(tmp_path: Path) -> None:
    out, lines = tmp_path / "deep" / "runs.jsonl", []
    one, two = First("one", 2), First("two", 4)
    run_quality([CASE], [1], [one], out, isolate=measured, make=make, progress=lines.append)
    assert lines == ["tiny, seed 1: simulating", "tiny, seed 1: one"]
    with pytest.raises(InputError, match="--resume"):
        run_quality([CASE], [1], [one], out, isolate=measured, make=make)
    runs = run_quality([CASE], [1, 2], [one, two], out, isolate=measured, make=make, resume=True)
    assert [run.key for run in runs] == [
        ("tiny", 1, "one"),
        ("tiny", 1, "two"),
        ("tiny", 2, "one"),
        ("tiny", 2, "two"),
    ]
    assert read_runs(out) == runs
    assert one.calls == 2  # seed 1 was not run again
    assert [run.quality.campaigns[0].as_extraction for run in runs] == [2, 3, 2, 3]
    assert runs[1].quality.cohorts == {"chat": {"extraction": 1}}


def test_runs_with_other_prompts_do_not_mix(tmp_path: Path) -> None:
    out = tmp_path / "runs.jsonl"
    run_quality([CASE], [1], [First("one", 2)], out, isolate=measured, make=make)
    with pytest.raises(InputError, match="another version or prompts"):
        run_quality([CASE], [2], [], out, resume=True, prompts=tmp_path)


def test_a_share_of_the_accounts_keeps_their_events(tmp_path: Path) -> None:
    whole = Simulated(tmp_path, 4000)
    accounts = [f"a{i}" for i in range(1000)]
    pq.write_table(pa.table({"account_id": accounts}), whole.accounts_path)
    pq.write_table(pa.table({"account_id": accounts * 4}), whole.events_path)
    part = share_of(whole, 0.5, tmp_path / "half")
    kept = pq.read_table(part.accounts_path)["account_id"].to_pylist()
    assert 400 < len(kept) < 600
    assert part.events == 4 * len(kept)
    assert set(pq.read_table(part.events_path)["account_id"].to_pylist()) == set(kept)
