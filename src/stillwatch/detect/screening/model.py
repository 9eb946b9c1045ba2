"""From likeness to a probability: a logistic model fitted on labelled pairs.

`WEIGHTS` come from the development sets (benchmarks/quality/screening_dev.csv and
screening_spent.csv); the test of `stillwatch.bench.screening` fits them anew and fails where they
differ. `DOMAIN` and `ADDRESS` are
set by hand: the set has too few pairs that hang on them.
"""

import math
from operator import mul
from typing import Final

import msgspec

from stillwatch.detect.screening.compare import Likeness

INTERCEPT: Final = 4.01
WEIGHTS: Final = Likeness(
    both=8.33, one=6.29, spelling=4.0, unread=1.0, turned=2.46, scripts=0.3, fields=6.02,
    silent=1.17, places=1.0, numbers=4.62, short=1.82, common=0.6,
)  # fmt: skip
"""How much each finding takes from the log-odds; none can add."""

DOMAIN: Final = 5.0
"""Log-odds that a domain of the entity adds; with a name that says nothing it makes 0.94."""
ADDRESS: Final = 2.0
"""Log-odds that the same house adds; with a name that says nothing it makes 0.44."""
FLOOR: Final = -2.2
"""The least log-odds that names take away where a domain or a house is the same."""

MATCH: Final = 0.7
"""The least probability of a match."""
NEAR: Final = 0.25
"""The least probability of a near miss."""


def name_log_odds(likeness: Likeness) -> float:
    """Log-odds that two names are of one entity, from the names alone."""
    against = map(mul, msgspec.structs.astuple(WEIGHTS), msgspec.structs.astuple(likeness))
    return INTERCEPT - float(sum(against))


def score(likeness: Likeness | None, *, domain: bool, address: bool) -> float:
    """The probability that an account is a listed entity.

    Args:
        likeness: of the names; None where they have nothing in common.
        domain: whether one of its domains is one of the entity's.
        address: whether it has the address of the entity.

    Returns:
        0..1, larger is surer.
    """
    odds = name_log_odds(likeness) if likeness else -math.inf
    if domain or address:
        odds = max(odds, FLOOR) + DOMAIN * domain + ADDRESS * address
    return 1 / (1 + math.exp(-odds)) if odds > -700 else 0.0
