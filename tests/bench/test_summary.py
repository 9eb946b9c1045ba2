import json

import msgspec
import numpy as np
import pytest

from stillwatch.bench.leaderboard import leaderboard
from stillwatch.bench.measure import Cost
from stillwatch.bench.metrics import CampaignResult, DetectedCampaign, Quality, UnitCount
from stillwatch.bench.quality import Run, read_runs
from stillwatch.bench.ranking import Scores
from stillwatch.bench.suite import Case
from stillwatch.bench.summary import realised_levels, summarise
from stillwatch.errors import InputError


def run(
    seed: int, flagged: int, *, false: int = 0, case: str = "mixed", method: str = "stillwatch"
) -> Run:
    quality = Quality(
        accounts=1160,
        campaigns=[
            CampaignResult("a", "extraction", 100, flagged, 0, flagged),
            CampaignResult("r", "relay", 40, 0, 30, 30),
            CampaignResult("s", "extraction", 20, 0, 0, 0),
        ],
        benign_units=[UnitCount("chat", 1, 0, 0, 900), UnitCount("class", 100, false, 0, 1)],
        cohorts={"chat": {"": 900}, "class": {"": 100 - false, "extraction": false}},
        languages={"en": {"": 1000}},
        regions={"europe": {"": 1000}},
        detected=[
            DetectedCampaign("extraction", 100, 1.0, 1.0, 1.0, 1e-9, 0.01),
            DetectedCampaign("shared-app", 100, 0.0, 0.0, 1.0, 1e-9, 1.0),
            *[DetectedCampaign("extraction", 50, 0.0, 0.0, 1.0, 1e-3, 0.1)][: bool(false)],
        ],
        bcubed_f1=0.9,
        adjusted_rand=None,
        benign_p=[500, 200, 100, 50, 20, 10, 1, 0, 0],
        scores=Scores(
            [(0, 0.5, 1), (-1, 0.1, 999)],
            [(0, 0.9, flagged)] * bool(flagged) + [(1, 0.1, 160 - flagged)],
        ),
    )
    return Run(case, seed, method, "0", "abc1234", False, 10_000, Cost(2.0, 3.0, 100.0), quality)


def test_rates_are_pooled_and_the_worst_seed_is_kept() -> None:
    summary = summarise([run(1, 100), run(2, 40)], np.random.default_rng(0))
    assert (summary.recall.hits, summary.recall.trials) == (140, 240)
    assert summary.recall.by_seed == pytest.approx([100 / 120, 40 / 120])
    assert summary.recall.worst_low == pytest.approx(1 / 3)
    assert (summary.recall_either.hits, summary.recall_either.trials) == (200, 320)
    assert summary.recall.low <= 140 / 240 <= summary.recall.high
    # Only the campaign of 100 accounts is asked for; in seed 2 too few of it stand together.
    assert (summary.asked, summary.found) == (2, 1)
    assert summary.missed == ["a of seed 2"]
    assert summary.bcubed_f1 == pytest.approx(0.9)
    assert summary.adjusted_rand is None


def test_false_positives_are_bounded_where_there_are_none() -> None:
    clean = summarise([run(1, 100)], np.random.default_rng(0)).false_positives
    assert (clean.value, clean.low, clean.high) == (0.0, 0.0, 0.0)
    assert clean.exact_high == pytest.approx(1 - 0.025 ** (1 / 901), rel=1e-6)
    struck = summarise([run(1, 100, false=50)], np.random.default_rng(0)).false_positives
    assert struck.hits == 50
    assert struck.high > 0.1  # the class may be drawn twice
    assert struck.exact_high < 0.01  # one unit of 901


def test_realised_levels_are_shares_of_benign_accounts() -> None:
    levels = realised_levels(summarise([run(1, 100), run(2, 100)], np.random.default_rng(0)))
    assert levels[:3] == [(0.5, 0.5), (0.2, 0.2), (0.1, 0.1)]


def test_runs_survive_the_file_and_a_line_cut_off_is_dropped(tmp_path) -> None:
    path = tmp_path / "runs.jsonl"
    line = msgspec.json.encode(run(1, 100)) + b"\n"
    path.write_bytes(line + line[:50])
    assert read_runs(path) == [run(1, 100)]
    assert path.read_bytes() == line
    for other in ("{}\n", "{}\nlast", "a note"):
        path.write_text(other)
        with pytest.raises(InputError, match="no file of benchmark runs"):
            read_runs(path)
        assert path.read_text() == other
    assert json.loads(line)["quality"]["adjusted_rand"] is None


def test_leaderboard_says_what_was_measured() -> None:
    cases = [
        Case("mixed", "mixed", "small", "headline", "everything"),
        Case("hidden", "naive", "medium", "goals", "a bit hidden", goal=0.7),
        Case("hard", "naive", "medium", "goals", "well hidden", goal=0.9),
        Case("naive", "naive", "small", "evasion", "nothing hidden"),
        Case("benign", "benign", "small", "null", "no attack"),
    ]
    rng = np.random.default_rng(0)
    summaries = {
        ("mixed", "stillwatch"): summarise([run(1, 100), run(2, 40)], rng),
        ("mixed", "thresholds"): summarise([run(1, 0, method="thresholds")], rng),
        ("naive", "stillwatch"): summarise([run(1, 90, case="naive")], rng),
        ("hidden", "stillwatch"): summarise([run(1, 90, case="hidden")], rng),
        ("hard", "stillwatch"): summarise([run(1, 90, case="hard")], rng),
        ("benign", "stillwatch"): summarise([run(1, 0, false=50, case="benign")], rng),
    }
    text = leaderboard(cases, summaries, ["stillwatch", "thresholds"])
    assert "| recall | 0.5833 (" in text
    assert "worst 0.3333 |" in text
    assert "Missed by `stillwatch`: a of seed 2." in text
    assert "| class | 200 | 2 | 0 | 0 |" in text
    assert "| `naive` | nothing hidden | 0.750 (" in text
    assert "| not run |" in text
    assert "Commit abc1234; seeds 1, 2;" in text
    assert "| score: recall at FPR 0.001 | 0.438 (" in text  # 140 of 320
    assert "n/a: 2,000 benign accounts, 1,000,000 needed" in text
    assert "| `hidden` | a bit hidden | 1 | 0.7 | 0.750 (" in text
    assert [line.split(" | ")[5] for line in text.splitlines() if " hidden | 1 |" in line] == [
        "yes",
        "no",
    ]
    # In the run without attack the second campaign called extraction is false, at q = 0.1.
    assert "| 0.1 | 2 | 1 | 0.5000 (0.5000–0.5000) | 1.0000 |" in text
    assert "2 extraction campaigns in 1 runs" in text
    assert "nan" not in text
