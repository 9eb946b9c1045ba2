"""Structured queries, complexity, coverage, elicitation and harvest formats."""

import numpy as np
import pytest

from stillwatch.detect.signals import complexity, elicitation, harvest, structure, sweep
from stillwatch.events.markers import Marker
from tests.signals.build import event, population


def test_one_frame_with_new_fillings_stands_out(tmp_path):
    framed = [event("framed", m, opening=7, content=m) for m in range(20)]
    repeated = [event("repeats", m, opening=7, content=5) for m in range(20)]
    varied = [event("varied", m, opening=m, content=m) for m in range(20)]
    single = [event("single", 0, opening=7)]
    measure = structure.one_opening(population(framed + repeated + varied + single, tmp_path))
    assert measure.tolist() == pytest.approx([19 / 27, 0, np.nan, 0], nan_ok=True)


@pytest.mark.parametrize(
    ("part", "measure"), [("template", structure.one_template), ("closing", structure.one_closing)]
)
def test_templates_and_closings_are_measured_like_openings(tmp_path, part, measure):
    events = [event("a", m, content=m, **{part: 3}) for m in range(9)]
    events += [event("b", m, content=m, **{part: m}) for m in range(9)]
    assert measure(population(events, tmp_path)).tolist() == [0.5, 0]


def test_template_concentration_is_one_minus_normalised_entropy(tmp_path):
    events = [event("one", m, template=1) for m in range(8)]
    events += [event("own", m, template=m) for m in range(8)]
    events += [event("two", m, template=m % 2) for m in range(8)]
    events += [event("zero", m) for m in range(4)]
    measure = structure.template_concentration(population(events, tmp_path))
    assert measure.tolist() == pytest.approx([1, 0, 1 - np.log(2) / np.log(8), np.nan], nan_ok=True)


def test_complexity_is_a_shrunken_mean(tmp_path):
    events = [event("a", m, constraints=6, nesting=3, entropy=7) for m in range(8)]
    events += [event("b", m, constraints=0, nesting=1, entropy=3) for m in range(8)]
    everyone = population(events, tmp_path)
    assert complexity.constraints(everyone).tolist() == [4.5, 1.5]
    assert complexity.nesting(everyone).tolist() == [2.5, 1.5]
    assert complexity.word_entropy(everyone).tolist() == [6, 4]


def test_even_length(tmp_path):
    events = [event("even", m, words=50) for m in range(6)]
    events += [event("uneven", m, words=1 + 99 * (m % 2)) for m in range(6)]
    events += [event("zero", 0, words=50)]
    measure = complexity.even_length(population(events, tmp_path))
    assert measure.tolist() == pytest.approx([1, 50.5**2 / 5000.5, np.nan], nan_ok=True)


def test_a_sweep_covers_rare_words_once_each(tmp_path):
    # every word is known to one other account, so none is unique and all are rare
    pairs = [[1000 * (8 * m + i) for i in range(1, 9)] for m in range(10)]
    shifted = [[w * 2**8 for w in words] for words in pairs]
    events = [event("sweep", m, sketch=words) for m, words in enumerate(shifted)]
    events += [event("other", m, sketch=words) for m, words in enumerate(shifted)]
    events += [event("topic", m, sketch=shifted[0]) for m in range(10)]
    events += [event("unique", m, sketch=[2**31 + 2**9 * m]) for m in range(10)]
    events += [event("zero", 0, sketch=shifted[0])]
    everyone = population(events, tmp_path)
    novelty, coverage = sweep.word_novelty(everyone), sweep.coverage_sweep(everyone)
    # sorted: other, sweep, topic, unique, zero
    assert novelty.tolist() == pytest.approx([1, 1, 0.1, 1, np.nan], nan_ok=True)
    assert coverage[1] > 5 * coverage[2]
    assert coverage[3] == 0  # words of one account alone may be names or noise
    assert np.isnan(coverage[4])


def test_prompts_sent_once(tmp_path):
    events = [event("new", m, content=m) for m in range(8)]
    events += [event("same", m, content=1) for m in range(8)]
    assert sweep.never_repeated(population(events, tmp_path)).tolist() == [0.75, 0.25]


def test_each_marker_has_its_signal(tmp_path):
    markers = list(elicitation.ELICITED)
    events = [
        event(f"a{i}", m, markers=int(marker)) for i, marker in enumerate(markers) for m in range(8)
    ]
    everyone = population(events, tmp_path)
    for number, marker in enumerate(markers):
        signal = next(s for s in elicitation.SIGNALS if s.name.endswith(str(marker.name).lower()))
        only = [(8 * (number == i) + 1) / 16 for i in range(8)]
        assert signal.measure(everyone).tolist() == only


def test_one_event_of_one_is_not_extreme(tmp_path):
    grading = int(Marker.GRADING)
    events = [event("once", 0, markers=grading)]
    events += [event("often", m, markers=grading if m % 10 else 0) for m in range(200)]
    events += [event(f"z{i}", 0) for i in range(18)]
    signal = next(s for s in elicitation.SIGNALS if s.name == "elicits_grading")
    measure = signal.measure(population(events, tmp_path))
    often, once = measure[0], measure[1]  # sorted: often, once
    assert once < 0.25
    assert often > 0.8


def test_training_formats_and_echoes(tmp_path):
    records, thinking = int(Marker.RECORDS), int(Marker.THINKING)
    events = [
        event("h", m, markers=records, completion_markers=thinking, completion_passages=[m + 1] * 2)
        for m in range(8)
    ]
    events += [event("n", m, completion_markers=0) for m in range(8)]
    events += [event("unlogged", m) for m in range(8)]
    everyone = population(events, tmp_path)
    assert harvest.training_format_asked(everyone).tolist() == pytest.approx(
        [(8 + 8 / 3) / 16, 1 / 6, 1 / 6]
    )
    assert harvest.training_format_answered(everyone).tolist() == pytest.approx(
        [0.75, 0.25, np.nan], nan_ok=True
    )


def test_an_answer_that_comes_back_is_an_echo(tmp_path):
    answers = [event("a", m, completion_markers=0, completion_passages=[11, 12]) for m in range(8)]
    back = [event("b", 100 + m, passages=[11, 12]) for m in range(8)]
    measure = harvest.echo(population(answers + back, tmp_path))
    assert measure[1] > measure[0]
    assert measure[1] == pytest.approx(0.75)


def test_completion_signals_are_off_without_completions(tmp_path):
    silent = population([event("a")], tmp_path)
    off = {s.name for s in harvest.SIGNALS if s.unavailable(silent)}
    assert off == {"training_format_answered", "echo"}
