import numpy as np
import pytest

from stillwatch.bench.pooling import BEHAVIOURS, METHODS, TAGS, By, cases, draw, lists, measure
from stillwatch.bench.pooling_page import BEGIN, END, page
from stillwatch.share.pooling.finding import bounded
from stillwatch.share.pooling.pool import release
from stillwatch.share.pooling.rules import Rules
from tests.share.pooling.forum import CLOSES, NAMES, Forum, tag, window

BY_NAME = {case.name: case for case in cases() if case.members == 5}


def method(name):
    return next(m for m in METHODS if m.name == name)


@pytest.mark.parametrize("liars", [0, 1])
def test_the_simulation_decides_as_the_protocol_does(liars):
    """Windows go through commitments, proofs and messages too, and come out the same."""
    rng = np.random.default_rng(1)
    case = BY_NAME["one liar" if liars else "honest, strong evidence"]
    features = [f"feature{n}" for n in range(TAGS)]
    found = 0
    for _ in range(8):
        traffic = draw(case, rng)
        told = lists(traffic, method("pooling, 1 liar"), liars)
        of = window()
        forum = Forum(of, dict.fromkeys(NAMES, features))
        rules = Rules()
        for row, name in enumerate(NAMES):
            honest = row < 5 - liars
            factors = bounded(traffic.e[row], rules) if honest else np.full(TAGS, rules.cap)
            posted = traffic.published[row] if honest else np.ones(TAGS, bool)
            said = [
                forum.contribution(name, features[t], float(factors[t]))
                for t in np.flatnonzero(posted)
            ]
            if said:
                assert forum.send(name, *said) == []
        for row in range(5 - liars):
            view = release(forum.pool, NAMES[row], now=CLOSES)
            expected = {tag(of, features[t]) for t in np.flatnonzero(told[row])}
            assert {one.tag for one in view.discoveries} == expected
            found += len(expected)
    assert found > 20


def rates(name, windows=120):
    return {row.method: row for row in measure(BY_NAME[name], windows, seed=3)}


def test_pooling_holds_its_rate_where_the_naive_product_does_not():
    found = rates("no campaign: the same, shared customers")
    assert found["naive product"].fdr[0] > 0.5
    assert found["pooling, 1 liar"].fdr[0] <= 0.05
    found = rates("one liar")
    assert found["naive product"].fdr[0] > 0.5
    assert found["any member"].fdr[0] > 0.5
    assert found["pooling, 1 liar"].fdr[1] <= 0.05


def test_more_liars_than_tolerated_break_the_rate_and_this_is_seen():
    found = rates("two liars together")
    assert found["pooling, 1 liar"].fdr[1] > 0.05
    assert found["pooling, 2 liars"].fdr[0] <= 0.05


def test_strong_evidence_is_found_and_intervals_hold_their_rates():
    found = rates("honest, strong evidence")
    assert found["pooling, 1 liar"].power[1] > 0.3
    for row in found.values():
        for value, low, high in (row.fdr, row.anywhere, row.power, row.further):
            assert 0 <= low <= value <= high <= 1


def test_a_seed_gives_the_same_rows_and_another_gives_others():
    case = BY_NAME["honest"]
    assert measure(case, 20, 1) == measure(case, 20, 1) != measure(case, 20, 2)


def test_cases_have_names_of_their_own_and_enough_honest_members():
    assert len({case.name for case in BEHAVIOURS}) == len(BEHAVIOURS)
    assert all(case.members - case.liars >= 2 for case in cases())
    assert {m.by for m in METHODS} == set(By)


def test_the_page_keeps_what_stands_around_the_figures():
    rows = [
        row for name in ("honest", "no campaign: one liar") for row in measure(BY_NAME[name], 10, 1)
    ]
    once = page(f"before\n{BEGIN}zebra\n{END}after\n", rows)
    assert once.startswith(f"before\n{BEGIN}")
    assert once.endswith(f"{END}after\n")
    assert "zebra" not in once
    assert once.count("| 5 | one liar |") == 1
    assert page(once, rows) == once
