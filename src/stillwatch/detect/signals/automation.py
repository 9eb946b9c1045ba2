"""The clock: no night, no day off, gaps like a metronome."""

import numpy as np

from stillwatch.detect import profiles
from stillwatch.detect.features import Line
from stillwatch.detect.population import Population
from stillwatch.detect.signals import measures
from stillwatch.detect.signals.base import Signal, Unit
from stillwatch.stats.arrays import FloatArray


def round_the_clock(population: Population) -> FloatArray:
    """Effective number of hours of the day with events, 1..24; from 24 events.

    The inverse of Simpson's index over the 24 hours (UTC).
    """
    hours = profiles.matrix(population.profiles, profiles.HOURS)
    events = hours.sum(axis=1)
    return measures.where(events >= 24, measures.ratio(events**2, (hours**2).sum(axis=1)))


def no_night(population: Population) -> FloatArray:
    """Share of events in the account's own quietest eight hours in a row, 0..1/3; from 24 events.

    Free of time zones: wherever a person lives, some eight hours are quiet.
    """
    hours = profiles.matrix(population.profiles, profiles.HOURS)
    wrapped = np.cumsum(np.hstack([np.zeros((len(hours), 1)), hours, hours[:, :7]]), axis=1)
    quietest = (wrapped[:, 8:] - wrapped[:, :-8]).min(axis=1)
    events = hours.sum(axis=1)
    return measures.where(events >= 24, measures.ratio(quietest, events))


def no_day_off(population: Population) -> FloatArray:
    """Active days over days from first to last event; from 7 days."""
    days = _span(population)
    return measures.where(days >= 7, population.pace_values("active_days") / days)


def no_weekend(population: Population) -> FloatArray:
    """Share of events in the account's own quietest two days in a row of the week, 0..2/7.

    From 14 days between first and last event and 24 events. Free of custom: whichever days a place
    rests, some two are quiet.
    """
    hourly = population.hourly
    weekday = hourly.slot // 24 % 7
    cell = hourly.account.astype(np.int64) * 7 + weekday
    days = np.bincount(cell, hourly.count, 7 * population.size).reshape(-1, 7)
    quietest = (days + np.roll(days, -1, axis=1)).min(axis=1)
    events = days.sum(axis=1)
    enough = (_span(population) >= 14) & (events >= 24)
    return measures.where(enough, measures.ratio(quietest, events))


def _span(population: Population) -> FloatArray:
    """Days from first to last event, both counted."""
    first, last = (
        np.floor(population.seconds(name) / measures.DAY) for name in ("first_seen", "last_seen")
    )
    return np.asarray(last - first + 1)


def regular_gaps(population: Population) -> FloatArray:
    """1 over 1 plus the variance of ln(1 + seconds) between events, 0..1; from 8 gaps."""
    gaps = population.pace_values("gaps")
    mean = measures.ratio(population.pace_values("log_gap_sum"), gaps)
    variance = measures.ratio(population.pace_values("log_gap_squared"), gaps) - mean**2
    return measures.where(gaps >= 8, 1 / (1 + np.maximum(variance, 0)))


def gaps_at_mode(population: Population) -> FloatArray:
    """Shrunken share of gaps of the account's most common length, to the second; from 8 gaps."""
    gaps = population.pace_values("gaps")
    at_mode = population.pace_values("gaps_at_mode")
    others = np.maximum(gaps - 1, 0)
    return measures.where(gaps >= 8, np.maximum(at_mode - 1, 0) / (others + measures.PRIOR_EVENTS))


SIGNALS = (
    Signal(
        "round_the_clock",
        Line.PACE,
        round_the_clock,
        "active around the clock: {value} hours of the day evenly used (typical {typical})",
    ),
    Signal(
        "no_night",
        Line.PACE,
        no_night,
        "{value} of its events fall in its quietest eight hours (typical {typical})",
        Unit.SHARE,
    ),
    Signal(
        "no_day_off",
        Line.PACE,
        no_day_off,
        "active on {value} of days (typical {typical})",
        Unit.SHARE,
    ),
    Signal(
        "no_weekend",
        Line.PACE,
        no_weekend,
        "{value} of its events fall on its two quietest days of the week (typical {typical})",
        Unit.SHARE,
    ),
    Signal(
        "regular_gaps",
        Line.PACE,
        regular_gaps,
        "gaps between events are {value} regular (typical {typical})",
        Unit.SHARE,
    ),
    Signal(
        "gaps_at_mode",
        Line.PACE,
        gaps_at_mode,
        "about {value} of gaps have one length to the second (typical {typical})",
        Unit.SHARE,
    ),
)
