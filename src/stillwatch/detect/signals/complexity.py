"""How prompts are built: constraints, nesting, density of words, even lengths."""

from stillwatch.detect.features import Line
from stillwatch.detect.population import Population
from stillwatch.detect.signals import measures
from stillwatch.detect.signals.base import Signal, Unit
from stillwatch.stats.arrays import FloatArray


def constraints(population: Population) -> FloatArray:
    """Mean constraints per prompt, shrunken."""
    return _mean(population, "constraints")


def nesting(population: Population) -> FloatArray:
    """Mean depth of nested lists, brackets or quotes per prompt, shrunken."""
    return _mean(population, "nesting")


def word_entropy(population: Population) -> FloatArray:
    """Mean entropy of words within a prompt in bits per word, shrunken: dense, long prompts."""
    return _mean(population, "entropy")


def even_length(population: Population) -> FloatArray:
    """Squared mean over mean square of prompt lengths in words, 0..1; from 5 events.

    1: every prompt has the same length, as from a machine that fills a frame.
    """
    events = measures.column(population, "events")
    squares = measures.column(population, "words_squared") * events
    evenness = measures.ratio(measures.column(population, "words") ** 2, squares)
    return measures.where(events >= 5, evenness)


def _mean(population: Population, name: str) -> FloatArray:
    return measures.shrunken_rate(
        measures.column(population, name), measures.column(population, "events")
    )


SIGNALS = (
    Signal(
        "constraints",
        Line.CONTENT,
        constraints,
        "about {value} constraints per prompt (typical {typical})",
    ),
    Signal(
        "nesting",
        Line.CONTENT,
        nesting,
        "prompts nested about {value} deep (typical {typical})",
    ),
    Signal(
        "word_entropy",
        Line.CONTENT,
        word_entropy,
        "prompts of about {value} bits per word (typical {typical})",
    ),
    Signal(
        "even_length",
        Line.CONTENT,
        even_length,
        "prompt lengths are {value} even (typical {typical})",
        Unit.SHARE,
    ),
)
