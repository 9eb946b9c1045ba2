"""A folder of lists: every file recognised by its content, plain or gzip."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import BinaryIO, Final, cast

import msgspec

from stillwatch.detect.screening.entries import Entry, Fault, ListFile, merge_entries
from stillwatch.detect.screening.readers import csl, opensanctions, treasury, us
from stillwatch.detect.screening.readers.rows import Columns, parse_day, read_rows
from stillwatch.errors import InputError

HEAD: Final = 64 * 1024
"""Bytes of a file that are looked at to recognise it."""
_HEADER_LINES: Final = 10


class Unrecognised(msgspec.Struct, frozen=True):
    """A file that is no list that is known."""

    file: str


def read_lists(directory: Path) -> tuple[list[ListFile], list[Unrecognised]]:
    """Read every list in a folder.

    Raises:
        InputError: The folder holds no list that was recognised, or a file is damaged.
    """
    lists: list[ListFile] = []
    others: list[Unrecognised] = []
    for path in sorted(p for p in directory.iterdir() if p.is_file()):
        found = read_list(path)
        if isinstance(found, Unrecognised):
            others.append(found)
        else:
            lists.append(found)
    if not lists:
        raise InputError(
            f"{directory} holds no list that was recognised: docs/guide/screening.md shows what is"
        )
    return lists, others


def read_list(path: Path) -> ListFile | Unrecognised:
    """Read one file.

    Raises:
        InputError: The file is damaged.
    """
    with _opened(path) as stream:
        head = stream.read(HEAD).decode("utf-8", errors="replace")
    faults: list[Fault] = []

    def report(row: int, why: str) -> None:
        faults.append(Fault(path.name, row, why))

    with _opened(path) as stream:
        if "<sdnList" in head:
            form, rows = treasury.NAME, treasury.read(stream, report)
        elif csl.is_list(head):
            form, rows = csl.NAME, csl.read(stream, report, path.name)
        else:
            columns, delimiter = _columns(head)
            if columns is None:
                return Unrecognised(path.name)
            form, rows = columns.name, read_rows(_lines(stream), delimiter, columns, report)
        entries = merge_entries(rows)
    modified = datetime.fromtimestamp(path.stat().st_mtime, UTC).date()
    dated = _dated(head, entries)
    return ListFile(path.name, form, entries, tuple(faults), dated, modified)


def _dated(head: str, entries: tuple[Entry, ...]) -> date | None:
    """The day of publication where the file names it, else the newest day of an entry."""
    published = parse_day(treasury.published(head))
    days = [entry.since for entry in entries if entry.since]
    return published or (max(days) if days else None)


def _columns(head: str) -> tuple[Columns | None, str]:
    """The table that one of the first lines is the header of, and what separates its cells."""
    for line in head.lstrip("\ufeff").splitlines()[:_HEADER_LINES]:
        for delimiter in (",", "\t", ";"):
            names = {cell.strip().strip('"').casefold() for cell in line.split(delimiter)}
            for columns in (*opensanctions.formats(), *us.formats()):
                if columns.needed <= names:
                    return columns, delimiter
    return None, ","


def _lines(stream: BinaryIO) -> Iterator[str]:
    """The lines as text; published lists mix in lines that were written on Windows."""
    for number, line in enumerate(stream):
        try:
            yield line.decode("utf-8-sig" if number == 0 else "utf-8")
        except UnicodeDecodeError:
            yield line.decode("cp1252", "replace")


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """The content of a file, decompressed.

    Raises:
        InputError: The file cannot be read to its end.
    """
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            if packed:
                with gzip.GzipFile(fileobj=raw) as unpacked:
                    yield cast("BinaryIO", unpacked)
            else:
                yield raw
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{path.name} is a damaged gzip file: fetch it again") from error
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: {error.strerror or error}") from error
