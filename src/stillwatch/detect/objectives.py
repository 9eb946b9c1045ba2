"""What a group of accounts harvests: shares of objectives from counted markers.

An event may carry several markers and a profile keeps only their counts, so shares follow a rule.
Objectives are asked in the order of `OBJECTIVES`, the most telling first: prompts that grade often
also ask for reasons, those that make tasks also name a subject. Each takes its rate, in that
account, of the events that earlier ones left, as if markers were independent within one account.
What no objective takes is `general`.
"""

import math
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
    # tasks with checkable answers, which nobody claimed above: what reasoning is trained on
    ("reasoning", ("m_maths",)),
)
"""Objectives and their markers, first come first served."""

CLEAR_EXCESS: Final = 0.05
"""Nats per event by which an objective must set a group apart to be called its objective."""

LEAST_SHARE: Final = 1e-3
"""Shares of the population are not taken to be smaller than this."""


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
        taken[objective] = taken.get(objective, 0.0) + float(part.sum())
        left = left - part
    taken[GENERAL] = float(left.sum())
    total = max(float(events.sum()), 1.0)
    shares = [Share(objective, number / total) for objective, number in taken.items() if number > 0]
    return sorted(shares, key=lambda share: (-share.share, share.objective))


def main_objective(group: list[Share], population: list[Share]) -> str:
    """Return the objective that sets a group apart most, `general` if none does clearly.

    An objective with share s in the group and u in all traffic adds s ln(s / u) to the divergence
    of the group from all traffic (Kullback and Leibler 1951): what everyone asks for names nobody,
    and a rare objective counts for more than a common one.

    Args:
        group: shares of the group.
        population: shares of all traffic.
    """
    usual = {share.objective: share.share for share in population}
    apart = {
        share.objective: share.share
        * math.log(share.share / max(usual.get(share.objective, 0.0), LEAST_SHARE))
        for share in group
        if share.objective != GENERAL
    }
    best = max(apart, key=lambda objective: (apart[objective], objective), default=GENERAL)
    return best if apart.get(best, 0.0) >= CLEAR_EXCESS else GENERAL


def _rate(group: pa.Table, markers: tuple[str, ...], events: FloatArray) -> FloatArray:
    """The rate of an account's most frequent marker: a lower bound of events with any of them."""
    hits = np.max([profiles.values(group, name) for name in markers], axis=0)
    return np.asarray(np.minimum(hits / np.maximum(events, 1), 1.0))
