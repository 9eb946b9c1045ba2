import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from stillwatch.bench import calibration
from stillwatch.bench.calibration import GRID, CalibrationRun, Claim, calibrated, run_calibration
from stillwatch.bench.calibration_page import calibration_page, write_page
from stillwatch.bench.qq import Point, Series, qq_plot
from stillwatch.bench.suite import Case
from stillwatch.bench.traffic import Simulated, simulated
from stillwatch.detect.features import Family, FamilyCounts
from stillwatch.detect.formation import View
from stillwatch.errors import InputError

QUIET = Case("quiet", "benign", "small", "development", "no attack")
MIXED = Case("mixed", "mixed", "small", "development", "some")


def run(seed: int, *, attack: bool = False, false: bool = False) -> CalibrationRun:
    claims = [Claim(0.05, 0.02, null=True)] * false + [Claim(1e-4, 1e-6, null=False)] * attack
    return CalibrationRun(
        case="quiet",
        seed=seed,
        version="0",
        commit="abc1234",
        attack=attack,
        accounts=1000,
        account_p=[round(1000 * level) for level in GRID],
        clusters=claims,
        dealt=[Claim(1.0, 0.5, null=True)],
        campaigns=[*claims, Claim(1.0, 1.0, null=True)],
    )


def test_every_claim_of_a_run_is_noted(tmp_path: Path) -> None:
    made = simulated(MIXED, 1, None, tmp_path)
    found = calibrated(MIXED, 1, made)
    assert found.attack
    assert found.accounts == sum(row["campaign"] is None for row in made.read_labels().to_pylist())
    assert found.account_p[0] == found.accounts
    assert sorted(found.account_p, reverse=True) == found.account_p
    assert any(not claim.null for claim in found.campaigns)
    assert {claim.null for claim in found.clusters} == {True, False}
    assert all(claim.null for claim in found.dealt)
    assert len(found.dealt) == len(found.clusters)
    assert all(0 < claim.p <= 1 and 0 <= claim.q <= 1 for claim in found.clusters)


def test_evidence_is_dealt_among_accounts_of_one_script_and_stays_whole() -> None:
    rng = np.random.default_rng(0)
    account = np.repeat(np.arange(20), 3).astype(np.int32)
    value = np.tile(np.arange(3), 20).astype(np.uint64) + account.astype(np.uint64) * np.uint64(10)
    count = rng.integers(1, 9, 60).astype(np.int32)
    counts = FamilyCounts.of(account, value, count, count)
    view = View("content", np.zeros(20, np.int32), {Family.CLIENT: counts}, None)
    script = np.repeat([0, 1], 10)
    dealt = calibration._dealt(view, script, rng).held_out[Family.CLIENT]
    assert (np.diff(dealt.account) >= 0).all()
    owner = {int(v): int(a) for a, v in zip(dealt.account, dealt.value, strict=True)}
    assert owner != {int(v): int(a) for a, v in zip(account, value, strict=True)}
    for first in range(0, 200, 10):
        whole = {owner[first + k] for k in range(3)}
        assert len(whole) == 1  # an account's evidence moves together
        assert script[whole.pop()] == script[first // 10]
    assert sorted(zip(dealt.value, dealt.count, strict=True)) == sorted(
        zip(value, count, strict=True)
    )


def test_runs_take_turns_and_continue(tmp_path: Path, monkeypatch) -> None:
    seen = []

    def fake(case: Case, seed: int, made: Simulated, commit: str) -> CalibrationRun:
        seen.append((case.id, seed))
        assert isinstance(commit, str)
        assert made is None
        return run(seed, attack=case is MIXED)

    monkeypatch.setattr(calibration, "simulated", lambda *_: None)
    monkeypatch.setattr(calibration, "calibrated", fake)
    monkeypatch.setattr(calibration, "__version__", "0")
    out = tmp_path / "deep" / "runs.jsonl"
    run_calibration([QUIET, MIXED], [5, 6], out)
    with pytest.raises(InputError, match="--resume"):
        run_calibration([QUIET, MIXED], [5, 6], out)
    runs = run_calibration([QUIET, MIXED], [5, 6, 7], out, resume=True)
    assert seen == [("quiet", 5), ("mixed", 6), ("quiet", 7)]
    assert [(r.seed, r.attack) for r in runs] == [(5, False), (6, True), (7, False)]
    monkeypatch.setattr(calibration, "__version__", "1")
    with pytest.raises(InputError, match="another version"):
        run_calibration([QUIET], [8], out, resume=True)


def test_the_page_states_promise_and_outcome(tmp_path: Path) -> None:
    runs = [run(1), run(2, attack=True), run(3, false=True), run(4, attack=True)]
    text = calibration_page(runs)
    assert "4 small simulated runs (4,000 benign accounts; 2 of the runs" in text
    assert "Commit abc1234." in text
    assert "| 0.01 | 1.00e-02 (1.00e-02–1.00e-02) |" in text
    # Of four runs two have a true discovery and one a false one, at q = 0.05.
    assert "| 0.05 | 0.2500 (0.0000–0.7500) | 3 | 1 |" in text
    assert "| 0.02 | 0.0000 (0.0000–0.0000) | 2 | 0 |" in text
    # Without attack one run of two has a false discovery.
    assert "| 0.05 | 0.5000 (0.0000–1.0000) | 1 | 1 |" in text
    page = tmp_path / "docs" / "calibration.md"
    write_page(runs, page)
    assert page.read_text(encoding="utf-8") == text
    picture = (page.parent / "images/qq.svg").read_text(encoding="utf-8")
    assert "benign groups as extraction" in picture


def test_a_calibrated_quantile_lies_on_the_line() -> None:
    plot = qq_plot(
        [Series("a & b", [Point(0.01, 0.01, 0.005, 0.02), Point(1e-9, 1e-5, 0.0, 1e-4)])]
    )
    root = ET.fromstring(plot)  # noqa: S314 - our own
    names = {"s": "http://www.w3.org/2000/svg"}
    line = root.find("s:path[@class='line']", names).attrib["d"]
    (x0, y0), (x1, y1) = (map(float, end.split()) for end in line[1:].split("L"))
    dot = root.findall("s:circle[@r='3']", names)[0].attrib
    at = (float(dot["cx"]) - x0) / (x1 - x0)
    assert at == pytest.approx(0.4)
    assert (float(dot["cy"]) - y0) / (y1 - y0) == pytest.approx(at)
    assert "a & b" in [text.text for text in root.findall("s:text", names)]
