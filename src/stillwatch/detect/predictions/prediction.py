"""A measured prediction, and what its measures have in common."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stillwatch.detect.predictions.ground import MOST_MEMBERS, Ground

SMALLEST = 1e-12
"""Normal and Poisson tails are not believed beyond this."""
LEAST_SHARED = 0.2
"""Share of members beyond chance that must have something in common before it counts: a few
colleagues or a family among many strangers say nothing of the others."""


@dataclass(frozen=True)
class Prediction:
    """A measured prediction: `p_value` small contradicts it; `text` says what was seen."""

    p_value: float
    text: str


def thin(ground: Ground, members: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return at most `MOST_MEMBERS` of the members, always the same ones."""
    return members[np.argsort(ground.order[members], kind="stable")][:MOST_MEMBERS]
