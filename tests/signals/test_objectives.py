"""What a group harvests, from counted markers."""

import pytest

from stillwatch.detect.objectives import (
    GENERAL,
    OBJECTIVES,
    main_objective,
    objective_shares,
)
from stillwatch.detect.results import Share
from stillwatch.events.markers import Marker
from tests.signals.build import event, population


def _shares(tmp_path, *groups):
    """Shares for groups of (events, markers), one account each."""
    events = [
        event(f"a{number}", minute, markers=int(markers))
        for number, (count, markers) in enumerate(groups)
        for minute in range(count)
    ]
    found = objective_shares(population(events, tmp_path).profiles)
    assert sum(share.share for share in found) == pytest.approx(1)
    return {share.objective: share.share for share in found}


def test_pure_accounts_give_exact_shares(tmp_path):
    shares = _shares(tmp_path, (60, Marker.REASONING), (30, Marker.GRADING), (10, Marker(0)))
    assert shares == pytest.approx({"reasoning": 0.6, "grading": 0.3, "general": 0.1})
    assert list(shares) == ["reasoning", "grading", "general"]


def test_the_most_telling_marker_names_an_event(tmp_path):
    cases = {
        Marker.GRADING | Marker.REASONING | Marker.CODE: "grading",
        Marker.PREFERENCE: "grading",
        Marker.REWRITING | Marker.THINKING: "rewriting",
        Marker.TOOLS | Marker.CODE: "tool-use",
        Marker.SYNTHESIS | Marker.MATHS: "synthetic-data",
        Marker.REASONING | Marker.MATHS: "reasoning",
        Marker.THINKING: "reasoning",
        Marker.CODE: "coding",
        Marker.MATHS: "reasoning",
        Marker.SYSTEM_PROBE: "general",
    }
    events = [event(f"a{i}", m, markers=int(k)) for i, k in enumerate(cases) for m in range(10)]
    table = population(events, tmp_path).profiles
    for row, objective in enumerate(cases.values()):
        assert objective_shares(table.slice(row, 1)) == [Share(objective, 1.0)]


def test_mixed_accounts_are_split_as_if_independent(tmp_path):
    events = [event("a", m, markers=int(Marker.REASONING)) for m in range(5)]
    events += [event("a", 5 + m, markers=int(Marker.CODE)) for m in range(5)]
    found = objective_shares(population(events, tmp_path).profiles)
    assert {s.objective: s.share for s in found} == {
        "reasoning": 0.5,
        "coding": 0.25,
        "general": 0.25,
    }


def test_every_objective_reads_real_columns(tmp_path):
    profiles = population([event("a")], tmp_path).profiles
    assert {m for _, markers in OBJECTIVES for m in markers} <= set(profiles.column_names)


def test_mathematics_counts_as_reasoning_once(tmp_path):
    shares = _shares(tmp_path, (5, Marker.MATHS), (5, Marker.REASONING))
    assert shares == {"reasoning": 1.0}


def test_a_rare_objective_names_a_group_before_a_common_one():
    group = [Share("general", 0.6), Share("reasoning", 0.25), Share("grading", 0.15)]
    usual = [Share("general", 0.84), Share("reasoning", 0.15), Share("grading", 0.01)]
    assert main_objective(group, usual) == "grading"


def test_the_main_objective_exceeds_what_everyone_asks_for():
    group = [Share("coding", 0.5), Share("reasoning", 0.4), Share("general", 0.1)]
    usual = [Share("coding", 0.45), Share("reasoning", 0.05), Share("general", 0.5)]
    assert main_objective(group, usual) == "reasoning"
    assert main_objective(usual, usual) == GENERAL
    assert main_objective([Share("general", 1.0)], usual) == GENERAL
