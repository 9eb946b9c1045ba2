"""What a signal is: a small function with declared metadata.

A signal measures every account at once. Larger is always more unusual in the direction that the
signal looks at. Calibration turns measures into p-values against background accounts; a signal
knows nothing of that.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from stillwatch.detect import wording
from stillwatch.detect.features import Line
from stillwatch.detect.population import Population
from stillwatch.stats.arrays import FloatArray

Measure = Callable[[Population], FloatArray]
Availability = Callable[[Population], str | None]


class Unit(StrEnum):
    """How a measure is said in a reason."""

    NUMBER = "number"
    SHARE = "share"  # 0..1, said in per cent


@dataclass(frozen=True)
class Signal:
    """A detector of one behaviour.

    Attributes:
        name: permanent identifier, `snake_case`; `p_<name>` is its column in profiles.
        line: the line of evidence it belongs to; signals of one line are never counted twice.
        measure: returns one float64 per account, higher is more unusual, NaN where the account has
            no such data. Its docstring is the signal's documentation.
        reason: a phrase for an account that stands out, with `{value}` and `{typical}` where the
            measure is more than yes or no.
        unit: how `{value}` and `{typical}` are said.
        unavailable: returns why the signal is off for this population, or None where it is on.
    """

    name: str
    line: Line
    measure: Measure
    reason: str
    unit: Unit = Unit.NUMBER
    unavailable: Availability = lambda _: None

    def explain(self, value: float, typical: float) -> str:
        """Return the reason with its numbers.

        Args:
            value: the account's measure.
            typical: the measure of a typical account.
        """
        return self.reason.format(value=self._say(value), typical=self._say(typical))

    def _say(self, measure: float) -> str:
        if self.unit is Unit.SHARE:
            return wording.percent(measure)
        return f"{measure:,.0f}" if abs(measure) >= 100 else f"{measure:.2g}"
