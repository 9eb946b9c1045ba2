"""The committed run: a subset is made anew and compared within the tolerances."""

from pathlib import Path

import pytest

from stillwatch.bench.frozen import (
    Frozen,
    Tolerances,
    compare,
    load_tolerances,
    read_frozen,
    run_frozen,
    write_frozen,
)
from stillwatch.bench.methods import known_methods
from stillwatch.bench.suite import load_suite
from stillwatch.cli.main import main
from stillwatch.errors import ConfigError, InputError

QUALITY = Path(__file__).parents[2] / "benchmarks" / "quality"
SUBSET = ("mixed-small", "no-shared-infrastructure-small", "benign-small")
LIMITS = Tolerances(falls={"recall": 0.05}, rises={"FPR": 0.001})


def row(**figures: float | None) -> Frozen:
    return Frozen("mixed", 1, "stillwatch", figures)


def judged(was: Frozen, now: Frozen) -> dict[str, str]:
    return {d.figure: d.judgement for d in compare([was], [now], LIMITS)}


def test_a_subset_of_the_committed_run_is_no_worse_today() -> None:
    frozen = read_frozen(QUALITY / "frozen.jsonl")
    methods = known_methods()
    now = run_frozen(
        load_suite(QUALITY / "scenarios.toml").cases(*SUBSET),
        [1],
        [methods["stillwatch"], methods["components"]],
    )
    tolerances = load_tolerances(QUALITY / "tolerances.toml", now[0].figures)
    failed = [d for d in compare(frozen, now, tolerances) if d.fails]
    assert failed == [], "worse than frozen.jsonl; see `stillwatch bench frozen`"


def test_the_committed_run_covers_what_the_suite_says() -> None:
    chosen = load_suite(QUALITY / "scenarios.toml").frozen
    expected = {
        (case, seed, method)
        for case in chosen.cases
        for seed in chosen.seeds
        for method in chosen.methods
    }
    assert {row.key for row in read_frozen(QUALITY / "frozen.jsonl")} == expected
    assert set(SUBSET) <= set(chosen.cases)


def test_what_got_worse_is_told_from_what_got_better() -> None:
    was = row(recall=0.8, FPR=0.001)
    assert judged(was, was) == {}
    assert judged(was, row(recall=0.9, FPR=0.0)) == {"recall": "better", "FPR": "better"}
    assert judged(was, row(recall=0.76, FPR=0.002)) == {"recall": "worse", "FPR": "worse"}
    assert judged(was, row(recall=0.7, FPR=0.0021)) == {
        "recall": "too much worse",
        "FPR": "too much worse",
    }
    assert judged(was, row(recall=None, FPR=0.001)) == {"recall": "too much worse"}


def test_the_worst_comes_first() -> None:
    found = compare([row(recall=0.5, FPR=0.0)], [row(recall=0.6, FPR=0.5)], LIMITS)
    assert [d.figure for d in found] == ["FPR", "recall"]
    assert [d.fails for d in found] == [True, False]


def test_rows_that_were_never_frozen_are_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="mixed 1 stillwatch is not frozen"):
        compare([], [row(recall=1.0)], LIMITS)
    path = tmp_path / "deep" / "frozen.jsonl"
    write_frozen([row(recall=1.0, FPR=None)], path)
    assert read_frozen(path) == [row(recall=1.0, FPR=None)]
    path.write_text("{}\n")
    with pytest.raises(InputError, match="bench frozen --write"):
        read_frozen(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[falls]\nrecall = 1\n[rises]\nrecall = 1\n", "both ways of 'recall'"),
        ("[falls]\nrecal = 1\n[rises]\n", "'recal'"),
        ("[falls]\n", "holds no tolerances"),
    ],
)
def test_damaged_tolerances_are_refused(tmp_path, text, message) -> None:
    path = tmp_path / "tolerances.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_tolerances(path, {"recall": 1.0})


def test_tolerances_are_read_before_anything_is_measured(tmp_path, capsys) -> None:
    suite, file = QUALITY / "scenarios.toml", QUALITY / "frozen.jsonl"
    words = ["bench", "frozen", "--suite", suite, "--file", file, "--tolerances", tmp_path / "no"]
    assert main([str(word) for word in words]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "holds no tolerances" in line
