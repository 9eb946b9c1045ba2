"""What a group of accounts harvests: shares of objectives from counted markers.

An event may carry several markers and a profile keeps only their counts, so shares follow a rule.
Objectives are asked in the order of `OBJECTIVES`, the most telling first: prompts that grade often
also ask for reasons, those that make tasks also name a subject. Each takes its rate, in that
account, of the events that earlier ones left, as if markers were independent within one account.
What no objective takes is `general`.
"""

from typing import Final

import numpy as np
import pyarrow as pa

from stillwatch.detect import profiles
from stillwatch.detect.results import Share
from stillwatch.stats.arrays import FloatArray

GENERAL: Final = "general"

OBJECTIVES: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("grading", ("m_grading", "m_preference")),
    ("rewriting", ("m_rewriting",)),
    ("tool-use", ("m_tools",)),
    ("synthetic-data", ("m_synthesis",)),
    ("reasoning", ("m_reasoning", "m_thinking")),
    ("coding", ("m_code",)),
    ("mathematics", ("m_maths",)),
)
"""Objectives and their markers, first come first served."""

CLEAR_EXCESS: Final = 0.1
"""How far a share must exceed the population's to be called the group's objective."""


def objective_shares(group: pa.Table) -> list[Share]:
    """Return the shares of a group's events by objective, largest first, summing to 1.

    Args:
        group: the profiles of its accounts.

    Returns:
        Objectives with a share above 0, `general` among them; ties by name.
    """
    events = profiles.values(group, "events")
    left = events.astype(np.float64)
    taken: dict[str, float] = {}
    for objective, markers in OBJECTIVES:
        part = left * _rate(group, markers, events)
        taken[objective] = float(part.sum())
        left = left - part
    taken[GENERAL] = float(left.sum())
    total = max(float(events.sum()), 1.0)
    shares = [Share(objective, number / total) for objective, number in taken.items() if number > 0]
    return sorted(shares, key=lambda share: (-share.share, share.objective))


def main_objective(group: list[Share], population: list[Share]) -> str:
    """Return the objective whose share exceeds the population's most, `general` if none clearly.

    Args:
        group: shares of the group.
        population: shares of all traffic, so that what everyone asks for names nobody.
    """
    usual = {share.objective: share.share for share in population}
    excess = {
        share.objective: share.share - usual.get(share.objective, 0.0)
        for share in group
        if share.objective != GENERAL
    }
    best = max(excess, key=lambda objective: (excess[objective], objective), default=GENERAL)
    return best if excess.get(best, 0.0) >= CLEAR_EXCESS else GENERAL


def _rate(group: pa.Table, markers: tuple[str, ...], events: FloatArray) -> FloatArray:
    """The rate of an account's most frequent marker: a lower bound of events with any of them."""
    hits = np.max([profiles.values(group, name) for name in markers], axis=0)
    return np.asarray(np.minimum(hits / np.maximum(events, 1), 1.0))
