"""P-values: exact ranks, uniform under the null, conservative under contamination."""

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from stillwatch.detect import calibration
from stillwatch.detect.calibration import Reference, calibrate, cohorts, combined_score
from stillwatch.detect.features import Line
from stillwatch.detect.signals import Signal, Unit
from stillwatch.errors import InputError
from tests.signals.build import event, population


class _Sized:
    """A population of which signals here need only the size."""

    def __init__(self, size):
        self.size = size


def _signal(name, values, line=Line.CONTENT, why=None):
    values = np.asarray(values, np.float64)
    return Signal(name, line, lambda _: values, "{value} of {typical}", Unit.NUMBER, lambda _: why)


def _calibrate(signals, size, background, cohort=None, **more):
    codes = np.zeros(size, np.int64) if cohort is None else cohort
    return calibrate(signals, _Sized(size), background, codes, **more)


def test_ranks_against_the_others_of_the_background():
    background = np.array([True, True, True, False, False])
    findings = _calibrate([_signal("s", [1, 2, 2, 5, np.nan])], 5, background)
    # three in the background: each against the two others; one outside against all three
    assert findings.p_values["s"].tolist() == pytest.approx(
        [1, 2 / 3, 2 / 3, 1 / 4, np.nan], nan_ok=True
    )
    assert findings.typical == {"s": 2.0}
    assert findings.accounts == 3
    assert findings.smallest_p == 1 / 4
    assert findings.p_value[3] == 1 / 4
    assert findings.p_value[4] == 1  # nothing known, nothing held against it


def test_without_background_nothing_is_unusual():
    findings = _calibrate([_signal("s", [1, 9])], 2, np.zeros(2, bool))
    assert findings.p_values["s"].tolist() == [1, 1]
    assert findings.p_value.tolist() == [1, 1]


def test_a_cohort_is_judged_by_its_own(monkeypatch):
    monkeypatch.setattr(calibration, "COHORT_MINIMUM", 3)
    values = [1, 2, 3, 3, 101, 102, 103, 103, 200]
    # two scripts of one bucket of events, then another bucket with too few for a null of its own
    cohort = np.array([16, 16, 16, 16, 17, 17, 17, 17, 32])
    background = np.array([1, 1, 1, 0, 1, 1, 1, 0, 0], bool)
    found = _calibrate([_signal("s", values)], 9, background, cohort)
    assert found.p_values["s"][[3, 7, 8]].tolist() == [2 / 4, 2 / 4, 1 / 7]


def test_a_small_script_is_judged_by_accounts_with_as_many_events(monkeypatch):
    monkeypatch.setattr(calibration, "COHORT_MINIMUM", 3)
    values = [10, 20, 30, 1, 2, 3, 15]
    cohort = np.array([17, 17, 17, 33, 33, 33, 18])
    background = np.array([1, 1, 1, 1, 1, 1, 0], bool)
    found = _calibrate([_signal("s", values)], 7, background, cohort)
    assert found.p_values["s"][6] == 3 / 4


def test_cohorts_are_powers_of_four_and_scripts(tmp_path):
    events = [event("a", m, script=1) for m in range(3)]
    events += [event("b", m, script=8) for m in range(4)]
    events += [event("c", m, script=8) for m in range(16)]
    assert cohorts(population(events, tmp_path)).tolist() == [1, 16 + 8, 32 + 8]


@pytest.mark.parametrize("dependence", [0.0, 0.9])
def test_null_accounts_are_rejected_at_the_nominal_rate(dependence):
    """Realised false-positive rates of exchangeable accounts, with dependent and tied signals."""
    rng = np.random.default_rng(5)
    size, runs, levels = 1500, 40, (0.1, 0.01)
    rejected = {(who, level): 0 for who in ("background", "others") for level in levels}
    single = dict(rejected)
    background = np.arange(size) < 1000
    for _ in range(runs):
        common = rng.normal(size=size)
        signals = []
        for number, line in enumerate([*Line, *Line]):
            own = dependence * common + (1 - dependence) * rng.normal(size=size)
            signals.append(_signal(f"s{number}", np.round(own, number % 3), line))
        findings = _calibrate(signals, size, background)
        for who, rows in (("background", background), ("others", ~background)):
            for level in levels:
                rejected[who, level] += int((findings.p_value[rows] <= level).sum())
                single[who, level] += int((findings.p_values["s2"][rows] <= level).sum())
    for counts in (rejected, single):
        for (who, level), count in counts.items():
            trials = runs * (1000 if who == "background" else 500)
            # accounts of one run share their background, so allow for more than binomial noise
            spread = np.sqrt(trials * level * (1 - level) * (1.5 if who == "others" else 1.0))
            assert count <= trials * level + 3.5 * spread, (who, level, count / trials)
            assert count >= 0.5 * trials * level, (who, level, count / trials)


def test_p_values_of_the_null_are_uniform():
    rng = np.random.default_rng(6)
    background = np.arange(6000) < 4000
    signals = [_signal(f"s{i}", rng.normal(size=6000), line) for i, line in enumerate(Line)]
    findings = _calibrate(signals, 6000, background)
    for p in (findings.p_value, *findings.p_values.values()):
        assert stats.kstest(p[~background], "uniform").pvalue > 1e-3
        assert stats.kstest(p[background], "uniform").pvalue > 1e-3


def test_contamination_costs_power_never_validity():
    rng = np.random.default_rng(7)
    values = rng.normal(size=4000)
    values[:80] += 6  # attackers that hide in the background
    background = np.arange(4000) < 2000
    honest = ~background
    found = _calibrate([_signal("s", values)], 4000, background)
    assert (found.p_value[honest] <= 0.04).mean() < 0.04
    assert found.p_value[honest].min() > 0.03


def test_lines_add_up_and_one_line_is_counted_once():
    lines = {"a": Line.PACE, "b": Line.PACE, "c": Line.CONTENT}
    p_values = {
        "a": np.array([1e-3, 1e-3, 1e-3, np.nan]),
        "b": np.array([1.0, 1e-3, 1.0, np.nan]),
        "c": np.array([1.0, 1.0, 1e-3, np.nan]),
    }
    alone, one_line, two_lines, unknown = combined_score(lines, p_values, 4)
    assert two_lines > one_line > alone > unknown
    assert alone == pytest.approx(1 / np.tan(np.pi / 2 * 2e-3) / 2)  # Simes: two of a line
    assert one_line == pytest.approx(2 * alone, rel=1e-4)
    assert unknown == pytest.approx(0, abs=1e-12)
    assert combined_score({}, {}, 2).tolist() == [0, 0]


def test_reasons_are_the_few_most_unusual_with_numbers():
    size = 400
    background = np.arange(size) > 0
    rng = np.random.default_rng(8)
    names = ("odd", "odder", "usual")
    signals = [_signal(name, rng.uniform(size=size)) for name in names]
    signals[0].measure(None)[:2] = (1.5, 1.6)  # one of the background is as odd
    signals[1].measure(None)[0] = 12_345
    signals[2].measure(None)[0] = 0.5
    findings = _calibrate(signals, size, background)
    reasons = findings.reasons(0)
    assert [reason.split(",")[0][:2] for reason in reasons] == ["12", "1."]
    assert reasons[0].startswith("12,345 of 0.")
    assert reasons[0].endswith(", p 0.0025")
    assert len(findings.reasons(0, most=1)) == 1


def test_signals_without_data_are_off_with_a_reason():
    findings = _calibrate(
        [_signal("on", [1, 2]), _signal("off", [1, 2], why="no list")], 2, np.ones(2, bool)
    )
    assert [(s.name, s.on, s.why) for s in findings.statuses] == [
        ("on", True, ""),
        ("off", False, "no list"),
    ]
    assert list(findings.p_values) == ["on"]


def test_a_reference_replaces_the_background_of_the_day():
    rng = np.random.default_rng(9)
    stored = _calibrate([_signal("s", rng.normal(size=999))], 999, np.ones(999, bool)).reference(
        np.ones(999, bool), np.ones(999, bool), np.zeros(999, np.int64)
    )
    today = [_signal("s", [9.0, 0.0, np.nan]), _signal("new", [1, 1, 1])]
    findings = _calibrate(today, 3, np.ones(3, bool), reference=stored)
    assert findings.p_values["s"][0] == pytest.approx(1 / 1000)
    assert findings.p_values["s"][1] == pytest.approx(0.5, abs=0.1)
    assert np.isnan(findings.p_values["s"][2])
    assert findings.accounts == 999
    assert findings.p_value[0] == pytest.approx(1 / 1000)
    assert findings.statuses[1].why == "the reference does not know this signal"


def test_a_reference_with_other_signals_ranks_combined_scores_on_the_day():
    def reference_of(*names):
        signals = [_signal(name, np.arange(99.0)) for name in names]
        everyone = np.ones(99, bool)
        cohort = np.zeros(99, np.int64)
        return _calibrate(signals, 99, everyone).reference(everyone, everyone, cohort)

    today = [_signal("a", np.arange(9.0))]
    findings = _calibrate(today, 9, np.ones(9, bool), reference=reference_of("a", "gone"))
    assert findings.accounts == 9
    assert findings.p_values["a"][0] == 1
    assert findings.smallest_p == 1 / 10


def test_a_reference_is_read_from_a_table_and_names_what_is_missing():
    table = pa.table({"cohort": [1, 2], "s": [0.5, np.nan]})
    read = Reference.from_table(table, np.array([3.0, 4.0]))
    assert read.cohort.tolist() == [1, 2]
    assert read.combined.tolist() == [3, 4]
    np.testing.assert_array_equal(read.measures["s"], [0.5, np.nan])
    with pytest.raises(InputError, match="no column 'cohort'"):
        Reference.from_table(pa.table({"s": [1.0]}), np.zeros(1))


def test_ordinary_accounts_of_the_day_give_uniform_p_values():
    """Members of benign clusters, unusual together, are no outliers among ordinary accounts."""
    rng = np.random.default_rng(12)
    values = np.concatenate([rng.normal(size=900), rng.normal(3, 1, 100)])
    background = np.arange(1000) < 900
    found = _calibrate([_signal("s", values)], 1000, background)
    assert (found.p_value <= 0.05).mean() > 0.1
    ranked = found.ranked_among(np.ones(1000, bool))
    for level in (0.05, 0.2, 0.5):
        assert (ranked.p_value <= level).mean() <= level
    assert (ranked.p_value <= 0.5).mean() == pytest.approx(0.5, abs=0.01)
    assert (ranked.accounts, ranked.smallest_p) == (1000, 1 / 1001)
    np.testing.assert_array_equal(ranked.score, found.score)


def test_progress_is_told_of_each_signal():
    told = []
    _calibrate([_signal("a", [1]), _signal("b", [1])], 1, np.ones(1, bool), progress=told.append)
    assert told == ["a", "b"]
