"""What a scan asks of an engine, and what it gets."""

from dataclasses import dataclass
from typing import Any

from stillwatch.detect.engines.engine import Engine
from stillwatch.detect.progress import Progress
from stillwatch.detect.workers import Workers
from stillwatch.events.identity import Identity
from stillwatch.events.key import Key
from stillwatch.events.lists import NetworkLists
from stillwatch.events.period import Period
from stillwatch.events.readers import Rejects


@dataclass(frozen=True)
class Job:
    """How to read a log.

    Attributes:
        events: paths, or an object with the Arrow C stream interface.
        format: log format, `auto` detects it.
        key: keys the fingerprints.
        networks: lists of networks, or None.
        identity: derives accounts from API keys where the log has no accounts.
        period: the days to look at.
        rejects: takes rows that cannot be read.
        progress: told of each stage.
    """

    events: Any
    format: str
    key: Key
    networks: NetworkLists | None
    identity: Identity | None
    period: Period
    rejects: Rejects
    progress: Progress


@dataclass(frozen=True)
class Opened:
    """A log that has been read.

    Attributes:
        engine: aggregates its fingerprints.
        workers: carry out the large searches.
        inputs: what the files are called.
        events: how many events were read.
    """

    engine: Engine
    workers: Workers
    inputs: tuple[str, ...]
    events: int
