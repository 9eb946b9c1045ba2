from pathlib import Path

import msgspec
import pytest

from stillwatch.bench.signatures import Outcome, measure_signatures, page, rows_of
from stillwatch.bench.suite import Case

ROOT = Path(__file__).parents[2]


def outcome(scenario: str, **given) -> Outcome:
    known = {
        "seed": 1,
        "operator": 10,
        "accounts": 20,
        "detected": 20,
        "signatures": 1,
        "covered": 20,
        "families": ["template"],
        "elsewhere": 10,
        "found": 8,
        "benign": 1000,
        "false": 1,
        "cohorts": {"student": 1},
        "attackers": 50,
        "others": 0,
    }
    return Outcome(scenario=scenario, **(known | given))


def test_an_operator_without_a_signature_counts_as_missed():
    missed = outcome("naive", operator=11, signatures=0, families=[], found=0, false=0, cohorts={})
    naive, other = rows_of([outcome("naive"), missed, outcome("mixed")])
    assert (naive.operators, naive.signed) == (2, 1)
    assert (naive.found.hits, naive.found.accounts) == (8, 20)
    assert (naive.found_signed.hits, naive.found_signed.accounts) == (8, 10)
    assert (naive.false.hits, naive.false.accounts) == (1, 1000)
    assert other.scenario == "mixed"
    assert "| naive | 2 | 1 | 1 | 100% (40 of 40) | 40% (8 of 20) |" in page([naive, other])


def test_the_page_shows_the_committed_outcomes():
    lines = (ROOT / "benchmarks/quality/signatures.jsonl").read_bytes().splitlines()
    outcomes = [msgspec.json.decode(line, type=Outcome) for line in lines]
    assert page(rows_of(outcomes)) in (ROOT / "docs/signatures.md").read_text()


@pytest.mark.slow
def test_the_same_operator_is_found_at_another_provider(tmp_path):
    case = Case(id="s", scenario="naive", scale="small", table="signatures", about="s")
    outcomes = measure_signatures(case, 1, tmp_path)
    [row] = rows_of(outcomes)
    assert row.signed >= 3
    assert row.found_signed.share > 0.7
    assert row.false.share < 0.01
    for one in outcomes:
        assert one.found <= one.elsewhere
        assert one.false == sum(one.cohorts.values())
