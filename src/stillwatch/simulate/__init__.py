"""Simulated benign and attacking traffic as ordinary events, with labels."""

from stillwatch.simulate.knobs import KNOBS, SCALES, SCENARIOS, Evasion, Scale
from stillwatch.simulate.store import check_folder, describe, write_traffic
from stillwatch.simulate.traffic import LABELS, Traffic, simulate

__all__ = [
    "KNOBS",
    "LABELS",
    "SCALES",
    "SCENARIOS",
    "Evasion",
    "Scale",
    "Traffic",
    "check_folder",
    "describe",
    "simulate",
    "write_traffic",
]
