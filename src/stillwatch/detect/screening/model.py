"""From likeness to a probability: a logistic model fitted on labelled pairs.

`FITTED` comes from the development sets (benchmarks/quality/screening_dev.csv, screening_spent.csv
and screening_spent_2.csv); the test of `stillwatch.bench.screening` fits it anew and fails where it
differs. `DOMAIN` and `ADDRESS` are set by hand: the sets have too few pairs that hang on them.
`MATCH` is above the least threshold of `stillwatch.bench.screening_folds` (leave-entities-out),
because the tables were written with the pairs in view.
"""

import math
from operator import mul
from typing import Final

import msgspec

from stillwatch.detect.screening.compare import Likeness


class Model(msgspec.Struct, frozen=True):
    """What was fitted: the intercept, and how much each finding takes from the log-odds."""

    intercept: float
    weights: Likeness


FITTED: Final = Model(
    3.92,
    Likeness(
        both=7.6, one=4.72, spelling=4.0, unread=1.0, turned=1.72, scripts=0.3, fields=6.16,
        silent=0.99, places=1.0, numbers=5.0, short=1.44, common=0.77,
    ),
)  # fmt: skip
"""No finding can add."""

DOMAIN: Final = 5.0
"""Log-odds that a domain of the entity adds; with a name that says nothing it makes 0.94."""
ADDRESS: Final = 2.0
"""Log-odds that the same house adds; with a name that says nothing it makes 0.44."""
FLOOR: Final = -2.2
"""The least log-odds that names take away where a domain or a house is the same."""

MATCH: Final = 0.8
"""The least probability of a match."""
NEAR: Final = 0.25
"""The least probability of a near miss."""


def name_log_odds(likeness: Likeness, model: Model = FITTED) -> float:
    """Log-odds that two names are of one entity, from the names alone."""
    against = map(mul, msgspec.structs.astuple(model.weights), msgspec.structs.astuple(likeness))
    return model.intercept - float(sum(against))


def score(
    likeness: Likeness | None, *, domain: bool, address: bool, model: Model = FITTED
) -> float:
    """The probability that an account is a listed entity.

    Args:
        likeness: of the names; None where they have nothing in common.
        domain: whether one of its domains is one of the entity's.
        address: whether it has the address of the entity.
        model: intercept and weights.

    Returns:
        0..1, larger is surer.
    """
    odds = name_log_odds(likeness, model) if likeness else -math.inf
    if domain or address:
        odds = max(odds, FLOOR) + DOMAIN * domain + ADDRESS * address
    return 1 / (1 + math.exp(-odds)) if odds > -700 else 0.0
