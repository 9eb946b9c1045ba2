"""Novelty and coverage: ever new topics, rare words touched once each."""

from typing import Final

import numpy as np

from stillwatch.detect.features import Family, Line
from stillwatch.detect.population import Population
from stillwatch.detect.signals import measures
from stillwatch.detect.signals.base import Signal, Unit
from stillwatch.stats.arrays import BoolArray, FloatArray

RARE_SHARE: Final = 0.01
"""A word is rare where at most this share of accounts uses it (and at least two do)."""

_BUCKET_BITS: Final = 24


def never_repeated(population: Population) -> FloatArray:
    """Shrunken share of prompts that the account sent only once."""
    contents = measures.family(population, Family.CONTENT)
    once = np.bincount(contents.account[contents.count == 1], minlength=population.size)
    return measures.shrunken_rate(once.astype(np.float64), measures.column(population, "events"))


def word_novelty(population: Population) -> FloatArray:
    """Distinct words over all words of the account's sketches: low overlap of its own prompts.

    From 5 events. A person returns to topics; a sweep does not.
    """
    sketches = population.sketches
    all_words = measures.events_with(sketches.account, sketches.count, population.size)
    words = np.bincount(sketches.account, minlength=population.size).astype(np.float64)
    enough = measures.column(population, "events") >= 5
    return measures.where(enough, measures.ratio(words, all_words))


def coverage_sweep(population: Population) -> FloatArray:
    """Effective number of rare words per event: broad and even coverage; from 5 events.

    The effective number is the squared sum of an account's word counts over the sum of their
    squares (the inverse of Simpson's index), so a word used often adds less than many used once.
    """
    sketches = population.sketches
    rare = _rare(population)
    account = sketches.account[rare]
    count = sketches.count[rare].astype(np.float64)
    total = np.bincount(account, count, population.size)
    squares = np.bincount(account, count**2, population.size)
    events = measures.column(population, "events")
    effective = np.divide(total**2, squares, out=np.zeros(population.size), where=squares > 0)
    return measures.where(events >= 5, effective / events)


def _rare(population: Population) -> BoolArray:
    """Which sketch rows hold a rare word.

    Accounts are counted in buckets of the leading bits of the hash; two words in one bucket look
    more common than they are, never rarer.
    """
    sketches = population.sketches
    bucket = (sketches.values >> np.uint64(32 - _BUCKET_BITS)).astype(np.int64)
    users = np.bincount(bucket, sketches.carriers, minlength=1)[bucket]
    rare = (users >= 2) & (users <= max(2.0, RARE_SHARE * population.size))
    return np.asarray(rare[sketches.number])


SIGNALS = (
    Signal(
        "never_repeated",
        Line.CONTENT,
        never_repeated,
        "about {value} of its prompts are never repeated (typical {typical})",
        Unit.SHARE,
    ),
    Signal(
        "word_novelty",
        Line.CONTENT,
        word_novelty,
        "{value} of its words are new each time (typical {typical})",
        Unit.SHARE,
    ),
    Signal(
        "coverage_sweep",
        Line.CONTENT,
        coverage_sweep,
        "touches {value} rare words per event, each about once (typical {typical})",
    ),
)
