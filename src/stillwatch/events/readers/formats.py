"""What a log format is, which are built in, and how others are added."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Final

import pyarrow.parquet as pq

from stillwatch.errors import ConfigError, InputError
from stillwatch.events.coerce import Reason
from stillwatch.events.normalise import RawBatch
from stillwatch.events.readers.head import Head
from stillwatch.events.readers.source import LogFile, reading

ENTRY_POINT_GROUP: Final = "stillwatch.readers"
"""Where packages of others declare their `Format`."""

BATCH_BYTES: Final = 64 * 1024 * 1024
"""A batch of rows closes when its source text reaches this size, if not earlier."""


@dataclass(frozen=True, slots=True)
class ReadContext:
    """What a reader is given beside its files."""

    batch_rows: int
    reject: Callable[[str, int, str, Reason], None]
    """Called with file, row, column and reason for a row that cannot be parsed."""


@dataclass(frozen=True, slots=True)
class Format:
    """A log format: how to recognise it and how to read it.

    `sniff` sees the head of one file. `read` gets all files of this format, because some formats
    join records across files, and yields raw batches by contract column name; types, ranges and
    missing values are the business of `stillwatch.events.normalise`.
    """

    name: str
    description: str
    sniff: Callable[[Head], bool]
    read: Callable[[Sequence[LogFile], ReadContext], Iterator[RawBatch]]


def known_formats(built_in: Sequence[Format]) -> dict[str, Format]:
    """Built-in formats and those of other packages, by name; built-in ones are asked last.

    Raises:
        ConfigError: two packages claim one name.
    """
    formats: dict[str, Format] = {}
    found: list[Format] = [point.load() for point in entry_points(group=ENTRY_POINT_GROUP)]
    for entry in [*found, *built_in]:
        if entry.name in formats:
            raise ConfigError(
                f"two log formats are called {entry.name!r}: remove a package that brings it"
            )
        formats[entry.name] = entry
    return formats


def choose(file: LogFile, name: str, formats: dict[str, Format]) -> Format:
    """The format that the user named, or the first that recognises the file.

    Raises:
        InputError: no such format, or the file is no log.
    """
    if name != "auto":
        if name not in formats:
            raise InputError(f"there is no log format {name!r}: choose auto, {', '.join(formats)}")
        return formats[name]
    head = Head(file.name, file.head, _parquet_columns(file))
    for entry in formats.values():
        if entry.sniff(head):
            return entry
    raise InputError(f"{file.name} is no log that Stillwatch knows{head.complaint()}")


def _parquet_columns(file: LogFile) -> list[str]:
    if not file.is_parquet:
        return []
    with reading(file.name):
        return list(pq.read_schema(file.path).names)
