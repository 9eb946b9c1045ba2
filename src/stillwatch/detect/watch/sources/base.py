"""What every source of a watch does, and how lines become batches."""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol

import numpy as np
import pyarrow as pa

from stillwatch.errors import InputError
from stillwatch.events.identity import Identity
from stillwatch.events.normalise import RawBatch, normalise
from stillwatch.events.readers.builtin import FORMATS
from stillwatch.events.readers.columnar import Contract
from stillwatch.events.readers.formats import Format, ReadContext, choose, known_formats
from stillwatch.events.readers.head import Head
from stillwatch.events.readers.log import as_fingerprints
from stillwatch.events.readers.rejects import Reject
from stillwatch.events.readers.source import LogFile

ROWS: Final = 16384
"""Rows of a micro-batch at most, about."""
JOINED: Final = frozenset({"openai-batch"})
"""Formats that join files, and so cannot be read one after the other."""
_JSON_ONLY: Final = frozenset({"jsonl", "otlp"})
"""Formats whose lines are JSON, however the first one looks."""


@dataclass
class Taken:
    """What was taken from a source at once.

    Attributes:
        events: Rows in the events contract.
        fingerprints: Rows in the fingerprints contract.
        rejects: Rows that could not be read.
        positions: How far the source has then been read, by part of it.
        key_ids: Keys of the fingerprints, as far as they are known.
    """

    events: list[pa.RecordBatch] = field(default_factory=list)
    fingerprints: list[pa.RecordBatch] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    positions: dict[str, str] = field(default_factory=dict)
    key_ids: set[str] = field(default_factory=set)

    @property
    def rows(self) -> int:
        """How many rows were taken, readable or not."""
        read = [batch.num_rows for batch in (*self.events, *self.fingerprints)]
        return int(sum(read)) + len(self.rejects)

    def join(self, other: "Taken") -> None:
        """Add what was taken of another part of the same source."""
        self.events += other.events
        self.fingerprints += other.fingerprints
        self.rejects += other.rejects
        self.positions |= other.positions
        self.key_ids |= other.key_ids


class Source(Protocol):
    """A stream of rows that says how far it has been read.

    Whoever takes rows commits them together with the positions, then calls `settle`. After a crash
    a source is opened with the committed positions and gives what came after them.
    """

    name: str
    """What a state calls it; the same from run to run."""

    def open(self, positions: Mapping[str, str]) -> None:
        """Go on after these positions; {} is the beginning."""

    def take(self, wait: float) -> Taken | None:
        """Return rows, collected for up to `wait` seconds; None where none came.

        Raises:
            PeerError: Another system does not answer; asking again later may help.
        """

    def settle(self, taken: Taken) -> None:
        """Learn that what was taken is committed."""

    @property
    def ended(self) -> bool:
        """Whether nothing can come any more."""

    @property
    def behind(self) -> str:
        """How much is known to wait, in words; empty where that is not known."""

    def close(self) -> None:
        """Let go of files and connections."""


@dataclass
class Collected:
    """Collects rows of raw batches until they are a micro-batch."""

    identity: Identity | None
    contract: Contract = "events"
    batches: list[pa.RecordBatch] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)

    def reject(self, file: str, row: int, column: str, reason: str) -> None:
        """Take a row that cannot be read."""
        self.rejects.append(Reject(file, row, column, str(reason)))

    def add(self, raw: RawBatch) -> None:
        """Take the rows of a raw batch.

        Raises:
            InputError: The file lacks a column.
        """
        batch, failures = (
            as_fingerprints(raw)
            if self.contract == "fingerprints"
            else normalise(raw, self.identity)
        )
        for failure in failures:
            self.reject(raw.file, failure.row, failure.column, failure.reason)
        if batch.num_rows:
            self.batches.append(batch)

    def taken(self, positions: Mapping[str, str], key_id: str | None = None) -> Taken:
        """Return what was collected."""
        found = Taken(rejects=self.rejects, positions=dict(positions))
        (found.events if self.contract == "events" else found.fingerprints).extend(self.batches)
        found.key_ids = {key_id} if key_id is not None else set()
        return found


@dataclass(frozen=True)
class Piece(LogFile):
    """Some whole lines of a file, as a file of their own that begins as the whole one does."""

    beginning: bytes = b""
    data: bytes = b""

    @property
    def head(self) -> bytes:
        """The first bytes of the whole file."""
        return self.beginning

    def open(self, *, count: bool = True) -> BinaryIO:  # noqa: ARG002 - the signature of a file
        """The lines."""
        return io.BytesIO(self.data)


def read_lines(
    name: str,
    data: bytes,
    beginning: bytes,
    first_row: int,
    collected: Collected,
    *,
    log_format: str = "auto",
) -> int:
    """Read whole lines of a log; returns the number of the row after them.

    Args:
        name: What messages and derived ids call the file.
        data: Whole lines; of CSV with the header before them.
        beginning: The first bytes of the file, which tell its format.
        first_row: Number of the first row.
        collected: Takes the rows.
        log_format: A format's name, or `auto`.

    Raises:
        InputError: The lines are no log, or of a format that cannot be read by lines.
    """
    piece = Piece(Path(name), name, len(data), beginning=beginning, data=data)
    entry = choose(piece, log_format, formats())
    if entry.name in JOINED:
        raise InputError(f"{name} belongs to other files ({entry.name}): scan them together")
    # Lines are rows, but not in CSV (line breaks in quotes) nor in OTLP (many requests in a line).
    last = 0 if entry.name == "csv" else data.count(b"\n") + (not data.endswith(b"\n"))

    def reject(file: str, row: int, column: str, reason: str) -> None:
        nonlocal last
        last = max(last, row)
        collected.reject(file, row + first_row - 1, column, reason)

    for raw in entry.read([piece], ReadContext(ROWS, reject)):
        last = max(last, int(raw.rows[-1]))
        collected.add(RawBatch(raw.file, raw.columns, raw.rows + first_row - 1, raw.fixed))
    return first_row + last


def is_json(name: str, beginning: bytes, log_format: str) -> bool:
    """Whether lines are JSON: their format says so, or the first one does."""
    return log_format in _JSON_ONLY or Head(name, beginning).is_json


def formats() -> dict[str, Format]:
    """Every log format by name."""
    return known_formats(FORMATS)


def after(raw: RawBatch, row: int) -> RawBatch | None:
    """Return the rows of a batch after a row; None where there are none."""
    keep = raw.rows > row
    if not keep.any():
        return None
    columns: dict[str, Any] = {
        name: values.filter(pa.array(keep))
        if isinstance(values, pa.Array | pa.ChunkedArray)
        else list(compress(values, keep))
        for name, values in raw.columns.items()
    }
    return RawBatch(raw.file, columns, np.asarray(raw.rows[keep]), raw.fixed)


Stop = Callable[[], bool]
"""Tells a source that waits to give what it has."""


def whole_lines(data: bytes, *, quoted: bool) -> int:
    r"""Return how many bytes hold whole lines; a line break between quotes ends no line.

    >>> whole_lines(b'a\n"b\nc', quoted=False), whole_lines(b'a\n"b\nc', quoted=True)
    (5, 2)
    """
    if not quoted:
        return data.rfind(b"\n") + 1
    text = np.frombuffer(data, np.uint8)
    outside = np.cumsum(text == ord('"')) % 2 == 0
    ends = np.flatnonzero((text == ord("\n")) & outside)
    return int(ends[-1]) + 1 if ends.size else 0


def pieces(rows: Sequence[bytes]) -> Iterator[bytes]:
    """Yield rows joined to lines, as many as a micro-batch holds at a time."""
    for start in range(0, len(rows), ROWS):
        yield b"\n".join(rows[start : start + ROWS]) + b"\n"
