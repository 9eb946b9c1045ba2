"""What a caller in Python gave to `scan`: each value of the wrong type is one clear sentence."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from stillwatch.errors import ConfigError, InputError

_MEND = (
    "give a path, a list of paths, or one table with the Arrow C stream interface, such as a "
    "data frame or a pyarrow.Table"
)


def sources_of(events: Any) -> list[str | Path]:
    """The paths that were given as events.

    Raises:
        InputError: There is none, or something is not a path.
    """
    if isinstance(events, str | Path):
        return [events]
    if isinstance(events, Mapping) or not isinstance(events, Iterable):
        raise InputError(f"events cannot be of type {type(events).__name__}: {_MEND}")
    sources: list[str | Path] = []
    for source in events:
        if not isinstance(source, str | Path):
            raise InputError(f"events cannot hold a {type(source).__name__}: {_MEND}")
        sources.append(source)
    if not sources:
        raise InputError(f"events is empty: {_MEND}")
    return sources


def path_of(name: str, value: object, wanted: str) -> Path:
    """A setting that must be a path.

    Raises:
        ConfigError: It is something else.
    """
    if not isinstance(value, str | Path):
        raise ConfigError(f"{name} cannot be of type {type(value).__name__}: give {wanted}")
    return Path(value)
