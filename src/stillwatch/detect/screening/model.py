"""From likeness to a probability: a logistic model fitted on labelled pairs.

`WEIGHTS` come from the development set (benchmarks/quality/screening_dev.csv); the test of
`stillwatch.bench.screening` fits them anew and fails where they differ. `DOMAIN` and `ADDRESS` are
set by hand: the set has too few pairs that hang on them.
"""

import math
from typing import Final

import msgspec

from stillwatch.detect.screening.compare import Likeness

INTERCEPT: Final = 3.74
WEIGHTS: Final = Likeness(
    both=6.64, one=5.88, spelling=5.68, turned=2.52, scripts=0.3, fields=5.66, silent=1.51,
    places=1.0, numbers=4.72, short=0.72, common=0.67,
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
    taken = zip(msgspec.structs.astuple(WEIGHTS), msgspec.structs.astuple(likeness), strict=True)
    return INTERCEPT - float(sum(weight * value for weight, value in taken))


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
