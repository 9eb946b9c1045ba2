"""How much an account uses: volume, spikes, length of answers, limits."""

import numpy as np

from stillwatch.detect.features import Line
from stillwatch.detect.population import Population
from stillwatch.detect.signals import measures
from stillwatch.detect.signals.base import Signal, Unit
from stillwatch.stats.arrays import FloatArray


def volume(population: Population) -> FloatArray:
    """Events per active day."""
    return measures.ratio(
        measures.column(population, "events"), population.pace_values("active_days")
    )


def spike(population: Population) -> FloatArray:
    """Events in the busiest hour over the mean of active hours; from 4 active hours."""
    hours = population.pace_values("active_hours")
    mean = measures.ratio(measures.column(population, "events"), hours)
    return measures.where(hours >= 4, measures.ratio(population.pace_values("peak_hour"), mean))


def flat_load(population: Population) -> FloatArray:
    """Mean over maximum of events per active day; from 4 active days.

    People have busy and quiet days. An account that is driven at a quota stays near its maximum.
    """
    days = population.pace_values("active_days")
    return measures.where(days >= 4, measures.ratio(volume(population), _peak_day(population)))


def at_the_limit(population: Population) -> FloatArray:
    """Shrunken share of events refused for their rate (status 429)."""
    return measures.rate(population, "rate_limited")


def long_answers(population: Population) -> FloatArray:
    """Mean output tokens per event, shrunken: a harvest wants long answers."""
    return measures.shrunken_rate(
        measures.column(population, "output_tokens"), measures.column(population, "events")
    )


def young_at_full_use(population: Population) -> FloatArray:
    """Events on the busiest day, per day of the account's age when last seen (at least one day).

    Large where a new account is at once at its maximum.
    """
    age = (population.seconds("last_seen") - population.signup_seconds()) / measures.DAY
    return _peak_day(population) / np.maximum(age, 1.0)


def full_from_start(population: Population) -> FloatArray:
    """Events in the first 24 hours over those in the busiest such stretch, 0..1.

    For accounts first seen at least a day after the log begins and active in 4 stretches of 24
    hours since. People try a service before they use it; a replacement starts at its quota.
    """
    hourly = population.hourly
    first = np.full(population.size, np.iinfo(np.int64).max)
    np.minimum.at(first, hourly.account, hourly.slot)
    stretch = (hourly.slot - first[hourly.account]) // 24
    # rows are sorted by account and slot, so each stretch is one run
    changes = (np.diff(hourly.account, prepend=-1) != 0) | (np.diff(stretch, prepend=-1) != 0)
    starts = np.flatnonzero(changes)
    load = np.add.reduceat(hourly.count, starts).astype(np.float64)
    owner = hourly.account[starts]
    busiest = np.zeros(population.size)
    np.maximum.at(busiest, owner, load)
    opening = np.zeros(population.size)
    opening[owner[::-1]] = load[::-1]
    stretches = np.bincount(owner, minlength=population.size)
    begin = population.first_seen.timestamp()
    enough = (stretches >= 4) & (population.seconds("first_seen") >= begin + measures.DAY)
    return measures.where(enough, measures.ratio(opening, busiest))


def _peak_day(population: Population) -> FloatArray:
    return population.pace_values("peak_day")


SIGNALS = (
    Signal("volume", Line.PACE, volume, "{value} events per active day (typical {typical})"),
    Signal(
        "spike",
        Line.PACE,
        spike,
        "its busiest hour has {value} times its mean hour (typical {typical})",
    ),
    Signal(
        "flat_load",
        Line.PACE,
        flat_load,
        "its mean day reaches {value} of its busiest day (typical {typical})",
        Unit.SHARE,
    ),
    Signal(
        "full_from_start",
        Line.LIFECYCLE,
        full_from_start,
        "its first day reached {value} of its busiest (typical {typical})",
        Unit.SHARE,
    ),
    Signal(
        "at_the_limit",
        Line.PACE,
        at_the_limit,
        "about {value} of its events hit the rate limit (typical {typical})",
        Unit.SHARE,
        measures.needs_counts("has status 429", "rate_limited"),
    ),
    Signal(
        "long_answers",
        Line.CONTENT,
        long_answers,
        "about {value} output tokens per event (typical {typical})",
        unavailable=measures.needs_counts("has output_tokens", "output_tokens"),
    ),
    Signal(
        "young_at_full_use",
        Line.LIFECYCLE,
        young_at_full_use,
        "busiest day of {value} events per day of its age (typical {typical})",
        unavailable=measures.needs_account_columns("created_at"),
    ),
)
