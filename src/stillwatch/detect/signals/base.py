"""What a signal is: a small function with declared metadata.

A signal measures every account at once. Larger is always more unusual in the direction that the
signal looks at. Calibration turns measures into p-values against background accounts; a signal
knows nothing of that.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stillwatch.detect.features import Line
from stillwatch.detect.population import Population

Measure = Callable[[Population], NDArray[np.float64]]


@dataclass(frozen=True)
class Signal:
    """A detector of one behaviour.

    Attributes:
        name: permanent identifier, `snake_case`; `p_<name>` is its column in profiles.
        line: the line of evidence it belongs to; signals of one line are never counted twice.
        measure: returns one float64 per account, higher is more unusual, NaN where the account has
            no such data. Its docstring is the signal's documentation.
        reason: a sentence with `{value}` and `{typical}` for an account that stands out.
        unavailable: returns why the signal is off for this population, or None where it is on.
    """

    name: str
    line: Line
    measure: Measure
    reason: str
    unavailable: Callable[[Population], str | None] = lambda _: None
