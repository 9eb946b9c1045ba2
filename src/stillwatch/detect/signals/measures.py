"""Arithmetic that signals share: shrunken rates, counts per account, reasons to be off."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from stillwatch.detect import profiles
from stillwatch.detect.features import Family, FamilyCounts
from stillwatch.detect.population import Population
from stillwatch.detect.signals.base import Availability
from stillwatch.stats.arrays import BoolArray, FloatArray

PRIOR_EVENTS: Final = 8.0
"""Weight of the prior in events: one event of one moves a rate by a ninth of the way to 1."""

DAY: Final = 86_400.0
"""Seconds."""


def column(population: Population, name: str) -> FloatArray:
    """Return one profile column as float64."""
    return np.asarray(profiles.values(population.profiles, name), np.float64)


def shrunken_rate(hits: FloatArray, of: FloatArray) -> FloatArray:
    """Return the posterior mean of each account's rate under one Beta prior.

    The prior has the mean rate of all accounts and the weight of `PRIOR_EVENTS` events, so that a
    single event that hits is not a rate of one. The same formula shrinks means that exceed one.

    Args:
        hits: events with the behaviour, or a sum over events.
        of: events that could have had it.

    Returns:
        Rates, between the account's own and the population's; NaN where `of` is 0.
    """
    known = of > 0
    own = np.divide(hits, of, out=np.full(of.shape, np.nan), where=known)
    mean = own[known].mean() if known.any() else 0.0
    return where(known, (hits + PRIOR_EVENTS * mean) / (of + PRIOR_EVENTS))


def rate(population: Population, *names: str, of: str = "events") -> FloatArray:
    """Return the shrunken rate of the most frequent of several counted behaviours.

    The largest count is a lower bound of the events that show any of them, however they overlap.
    """
    hits = np.max([column(population, name) for name in names], axis=0)
    return shrunken_rate(hits, column(population, of))


def where(enough: BoolArray, measure: FloatArray) -> FloatArray:
    """Return the measure where the account has enough data, NaN elsewhere."""
    return np.asarray(np.where(enough, measure, np.nan))


def ratio(top: FloatArray, bottom: FloatArray) -> FloatArray:
    """Return a quotient that is NaN where the divisor is 0."""
    return np.asarray(
        np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom > 0), np.float64
    )


def family(population: Population, name: Family) -> FamilyCounts:
    """Return the counts of one family, empty where this population has none."""
    nothing = np.empty(0, np.int32)
    empty = FamilyCounts.of(nothing, np.empty(0, np.uint64), nothing, nothing)
    return population.features.get(name, empty)


def events_with(account: NDArray[np.int32], events: NDArray[np.int32], accounts: int) -> FloatArray:
    """Return the sum of `events` over the rows of each account."""
    return np.bincount(account, events, accounts).astype(np.float64)


def distinct(counts: FamilyCounts, accounts: int) -> FloatArray:
    """Return how many values of a family each account carries."""
    return np.bincount(counts.account, minlength=accounts).astype(np.float64)


def most_common(counts: FamilyCounts, accounts: int) -> FloatArray:
    """Return the events of each account that carry its most common value."""
    top = np.zeros(accounts)
    if counts.account.size:
        owners, starts = np.unique(counts.account, return_index=True)
        top[owners] = np.maximum.reduceat(counts.count, starts)
    return top


def needs_counts(what: str, *names: str) -> Availability:
    """Return an availability that asks for at least one event in the named profile columns."""

    def unavailable(population: Population) -> str | None:
        if any(column(population, name).any() for name in names):
            return None
        return f"no event of this log {what}"

    return unavailable


def needs_account_columns(*names: str) -> Availability:
    """Return an availability that asks for an accounts table with a value in each column."""

    def unavailable(population: Population) -> str | None:
        if population.accounts is None:
            return "no accounts table was given"
        for name in names:
            known = population.accounts[name]
            if known.null_count == len(known):
                return f"the accounts table has no {name}"
        return None

    return unavailable
