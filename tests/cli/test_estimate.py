"""The time left: honest about what it does not know, right where stages go as they usually do."""

import re
from pathlib import Path

import pytest

from stillwatch import detect
from stillwatch.cli.estimate import SCAN, Estimate, wording


class Clock:
    """A clock that a test sets."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_nothing_is_claimed_before_something_is_known(clock: Clock) -> None:
    estimate = Estimate({"read": 1.0, "test": 1.0}, clock)
    assert estimate.remaining() is None
    estimate.start("read", 1000)
    clock.now += 60
    assert estimate.remaining() is None
    estimate.advance(10)  # half a percent of the whole
    assert estimate.remaining() is None


def test_the_pace_of_a_stage_that_says_how_far_it_is_holds_for_the_rest(clock: Clock) -> None:
    estimate = Estimate({"read": 3.0, "test": 1.0}, clock)
    estimate.start("read", 100)
    clock.now += 30
    estimate.advance(50)
    assert estimate.remaining() == pytest.approx(30 + 20)


def test_a_silent_stage_counts_down_and_then_waits(clock: Clock) -> None:
    estimate = Estimate({"read": 2.0, "link": 2.0, "test": 1.0}, clock)
    estimate.start("read", 10)
    clock.now += 20
    estimate.finish()
    assert estimate.remaining() == pytest.approx(30)
    estimate.start("link", None)
    for gone, left in ((5, 25), (20, 10), (100, 10)):
        clock.now = 1020 + gone
        assert estimate.remaining() == pytest.approx(left)
    estimate.start("test", None)  # ends the stage before; it was slow, so the last will be
    assert estimate.remaining() == pytest.approx(120 / 4)


def test_stages_that_nobody_weighed_change_nothing(clock: Clock) -> None:
    estimate = Estimate({"read": 1.0, "test": 1.0}, clock)
    estimate.start("read", 1)
    clock.now += 10
    estimate.finish()
    estimate.start("surprise", None)
    clock.now += 500
    assert estimate.remaining() == pytest.approx(10)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, ""),
        (0.0, "less than a minute left"),
        (59.9, "less than a minute left"),
        (61.0, "about 1 min left"),
        (3540.0, "about 59 min left"),
        (7200.0, "about 2 h left"),
    ],
)
def test_the_time_left_is_said_roughly(seconds: float | None, said: str) -> None:
    assert wording(seconds) == said


def test_every_stage_that_a_scan_reports_has_a_weight() -> None:
    sources = Path(detect.__file__).parent.rglob("*.py")
    begun = r"(?:progress|watch)\.start\(\"([^\"]+)\""
    stages = {name for source in sources for name in re.findall(begun, source.read_text())}
    assert stages == set(SCAN)
