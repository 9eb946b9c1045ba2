"""One file of a growing folder: what it is, how far it was read, and what came since.

A file is known by its place on the disk (device and inode) and by how it begins, not by its name:
a log that is renamed when it is rotated is read to its end, and a new file under an old name, or
one that was cut to nothing, is read from its beginning. Lines are read as they are appended; what
has no lines (Parquet, compressed files, a JSON array) is read when it is whole.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from stillwatch.detect.watch.sources.base import (
    ROWS,
    Collected,
    Taken,
    after,
    formats,
    is_json,
    read_lines,
    whole_lines,
)
from stillwatch.errors import InputError
from stillwatch.events.coerce import Reason
from stillwatch.events.identity import Identity
from stillwatch.events.normalise import RawBatch
from stillwatch.events.readers.columnar import parquet_contract
from stillwatch.events.readers.formats import ReadContext, choose
from stillwatch.events.readers.jsonlines import MAX_DOCUMENT_BYTES, is_lines
from stillwatch.events.readers.source import HEAD_BYTES, LogFile, reading

CHUNK_BYTES: Final = 16 << 20
"""Bytes of lines read at once."""
_BEGINNING: Final = 1024
_WHOLE: Final = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1")


class Position(msgspec.Struct):
    """How far one file has been read.

    Attributes:
        name: What messages and derived ids call it.
        device: Where it lies, with `inode`.
        inode: See `device`.
        beginning: Digest of its first `measured` bytes.
        measured: See `beginning`.
        offset: Bytes of lines that were read.
        row: Number of the next row.
        size: Size when nothing was left to read.
        modified: Its time of change then, in nanoseconds.
    """

    name: str
    device: int
    inode: int
    beginning: str
    measured: int
    offset: int = 0
    row: int = 1
    size: int = -1
    modified: int = -1


@dataclass
class Tail:
    """A file and its position.

    Attributes:
        item: What the source calls it, the same from run to run.
        path: Where it is now.
        position: How far it was read.
        settled: The size and time of change at which it had nothing, or nothing readable, to give.
        whole: The rows of a file without lines, while they are being read.
        collected: Takes those rows.
        key_id: The key of those rows, where they are fingerprints that name it.
    """

    item: str
    path: Path
    position: Position
    settled: tuple[int, int] | None = None
    whole: Iterator[RawBatch] | None = None
    collected: Collected | None = None
    key_id: str | None = None

    def take(self, identity: Identity | None, log_format: str, *, complete: bool) -> Taken | None:
        """Return the next rows; None where there are none now.

        Args:
            identity: Derives accounts from API keys.
            log_format: A format's name, or `auto`.
            complete: Whether a last line without a line break is one.

        Raises:
            InputError: The file cannot be read as it is now.
        """
        stat = self.path.stat()
        now = (stat.st_size, stat.st_mtime_ns)
        if now in (self.settled, (self.position.size, self.position.modified)):
            return None
        self.settled = now
        with reading(self.position.name), self.path.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
        if self._has_lines(head, log_format):
            taken = self._take_lines(head, identity, log_format, complete=complete)
        else:
            taken = self._take_whole(identity, log_format)
        if taken is not None:
            self.settled = None  # there may be more
        return taken

    def _has_lines(self, head: bytes, log_format: str) -> bool:
        """Whether the file is read line by line."""
        if head.startswith(_WHOLE):
            return False
        return not is_json(self.position.name, head, log_format) or is_lines(head)

    def _take_lines(
        self, head: bytes, identity: Identity | None, log_format: str, *, complete: bool
    ) -> Taken | None:
        position = self.position
        csv = not is_json(position.name, head, log_format)
        with reading(position.name), self.path.open("rb") as stream:
            header = stream.readline(HEAD_BYTES) if csv else b""
            if csv and not header.endswith(b"\n"):
                return None
            start = max(position.offset, len(header))
            stream.seek(start)
            data = stream.read(CHUNK_BYTES)
            end = whole_lines(data, quoted=csv)
            if not end and len(data) == CHUNK_BYTES:
                data += stream.read(MAX_DOCUMENT_BYTES)
                end = whole_lines(data, quoted=csv)
            last = len(data) < CHUNK_BYTES
        end = len(data) if complete and last else end
        if not end:
            return None
        collected = Collected(identity)
        row = read_lines(
            position.name,
            header + data[:end],
            head,
            position.row,
            collected,
            log_format=log_format,
        )
        return self._moved(collected, offset=start + end, row=row)

    def _take_whole(self, identity: Identity | None, log_format: str) -> Taken | None:
        position = self.position
        if self.whole is None or self.collected is None:
            file = LogFile(self.path, position.name, self.path.stat().st_size)
            entry = choose(file, log_format, formats())
            self.collected = Collected(identity)
            if entry.name == "parquet":
                self.collected.contract, self.key_id = parquet_contract(file)
            self.whole = entry.read([file], ReadContext(ROWS, self._reject))
        collected = self.collected
        try:
            for raw in self.whole:
                new = after(raw, position.row - 1)
                if new is None:
                    continue
                collected.add(new)
                taken = self._moved(collected, row=int(new.rows[-1]) + 1)
                self.collected = Collected(identity, collected.contract)
                return taken
        except InputError:
            self.whole = None
            raise
        self.whole = None
        size, modified = self.settled or (-1, -1)
        return self._moved(collected, size=size, modified=modified)

    def _reject(self, file: str, row: int, column: str, reason: Reason) -> None:
        if self.collected is not None and row >= self.position.row:
            self.collected.reject(file, row, column, reason)

    def _moved(self, collected: Collected, **changes: int) -> Taken:
        moved = msgspec.structs.replace(self.position, **changes)
        return collected.taken({self.item: msgspec.json.encode(moved).decode()}, self.key_id)


def begins(path: Path, measured: int) -> str:
    """Return the digest of the first bytes of a file."""
    with path.open("rb") as stream:
        return hashlib.blake2b(stream.read(measured), digest_size=16).hexdigest()


def first_position(path: Path, name: str) -> Position:
    """Return the position of a file that was not seen before."""
    stat = path.stat()
    measured = min(stat.st_size, _BEGINNING)
    return Position(name, stat.st_dev, stat.st_ino, begins(path, measured), measured)


def is_same(path: Path, position: Position) -> bool:
    """Whether a file at a known place is still the one that was read."""
    size = path.stat().st_size
    return size >= max(position.offset, position.measured) and (
        begins(path, position.measured) == position.beginning
    )
