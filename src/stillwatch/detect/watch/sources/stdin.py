"""Standard input: lines that come once.

What was taken and not yet committed when the process is killed is gone from the pipe. A producer
that sends it again, and more than that, does no harm: an event id counts once.
"""

import os
import select
import time
from collections.abc import Mapping
from typing import BinaryIO, Final

import msgspec

from stillwatch.detect.watch.sources.base import (
    ROWS,
    Collected,
    Stop,
    Taken,
    is_json,
    read_lines,
)
from stillwatch.errors import InputError
from stillwatch.events.identity import Identity
from stillwatch.events.readers.source import HEAD_BYTES

_CHUNK: Final = 1 << 20
_MOST_BYTES: Final = 32 << 20
_ITEM: Final = "-"
_BLINK: Final = 0.2
"""Seconds between looks at whether to stop."""


class StandardInput:
    """JSON lines from a pipe.

    Args:
        stream: The pipe.
        identity: Derives accounts from API keys.
        log_format: A format's name, or `auto`.
        once: Whether to wait for the end of the input, however long that takes.
        stop: Whether to give up waiting.
    """

    name = "-"
    behind = ""

    def __init__(
        self,
        stream: BinaryIO,
        *,
        identity: Identity | None,
        log_format: str,
        once: bool,
        stop: Stop,
    ) -> None:
        self._file = stream.fileno()
        self._identity = identity
        self._format = log_format
        self._once = once
        self._stop = stop
        self._rest = b""
        self._row = 1
        self._closed = False
        self._beginning = b""

    def open(self, positions: Mapping[str, str]) -> None:
        """Number rows on from an earlier run."""
        self._row = msgspec.json.decode(positions.get(_ITEM, "1"), type=int)

    def take(self, wait: float) -> Taken | None:
        """Return the lines that come within `wait` seconds.

        The first ones tell the format, so that a bad row at the head of a later batch is only one.

        Raises:
            InputError: The first line is no JSON object, or of no log.
        """
        self._fill(time.monotonic() + wait)
        cut = len(self._rest) if self._closed else self._rest.rfind(b"\n") + 1
        data, self._rest = self._rest[:cut], self._rest[cut:]
        if not data:
            return None
        beginning = self._beginning or data[:HEAD_BYTES]
        if not is_json("stdin", beginning, self._format):
            raise InputError(
                "standard input does not begin with a JSON object: give one on each line, or say "
                "--format jsonl where only the first line is bad"
            )
        collected = Collected(self._identity)
        self._row = read_lines(
            "stdin", data, beginning, self._row, collected, log_format=self._format
        )
        self._beginning = beginning
        return collected.taken({_ITEM: msgspec.json.encode(self._row).decode()})

    def _fill(self, until: float) -> None:
        """Read until the time is over, the batch is full, the input ends or the watch stops."""
        while not self._closed and len(self._rest) < _MOST_BYTES:
            left = until - time.monotonic()
            ready, _, _ = select.select(
                [self._file], [], [], _BLINK if self._once else max(0.0, min(left, _BLINK))
            )
            if ready:
                data = os.read(self._file, _CHUNK)
                self._closed = not data
                self._rest += data
            if (left <= 0 and not self._once) or self._stop() or self._rest.count(b"\n") >= ROWS:
                return

    def settle(self, taken: Taken) -> None:
        """Do nothing: what was read is gone from the pipe."""

    @property
    def ended(self) -> bool:
        """Whether the other end was closed and all was taken."""
        return self._closed and not self._rest

    def close(self) -> None:
        """Leave standard input to whoever owns it."""
