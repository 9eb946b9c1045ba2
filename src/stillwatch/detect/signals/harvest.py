"""Outputs on their way into a training set: formats made for training, answers that come back."""

from stillwatch.detect.features import Line
from stillwatch.detect.population import Population
from stillwatch.detect.signals import measures
from stillwatch.detect.signals.base import Signal, Unit
from stillwatch.stats.arrays import FloatArray

_no_completions = measures.needs_counts("has a completion", "with_completion")


def training_format_asked(population: Population) -> FloatArray:
    """Shrunken share of prompts that show training records or sections."""
    return measures.rate(population, "m_records", "m_sections")


def training_format_answered(population: Population) -> FloatArray:
    """Shrunken share of completions in a format made for training.

    Records, sections, written-out thinking or preference pairs, whichever is most frequent.
    """
    names = ("c_records", "c_sections", "c_thinking", "c_preference")
    return measures.rate(population, *names, of="with_completion")


def echo(population: Population) -> FloatArray:
    """Shrunken share of prompts that carry passages of earlier completions of any account."""
    return measures.shrunken_rate(
        population.pace_values("echoes"), measures.column(population, "events")
    )


SIGNALS = (
    Signal(
        "training_format_asked",
        Line.CONTENT,
        training_format_asked,
        "about {value} of its prompts show a training format (typical {typical})",
        Unit.SHARE,
    ),
    Signal(
        "training_format_answered",
        Line.CONTENT,
        training_format_answered,
        "about {value} of its answers are in a training format (typical {typical})",
        Unit.SHARE,
        _no_completions,
    ),
    Signal(
        "echo",
        Line.CONTENT,
        echo,
        "about {value} of its prompts bring earlier answers back (typical {typical})",
        Unit.SHARE,
        _no_completions,
    ),
)
