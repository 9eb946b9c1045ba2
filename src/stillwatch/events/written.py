"""Folders that Stillwatch itself wrote, told by the file that says so."""

from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

RUN: Final = "run.json"
"""In the result of a scan."""
SCENARIO: Final = "scenario.json"
"""In simulated traffic."""

_LARGEST: Final = 16 * 1024 * 1024
"""A larger file is none of ours, whatever its name."""

T = TypeVar("T")


class _Result(msgspec.Struct):
    format: str


class _Scenario(msgspec.Struct):
    scenario: str
    scale: str
    seed: int
    campaigns: list[Any]


def is_result(folder: Path) -> bool:
    """Whether a folder holds the result of a scan, of this version or another."""
    run = _read(folder / RUN, _Result)
    return run is not None and run.format.startswith("stillwatch-result/")


def is_simulated(folder: Path) -> bool:
    """Whether a folder holds simulated traffic."""
    return _read(folder / SCENARIO, _Scenario) is not None


def _read(path: Path, kind: type[T]) -> T | None:
    if not path.is_file() or path.stat().st_size > _LARGEST:
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
