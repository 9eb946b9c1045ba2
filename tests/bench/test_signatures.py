from pathlib import Path

import msgspec
import pytest

from stillwatch.bench.signatures import Outcome, Trial, measure_signatures, page, rows_of
from stillwatch.bench.suite import Case

ROOT = Path(__file__).parents[2]


def trial(**given) -> Trial:
    known = {
        "signatures": 1,
        "covered": 20,
        "families": ["template"],
        "found": 8,
        "false": 1,
        "cohorts": {"student": 1},
        "others": 0,
    }
    return Trial(**(known | given))


NONE = trial(signatures=0, covered=0, families=[], found=0, false=0, cohorts={})


def outcome(scenario: str, operator: int, flagged: Trial, told: Trial) -> Outcome:
    return Outcome(
        scenario=scenario,
        seed=1,
        operator=operator,
        accounts=20,
        detected=20 if flagged.signatures else 0,
        elsewhere=10,
        benign=1000,
        attackers=50,
        flagged=flagged,
        told=told,
    )


def test_an_operator_without_a_signature_counts_as_missed():
    outcomes = [
        outcome("naive", 10, trial(), trial(found=9)),
        outcome("naive", 11, NONE, trial(found=10, false=3)),
        outcome("mixed", 10, NONE, NONE),
    ]
    naive, mixed = rows_of(outcomes)
    assert (naive.operators, naive.signed, mixed.signed) == (2, 1, 0)
    assert (naive.found.hits, naive.found.accounts) == (8, 20)
    assert (naive.false.hits, naive.false.accounts) == (1, 1000)
    told, _ = rows_of(outcomes, lambda outcome: outcome.told)
    assert (told.found.hits, told.found.accounts) == (19, 20)
    assert (told.false.hits, told.false.accounts) == (4, 2000)
    assert "| naive | 50% (20 of 40) | 1 of 2 | 40% (8 of 20) | 0.10% (1 of 1,000) |" in page(
        outcomes
    )
    assert "| mixed | 0.00% (0 of 20) | 0 of 1 | 0.00% (0 of 10) | – | – | 0 of 1 |" in page(
        outcomes
    )


@pytest.mark.parametrize("name", ["signatures", "signatures_medium"])
def test_the_page_shows_the_committed_outcomes(name):
    lines = (ROOT / f"benchmarks/quality/{name}.jsonl").read_bytes().splitlines()
    outcomes = [msgspec.json.decode(line, type=Outcome) for line in lines]
    assert page(outcomes) in (ROOT / "docs/signatures.md").read_text()


@pytest.mark.slow
def test_the_same_operator_is_found_at_another_provider(tmp_path):
    case = Case(id="s", scenario="naive", scale="small", table="signatures", about="s")
    outcomes = measure_signatures(case, 1, tmp_path)
    [flagged] = rows_of(outcomes)
    [told] = rows_of(outcomes, lambda outcome: outcome.told)
    assert flagged.signed >= 3
    assert told.signed == told.operators == len(outcomes)
    assert told.found.share > 0.8
    assert max(flagged.false.share, told.false.share) < 0.01
    for one in outcomes:
        assert one.flagged.found <= one.elsewhere
        assert one.flagged.false == sum(one.flagged.cohorts.values())
        assert one.told.covered <= one.accounts
