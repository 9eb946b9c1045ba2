"""A folder of signatures: lines that are only added, and survive a crash.

| file | lines |
|---|---|
| `signatures.jsonl` | a header with the version, then one signature a line |
| `life.jsonl` | a header with the version, then what happened to them |

A line is written whole and synced before the next; a last line that a crash cut off is dropped when
the next is added. A signature with the id of an earlier one is the same pattern: the first stays,
unless the member that it came from has withdrawn it and it is found here again.
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

import msgspec

from stillwatch.errors import InputError, StorageError
from stillwatch.share.signatures.life import Act, Happening, Life, life_of, lives
from stillwatch.share.signatures.model import Signature

SIGNATURES: Final = "signatures.jsonl"
LIFE: Final = "life.jsonl"
FORMAT: Final = "stillwatch-signatures"
VERSION: Final = 1
"""Of the lines; a reader of a later version reads earlier ones, never the other way round."""

T = TypeVar("T", bound=msgspec.Struct)


class Header(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="format", tag=FORMAT
):
    """First line of each file."""

    version: int


@dataclass(frozen=True)
class SignatureStore:
    """Signatures and their lives in a folder, made when something is first added."""

    folder: Path

    def signatures(self) -> list[Signature]:
        """Return every signature, in the order in which they were added.

        Raises:
            InputError: The folder holds none, or a line is damaged.
        """
        path = self.folder / SIGNATURES
        if not path.is_file():
            raise InputError(
                f"{self.folder} holds no signatures: make some with `stillwatch signature extract`"
            )
        return list({s.id: s for s in _read(path, Signature)}.values())

    def happenings(self) -> list[Happening]:
        """Return what happened to them, in order."""
        path = self.folder / LIFE
        return _read(path, Happening) if path.is_file() else []

    def lives(self, now: datetime) -> dict[str, Life]:
        """Return where each signature is."""
        return lives(self.signatures(), self.happenings(), now)

    def find(self, name: str) -> Signature:
        """Return the signature of an id, or of the only id that begins so.

        Raises:
            InputError: None or several do.
        """
        found = [
            s for s in self.signatures() if s.id == name or s.id.startswith(f"signature--{name}")
        ]
        if len(found) != 1:
            raise InputError(f"{len(found)} signatures in {self.folder} are called {name}")
        return found[0]

    def add(self, signatures: Sequence[Signature]) -> list[Signature]:
        """Add signatures; return those that were not there yet."""
        with _appending(self.folder / SIGNATURES) as file:
            there = {s.id for s in _read(self.folder / SIGNATURES, Signature)}
            new = [s for s in signatures if s.id not in there]
            _append(file, new)
        return new

    def make_own(self, signatures: Sequence[Signature], now: datetime, by: str) -> list[Signature]:
        """Take as made here what another member gave and has withdrawn; return what was taken."""
        before = self.lives(now)
        taken = [s for s in signatures if s.id in before and before[s.id].withdrawn]
        if taken:
            # First our own figures: a crash in between leaves it withdrawn, never theirs as ours.
            with _appending(self.folder / SIGNATURES) as file:
                _append(file, taken)
        for signature in taken:
            self.record(Happening(signature.id, now, Act.OWN, by))
        return taken

    def receive(self, signatures: Sequence[Signature], happenings: Sequence[Happening]) -> None:
        """Add signatures of another member, and what happened to those and others by it.

        What happened is written first: a crash in between leaves lines about signatures that are
        not there, which mean nothing, and never a signature that seems to have been made here.
        """
        if happenings:
            with _appending(self.folder / LIFE) as file:
                _append(file, happenings)
        self.add(signatures)

    def record(self, happening: Happening) -> Life:
        """Add what happened to a signature, and return where it is then.

        Raises:
            InputError: There is no such signature, or its state does not allow it.
        """
        signature = self.find(happening.signature_id)
        with _appending(self.folder / LIFE) as file:
            before = _read(self.folder / LIFE, Happening)
            life = life_of(signature, [*before, happening], happening.time)
            _append(file, [happening])
        return life


@contextmanager
def _appending(path: Path) -> Iterator[BinaryIO]:
    """Open a file at the end of its last whole line, alone; write the header of a new one."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            content = file.read()
            _check_begun(path, content)
            file.truncate(content.rfind(b"\n") + 1)
            file.seek(0, os.SEEK_END)
            if not file.tell():
                _append(file, [Header(VERSION)])
            yield file
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written: {error.strerror}; name another folder"
        ) from error


def _check_begun(path: Path, content: bytes) -> None:
    """Refuse a file without a whole line, unless a crash cut off the first one that we wrote.

    Raises:
        InputError: It holds something else, which must not be taken for nothing.
    """
    if b"\n" not in content and not msgspec.json.encode(Header(VERSION)).startswith(content):
        raise InputError(f"{path} is damaged (no whole line): take a copy from before")


def _append(file: BinaryIO, entries: Sequence[msgspec.Struct]) -> None:
    """Write each entry as one line and sync."""
    file.write(b"".join(msgspec.json.encode(entry) + b"\n" for entry in entries))
    file.flush()
    os.fsync(file.fileno())


def _read(path: Path, kind: type[T]) -> list[T]:
    """Read the whole lines of a file.

    Raises:
        InputError: It is of another version, or a line is damaged.
    """
    content = path.read_bytes()
    _check_begun(path, content)
    lines = content.split(b"\n")[:-1]  # a last line without an end was cut off
    if not lines:
        return []
    try:
        version = msgspec.json.decode(lines[0], type=Header).version
        if version > VERSION:
            raise InputError(f"{path} is of version {version}: use a newer Stillwatch")
        return [msgspec.json.decode(line, type=kind) for line in lines[1:]]
    except msgspec.MsgspecError as error:
        raise InputError(f"{path} is damaged ({error}): take a copy from before") from error
