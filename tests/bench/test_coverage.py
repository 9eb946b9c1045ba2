"""Every signal, family and knob has a case that exercises it, or a written exclusion."""

import re
from pathlib import Path

import pytest

from stillwatch.bench.suite import load_suite
from stillwatch.detect.features import Family
from stillwatch.detect.signals import BUILT_IN
from stillwatch.simulate.knobs import KNOBS, definition
from stillwatch.simulate.tactics import ADAPTIVE

QUALITY = Path(__file__).parents[2] / "benchmarks" / "quality"
PAGE = (QUALITY / "coverage.md").read_text(encoding="utf-8")
SECTIONS = re.split(r"^## ", PAGE, flags=re.MULTILINE)
CASES = {case.id: case for case in load_suite(QUALITY / "scenarios.toml").case}


def rows(title: str) -> dict[str, dict[str, str]]:
    """The table of a section: by its first column, cells by the names of the others."""
    (section,) = (part for part in SECTIONS if part.startswith(title))
    lines = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    head, body = [cell.strip() for cell in lines[0]], lines[2:]
    found = [dict(zip(head, (cell.strip() for cell in row), strict=True)) for row in body]
    names = [row[head[0]].strip("`") for row in found]
    assert len(set(names)) == len(names)
    return dict(zip(names, found, strict=True))


@pytest.mark.parametrize(
    ("title", "known"),
    [
        ("Signals", [signal.name for signal in BUILT_IN]),
        ("Families of features", [family.name.lower() for family in Family]),
        ("Ways to hide", list(KNOBS)),
    ],
)
def test_nothing_is_left_out(title: str, known: list[str]) -> None:
    found = rows(title)
    assert list(found) == known
    for name, row in found.items():
        case, exclusion = row["case"].strip("`"), row["exclusion"]
        assert (case in CASES) != bool(len(exclusion) > 20), name
        assert case in CASES or case == "–", name


def test_an_exercised_signal_is_one_that_attackers_stand_out_by() -> None:
    for name, row in rows("Signals").items():
        if row["case"] != "–":
            assert 0.1 <= float(row["attackers at p ≤ 0.05"]) <= 1, name


def test_a_knob_is_exercised_alone() -> None:
    for knob, row in rows("Ways to hide").items():
        evasion = definition(CASES[row["case"].strip("`")].scenario).evasion
        assert evasion is not None
        assert {name: getattr(evasion, name) for name in KNOBS if getattr(evasion, name)} == {
            knob: 1
        }
    assert CASES["all-half-medium"].scenario == "all-half"


def test_every_adversary_has_a_case_and_its_tactics_stand_there() -> None:
    found = rows("Operators who know the detector")
    assert list(found) == [f"{name}-adaptive" for name in ADAPTIVE]
    for name, row in found.items():
        case = CASES[row["case"].strip("`")]
        assert (case.scenario, case.table) == (name, "adaptive")
        used = definition(name).tactics.used()
        assert row["tactics"] == ", ".join(f"`{tactic}`" for tactic in used)
