"""Structured queries: one frame, filled with ever new material."""

import numpy as np

from stillwatch.detect.features import Family, Line
from stillwatch.detect.population import Population
from stillwatch.detect.signals import measures
from stillwatch.detect.signals.base import Measure, Signal, Unit
from stillwatch.stats.arrays import FloatArray


def one_template(population: Population) -> FloatArray:
    """Share of events with the account's main template, times the share of prompts that differ."""
    return _dominance(population, Family.TEMPLATE)


def one_opening(population: Population) -> FloatArray:
    """Share of events with the account's main opening, times the share of prompts that differ."""
    return _dominance(population, Family.OPENING)


def one_closing(population: Population) -> FloatArray:
    """Share of events with the account's main closing, times the share of prompts that differ."""
    return _dominance(population, Family.CLOSING)


def _dominance(population: Population, family: Family) -> FloatArray:
    """Dominance of one value among prompts that otherwise differ; from 2 events.

    The first event of each count is left out, so that two events which share nothing give 0, and
    the prior adds events that share nothing.
    """
    others = measures.column(population, "events") - 1
    top = measures.most_common(measures.family(population, family), population.size) - 1
    contents = measures.family(population, Family.CONTENT)
    varied = measures.ratio(measures.distinct(contents, population.size) - 1, others)
    return np.maximum(top, 0) / (np.maximum(others, 0) + measures.PRIOR_EVENTS) * varied


def template_concentration(population: Population) -> FloatArray:
    """1 minus the entropy of the account's templates over its maximum ln(events); from 5 events.

    1: one template only; 0: every event has its own.
    """
    counts = measures.family(population, Family.TEMPLATE)
    events = measures.column(population, "events")
    number = counts.count.astype(np.float64)
    weighted = np.bincount(counts.account, number * np.log(number), population.size)
    log_events = np.log(np.maximum(events, 2))
    return measures.where(events >= 5, weighted / events / log_events)


def _signal(name: str, measure: Measure, part: str) -> Signal:
    reason = f"one {part} frames {{value}} of its otherwise different prompts (typical {{typical}})"
    return Signal(name, Line.CONTENT, measure, reason, Unit.SHARE)


SIGNALS = (
    _signal("one_template", one_template, "template"),
    _signal("one_opening", one_opening, "opening"),
    _signal("one_closing", one_closing, "closing"),
    Signal(
        "template_concentration",
        Line.CONTENT,
        template_concentration,
        "keeps to few templates: {value} concentrated (typical {typical})",
        Unit.SHARE,
    ),
)
