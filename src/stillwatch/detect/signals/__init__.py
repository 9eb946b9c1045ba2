"""Signals: one small function each, with declared metadata and calibrated results.

`BUILT_IN` lists them in the order of the report. Other packages add theirs by an entry point in the
group `stillwatch.signals` that names a `Signal`; a name that is taken is refused.
"""

from importlib.metadata import entry_points
from typing import Final

from stillwatch.detect.signals import (
    api_abuse,
    automation,
    complexity,
    elicitation,
    harvest,
    identity,
    network,
    structure,
    sweep,
    volume,
)
from stillwatch.detect.signals.base import Signal, Unit
from stillwatch.errors import ConfigError

__all__ = ["BUILT_IN", "ENTRY_POINTS", "Signal", "Unit", "installed"]

ENTRY_POINTS: Final = "stillwatch.signals"
"""Entry point group of signals from other packages."""

BUILT_IN: Final[tuple[Signal, ...]] = (
    *volume.SIGNALS,
    *structure.SIGNALS,
    *complexity.SIGNALS,
    *sweep.SIGNALS,
    *automation.SIGNALS,
    *elicitation.SIGNALS,
    *harvest.SIGNALS,
    *api_abuse.SIGNALS,
    *identity.SIGNALS,
    *network.SIGNALS,
)
"""Every signal of this package."""


def installed() -> tuple[Signal, ...]:
    """Return the built-in signals, then those of other packages by entry point name.

    Raises:
        ConfigError: an entry point is no `Signal`, or its name is taken.
    """
    found = list(BUILT_IN)
    for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda point: point.name):
        signal = point.load()
        if not isinstance(signal, Signal):
            raise ConfigError(
                f"The entry point {point.value!r} in {ENTRY_POINTS} is not a Signal; "
                "fix or remove the package that declares it."
            )
        if any(signal.name == other.name for other in found):
            raise ConfigError(
                f"Two signals are called {signal.name!r}; rename the one in {point.value!r}."
            )
        found.append(signal)
    return tuple(found)
