"""Fitting the weights of attribution, and the report on what they say."""

import math
from pathlib import Path

import msgspec
import numpy as np
import pytest

from stillwatch.bench.attribution import Question, questions, see
from stillwatch.bench.attribution_fit import fit, ratios, told_right
from stillwatch.bench.attribution_page import Report, answer, page, report
from stillwatch.share.attribution.likeness import Likeness
from stillwatch.share.attribution.rank import Suspect, chances
from stillwatch.share.attribution.trace import Trace
from stillwatch.share.attribution.weights import Source, shipped

ROOT = Path(__file__).parents[2]
RIGHT = {Trace.CARD: (0.4, 0.6), Trace.FRAMES: (0.5, 0.5)}
"""How often a trace is not shared, and shared by all, where the candidate is right."""
WRONG = {Trace.CARD: (0.98, 0.02), Trace.FRAMES: (0.8, 0.2)}


def question(world: int, rng: np.random.Generator, *, known: bool) -> Question:
    """Five candidates, of which the first is right where `known`."""
    drawn = []
    for place in range(5):
        table = RIGHT if known and place == 0 else WRONG
        likenesses = tuple(
            Likeness(trace, float(rng.choice([0.0, 1.0], p=odds)), 1, 1)
            for trace, odds in table.items()
        )
        drawn.append(Suspect(f"operator {place}", (Source.RECORDED,), likenesses))
    right = [known and place == 0 for place in range(5)]
    return Question(world, 1, "c", "operator 0", 20, {}, False, drawn, right)


def sample(seed: int, count: int) -> list[Question]:
    rng = np.random.default_rng(seed)
    return [question(n % 16, rng, known=rng.random() < 0.6) for n in range(count)]


def test_the_weights_that_questions_were_drawn_with_are_found_again():
    weights = fit(sample(1, 1600), {})
    for trace, odds in RIGHT.items():
        true = [math.log(r / w) for r, w in zip(odds, WRONG[trace], strict=True)]
        table = weights.traces[trace]
        assert [table[0], table[-1]] == pytest.approx(true, abs=0.3)
    assert weights.scale == pytest.approx(1.0, abs=0.15)
    # The prior is 0.6 shared among five candidates beside 0.4 for none.
    assert weights.unknown == pytest.approx(math.log(0.4 / 0.6), abs=0.3)
    assert weights.least_unknown == pytest.approx(3 / 1600, abs=1e-5)


def test_confidence_is_calibrated_on_questions_that_took_no_part():
    weights = fit(sample(1, 1600), {})
    found = report(sample(2, 1600), weights)
    assert found.ece < 0.05
    assert found.brier < 0.6 * found.brier_silent
    for each in found.bins:
        assert each.hits.low - 0.04 < each.stated < each.hits.high + 0.04


def test_traces_that_say_nothing_are_worth_nothing():
    counts = np.array([[400.0, 0, 0, 0, 0, 100], [80.0, 0, 0, 0, 0, 20]])
    assert ratios(counts) == pytest.approx([0.0] * 6, abs=0.05)


def test_more_alike_never_weighs_less_whatever_was_counted():
    counts = np.array([[10.0, 90, 10, 40, 3, 0], [40.0, 2, 30, 1, 9, 5]])
    assert ratios(counts) == sorted(ratios(counts))


def test_an_answer_is_compared_with_the_truth():
    rng = np.random.default_rng(5)
    weights = shipped()
    for n in range(40):
        one = question(1, rng, known=bool(n % 2))
        told = answer(one, weights)
        *each, unknown = chances(one.suspects, weights)
        assert told.known == bool(n % 2)
        assert told.confidence == max(*each, unknown)
        assert told.right == (
            (not told.known) if told.said_unknown else int(np.argmax(each)) == 0 and told.known
        )
        assert told_right(one, weights) == (each[0] if told.known else unknown)


def test_two_names_of_one_operator_are_both_right():
    likeness = Likeness(Trace.CARD, 1.0, 9, 9)
    twice = [Suspect(name, (Source.RECORDED,), (likeness,)) for name in ("A", "B")]
    one = Question(1, 1, "c", "A", 9, {}, False, twice, [True, True])
    weights = shipped()
    assert told_right(one, weights) == pytest.approx(sum(chances(twice, weights)[:-1]))
    assert answer(one, weights).brier < 0.5


def test_the_page_shows_the_committed_report():
    data = (ROOT / "benchmarks/quality/attribution.json").read_bytes()
    found = msgspec.json.decode(data, type=Report)
    assert page(found) in (ROOT / "docs/attribution.md").read_text()


def test_the_report_is_on_other_worlds_than_the_weights():
    used = {int(world) for world in shipped().made["worlds"].split(", ")}
    assert max(used) <= 100, "worlds of the report are above 100"


@pytest.mark.slow
def test_campaigns_of_simulated_operators_are_asked_about(tmp_path):
    seen = [one for place in (0, 1, 2) for one in see(301, place, tmp_path / str(place))]
    asked = questions(seen)
    assert asked
    for one in asked:
        assert len(one.suspects) == len(one.right)
        assert sum(one.right) <= 3
    assert any(any(one.right) for one in asked)
    assert any(not any(one.right) for one in asked)
    sure = [c for q in asked for c in chances(q.suspects, shipped())]
    assert all(0 <= c <= 1 for c in sure)
