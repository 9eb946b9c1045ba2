"""Request parameters that serve a harvest better than a product."""

from stillwatch.detect.features import Line
from stillwatch.detect.population import Population
from stillwatch.detect.signals import measures
from stillwatch.detect.signals.base import Signal, Unit
from stillwatch.stats.arrays import FloatArray


def logprobs(population: Population) -> FloatArray:
    """Shrunken share of events that ask for log-probabilities."""
    return measures.rate(population, "with_logprobs")


def many_choices(population: Population) -> FloatArray:
    """Shrunken share of events that ask for more than one answer (n > 1)."""
    return measures.rate(population, "with_choices")


def tools_without_turns(population: Population) -> FloatArray:
    """Shrunken share of events with tools, times the share of events that are single turns.

    An agent that uses tools goes on after the call; a harvest of traces stops there.
    """
    turns = measures.column(population, "turns_known")
    follow_up = measures.ratio(measures.column(population, "multi_turn"), turns)
    return measures.rate(population, "with_tools") * (1 - follow_up)


def cut_short(population: Population) -> FloatArray:
    """Shrunken share of answers cut off by max_tokens."""
    return measures.rate(population, "truncated")


def reasoning_tokens(population: Population) -> FloatArray:
    """Shrunken mean of reasoning tokens per event: thinking is bought, whatever the answer."""
    return measures.shrunken_rate(
        measures.column(population, "reasoning_tokens"), measures.column(population, "events")
    )


SIGNALS = (
    Signal(
        "logprobs",
        Line.CLIENT,
        logprobs,
        "about {value} of its events ask for log-probabilities (typical {typical})",
        Unit.SHARE,
        measures.needs_counts("asks for logprobs", "with_logprobs"),
    ),
    Signal(
        "many_choices",
        Line.CLIENT,
        many_choices,
        "about {value} of its events ask for several answers at once (typical {typical})",
        Unit.SHARE,
        measures.needs_counts("asks for more than one choice", "with_choices"),
    ),
    Signal(
        "tools_without_turns",
        Line.CLIENT,
        tools_without_turns,
        "about {value} of its events offer tools and never go on (typical {typical})",
        Unit.SHARE,
        measures.needs_counts("offers tools", "with_tools"),
    ),
    Signal(
        "cut_short",
        Line.CLIENT,
        cut_short,
        "about {value} of its answers are cut off by max_tokens (typical {typical})",
        Unit.SHARE,
        measures.needs_counts("was cut off by max_tokens", "truncated"),
    ),
    Signal(
        "reasoning_tokens",
        Line.CLIENT,
        reasoning_tokens,
        "about {value} reasoning tokens per event (typical {typical})",
        unavailable=measures.needs_counts("has reasoning_tokens", "reasoning_tokens"),
    ),
)
