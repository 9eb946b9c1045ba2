"""A watch in a process of its own that can be killed at any moment; see `test_kill.py`.

The server process that forks them imports this module once, so that each begins at once.
"""

import tempfile
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec

from stillwatch.detect.watch.announce import Announcement
from stillwatch.detect.watch.sources import redis
from stillwatch.detect.watch.start import watch
from stillwatch.detect.watch.watch import Pace, Status
from tests.watch.watching import event, once, write

LOADED = redis.__name__


class Alive:
    """A listener that gives a sign at every step, and whose announcements outlive it."""

    def __init__(self, announced: Path, signs: Connection) -> None:
        self.progress = self
        self._announced = announced
        self._signs = signs

    def _sign(self) -> None:
        self._signs.send_bytes(b".")

    def start(self, stage: str, total: int | None) -> None:  # noqa: ARG002 - a progress
        self._sign()

    def advance(self, amount: int) -> None:
        """Every stage begins and ends; that is often enough."""

    def finish(self) -> None:
        self._sign()

    def say(self, text: str) -> None:
        """Nobody listens."""

    def announce(self, announcement: Announcement) -> None:
        with self._announced.open("ab") as file:
            file.write(msgspec.json.encode(announcement) + b"\n")
        self._sign()

    def status(self, status: Status) -> None:  # noqa: ARG002 - a listener
        self._sign()


def run(source: str, folder: str, signs: Connection, once: bool) -> None:  # noqa: FBT001 - a process
    """Watch until killed."""
    watch(
        source,
        Path(folder) / "state",
        listener=Alive(Path(folder) / "announced.jsonl", signs),
        pace=Pace(batch=0.03, every=0.05, retry=0.05),
        once=once,
    )


with tempfile.TemporaryDirectory() as place:
    # Compiled code is loaded here, not in each process.
    (Path(place) / "logs").mkdir()
    write(Path(place) / "logs/a.jsonl", [event(n, f"a{n % 20}") for n in range(200)])
    once(Path(place) / "logs", Path(place) / "state")
