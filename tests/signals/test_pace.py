"""Volume, spikes and the clock."""

from datetime import timedelta

import numpy as np
import pytest

from stillwatch.detect.signals import automation, volume
from tests.signals.build import START, event, population

DAY = 24 * 60


def test_volume_is_events_per_active_day(tmp_path):
    events = [event("a", m) for m in range(30)] + [event("a", DAY * 3)]
    assert volume.volume(population(events, tmp_path)).tolist() == [31 / 2]


def test_spike_compares_the_busiest_hour_with_the_mean_active_hour(tmp_path):
    spiky = [event("a", 60 * h) for h in range(3)] + [event("a", 180 + m) for m in range(5)]
    short = [event("b", 60 * h) for h in range(3)]
    assert volume.spike(population(spiky + short, tmp_path)).tolist() == pytest.approx(
        [5 / (8 / 4), np.nan], nan_ok=True
    )


def test_flat_load_is_one_for_a_quota_and_less_for_a_person(tmp_path):
    robot = [event("robot", DAY * d + m) for d in range(5) for m in range(10)]
    person = [event("person", DAY * d + m) for d in range(5) for m in range(1 + 3 * d)]
    few = [event("zoe", DAY * d) for d in range(3)]
    measure = volume.flat_load(population(robot + person + few, tmp_path))
    assert measure.tolist() == pytest.approx([7 / 13, 1.0, np.nan], nan_ok=True)


def test_full_from_start_sees_who_begins_at_the_maximum(tmp_path):
    veteran = [event("old", DAY * d) for d in range(9)]
    replacement = [event("new", DAY * (2 + d) + m) for d in range(5) for m in range(20)]
    newcomer = [event("try", DAY * (2 + d) + m) for d in range(5) for m in range(1 + 5 * d)]
    measure = volume.full_from_start(population(veteran + replacement + newcomer, tmp_path))
    assert measure.tolist() == pytest.approx([1.0, np.nan, 1 / 21], nan_ok=True)


def test_young_at_full_use_divides_the_busiest_day_by_the_age(tmp_path):
    accounts = {
        "new": {"created_at": START - timedelta(hours=1)},
        "old": {"created_at": START - timedelta(days=50)},
    }
    events = [event(name, m) for name in ("new", "old", "unknown") for m in range(10)]
    measure = volume.young_at_full_use(population(events, tmp_path, accounts))
    assert measure[0] == 10
    assert measure[1] == pytest.approx(10 / 50, rel=0.01)
    assert np.isnan(measure[2])


def test_limits_and_long_answers_are_shrunken(tmp_path):
    events = [event("a", m, status=429, output_tokens=900) for m in range(40)]
    events += [event(f"b{i}", 0, status=200, output_tokens=100) for i in range(9)]
    everyone = population(events, tmp_path)
    assert volume.at_the_limit(everyone)[0] == pytest.approx((40 + 0.8) / 48)
    assert volume.long_answers(everyone)[1] == pytest.approx((100 + 8 * 180) / 9)


def test_a_clock_and_a_person(tmp_path):
    clock = [event("clock", 47 * m) for m in range(400)]
    person = [
        event("person", DAY * d + 9 * 60 + 31 * i + (d * 7 + i * i) % 29)
        for d in range(14)
        for i in range(14)
        if d % 7 < 5
    ]
    everyone = population(clock + person, tmp_path)
    assert automation.round_the_clock(everyone)[0] > 23
    assert automation.round_the_clock(everyone)[1] < 10
    assert automation.no_night(everyone)[0] > 0.3
    assert automation.no_night(everyone)[1] == 0
    assert automation.no_day_off(everyone).tolist() == [1.0, 10 / 12]
    assert automation.regular_gaps(everyone)[0] == pytest.approx(1.0)
    assert automation.regular_gaps(everyone)[1] < 0.6
    assert automation.gaps_at_mode(everyone)[0] == pytest.approx(398 / 406)
    assert automation.gaps_at_mode(everyone)[1] < 0.3


def test_no_weekend_takes_whichever_two_days_are_quiet(tmp_path):
    always = [event("always", 60 * 5 * h) for h in range(24 * 4)]
    friday_off = [
        event("rests", DAY * d + m) for d in range(20) if d % 7 not in (4, 5) for m in (1, 2)
    ]
    measure = automation.no_weekend(population(always + friday_off, tmp_path))
    assert measure[0] > 0.2
    assert measure[1] == 0


def test_few_events_say_nothing_of_the_clock(tmp_path):
    few = population([event("a", 60 * 24 * d) for d in range(5)], tmp_path)
    for signal in automation.SIGNALS:
        assert np.isnan(signal.measure(few)).all(), signal.name


def test_sums_over_gaps_do_not_depend_on_the_order_of_addition(tmp_path):
    rng = np.random.default_rng(3)
    events = [event(f"a{i % 7}", m) for i, m in enumerate(rng.uniform(0, 9999, 3000))]
    pace = population(events, tmp_path).pace
    for name in ("log_gap_sum", "log_gap_squared"):
        millionths = pace[name].to_numpy() * 1e6
        np.testing.assert_allclose(millionths, np.round(millionths), rtol=0, atol=1e-3)
