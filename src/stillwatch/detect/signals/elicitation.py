"""What prompts ask for that a student model learns from: one signal for each marker."""

from functools import partial
from typing import Final

from stillwatch.detect.features import Line
from stillwatch.detect.population import Population
from stillwatch.detect.signals import measures
from stillwatch.detect.signals.base import Signal, Unit
from stillwatch.events.markers import Marker
from stillwatch.stats.arrays import FloatArray

ELICITED: Final[dict[Marker, str]] = {
    Marker.REASONING: "ask for reasoning written out",
    Marker.THINKING: "work on hidden thinking",
    Marker.GRADING: "ask to grade answers",
    Marker.REWRITING: "ask to rewrite or clean an answer or trace",
    Marker.TOOLS: "elicit calls of tools and their traces",
    Marker.SYNTHESIS: "ask to produce tasks, questions or data",
    Marker.PREFERENCE: "make preference pairs",
    Marker.SYSTEM_PROBE: "probe for the system prompt",
}
"""Markers with a signal, and how the reason says it."""


def elicitation(population: Population, marker: Marker) -> FloatArray:
    """Shrunken share of prompts that carry the marker."""
    return measures.rate(population, f"m_{str(marker.name).lower()}")


SIGNALS = tuple(
    Signal(
        f"elicits_{str(marker.name).lower()}",
        Line.CONTENT,
        partial(elicitation, marker=marker),
        f"about {{value}} of its prompts {asks} (typical {{typical}})",
        Unit.SHARE,
    )
    for marker, asks in ELICITED.items()
)
