"""What tests of a watch share."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.detect.progress import Progress, Silent
from stillwatch.detect.watch.announce import Announcement
from stillwatch.detect.watch.segments import read_segments
from stillwatch.detect.watch.start import watch
from stillwatch.detect.watch.state import SEGMENTS, State, open_state
from stillwatch.detect.watch.watch import Pace, Status


@dataclass(frozen=True)
class Log:
    """Events in the order of time, and all accounts."""

    events: pa.Table
    accounts: pa.Table


@dataclass
class Told:
    """A listener that remembers."""

    messages: list[str] = field(default_factory=list)
    announced: list[Announcement] = field(default_factory=list)
    statuses: list[Status] = field(default_factory=list)
    progress: Progress = field(default_factory=Silent)

    def say(self, text: str) -> None:
        self.messages.append(text)

    def announce(self, announcement: Announcement) -> None:
        self.announced.append(announcement)

    def status(self, status: Status) -> None:
        self.statuses.append(status)


def once(source: str | Path, state: Path, **options: Any) -> Told:
    """Watch what is there, and say what was told."""
    told = Told()
    watch(str(source), state, listener=told, once=True, pace=Pace(0.05, 0.1, 0.1), **options)
    return told


def write(path: Path, lines: Iterable[str], mode: str = "a") -> None:
    """Append lines to a file."""
    with path.open(mode) as file:
        file.writelines(f"{line}\n" for line in lines)


def held(folder: Path) -> pa.Table:
    """Every event in a state."""
    state, _ = open_state(folder, None)
    with state:
        return events_of(state)


def events_of(state: State) -> pa.Table:
    names = [name for names in state.segments().values() for name in names]
    return read_segments(state.folder / SEGMENTS, names)


def event(number: int, account: str = "a", day: int = 1, **more: Any) -> str:
    """One event as a JSON line."""
    hour, minute = divmod(number % 1440, 60)
    time = f"2026-03-{day:02d}T{hour:02d}:{minute:02d}:00Z"
    row = {"event_id": f"e{number}", "time": time, "account_id": account, "model": "m"}
    return json.dumps(row | {"prompt": f"Say {number}"} | more)


def counts(table: pa.Table) -> dict[str, int]:
    """Events per account."""
    found = pc.value_counts(table["account_id"]).to_pylist()
    return {row["values"]: row["counts"] for row in found}
