"""The events contract itself as JSON lines or CSV."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa

from stillwatch.errors import InputError
from stillwatch.events.coerce import Reason
from stillwatch.events.normalise import RawBatch
from stillwatch.events.readers.aliases import MESSAGES, resolve
from stillwatch.events.readers.columnar import add_messages
from stillwatch.events.readers.delimited import csv_batches
from stillwatch.events.readers.formats import BATCH_BYTES, ReadContext
from stillwatch.events.readers.head import Head
from stillwatch.events.readers.jsonlines import documents
from stillwatch.events.readers.messages import content_text
from stillwatch.events.readers.source import LogFile
from stillwatch.events.schema import EVENTS

_TEXTS: Final = ("prompt", "system", "completion")
_Scalar = str | int | float | bool | None


def _line_type(found: Mapping[str, str]) -> type[msgspec.Struct]:
    """One line of plain events: each contract column under its name in this file, or null."""
    kinds: dict[str, Any] = {name: Any if name in _TEXTS else _Scalar for name in EVENTS.names}
    fields = [(name, kind, None) for name, kind in kinds.items()]
    fields.append((MESSAGES, Any, None))
    return msgspec.defstruct("EventLine", fields, rename=dict(found), gc=False)


def read_jsonl(files: Sequence[LogFile], context: ReadContext) -> Iterator[RawBatch]:
    """Read plain events as JSON lines or an array; the first lines say what columns are called."""
    for file in files:
        found = resolve(Head(file.name, file.head).keys)
        yield from decode_lines(file.name, documents(file, context), found, context)


def decode_lines(
    name: str,
    lines: Iterable[tuple[int, bytes]],
    found: Mapping[str, str],
    context: ReadContext,
) -> Iterator[RawBatch]:
    """Decode numbered JSON documents of one file into batches.

    Args:
        name: the file's name.
        lines: number and text of each document.
        found: what each contract column is called in this file.
        context: takes what does not decode.
    """
    decoder = msgspec.json.Decoder(_line_type(found))
    decoded: list[Any] = []
    rows: list[int] = []
    size = 0
    for row, document in lines:
        try:
            decoded.append(decoder.decode(document))
        except (ValueError, RecursionError) as error:
            context.reject(name, row, *_explain(error, found))
            continue
        rows.append(row)
        size += len(document)
        if len(rows) >= context.batch_rows or size >= BATCH_BYTES:
            yield _batch(name, decoded, rows)
            decoded, rows, size = [], [], 0
    if rows:
        yield _batch(name, decoded, rows)


def _explain(error: Exception, found: Mapping[str, str]) -> tuple[str, Reason]:
    """Column and reason of a line that does not decode."""
    if isinstance(error, UnicodeDecodeError):
        return "", Reason.UTF8
    name = str(error).rpartition("`$.")[2].rstrip("`")
    for column in EVENTS.names:
        if isinstance(error, msgspec.ValidationError) and name == found.get(column, column):
            return column, Reason.TEXT if EVENTS.field(
                column
            ).type == pa.string() else Reason.NUMBER
    return "", Reason.JSON


def _batch(file: str, lines: list[Any], rows: list[int]) -> RawBatch:
    """Lines to columns; those that are null throughout are left out."""
    columns: dict[str, Any] = {}
    for column in EVENTS.names:
        values = list(map(attrgetter(column), lines))
        if values.count(None) < len(values):
            columns[column] = values
    for column in _TEXTS:
        if column in columns and not all(type(v) is str for v in columns[column]):
            columns[column] = [content_text(v) for v in columns[column]]
    if "prompt" not in columns:
        messages = list(map(attrgetter(MESSAGES), lines))
        if messages.count(None) < len(messages):
            add_messages(columns, messages)
    return RawBatch(file, columns, np.array(rows, dtype=np.int64), fixed=False)


def read_csv(files: Sequence[LogFile], context: ReadContext) -> Iterator[RawBatch]:
    """Read plain events as CSV with a header; separated by comma, semicolon or tab."""
    for file in files:
        header = Head(file.name, file.head).columns
        found = resolve(header)
        messages = "prompt" not in found and MESSAGES in header
        needed = [*found.values(), *([MESSAGES] if messages else [])]
        twice = [name for name in needed if header.count(name) > 1]
        if twice:
            raise InputError(f"{file.name} has two columns {twice[0]}: leave one out")
        for rows, batch in csv_batches(file, context, needed):
            columns: dict[str, Any] = {k: batch.column(v) for k, v in found.items()}
            if messages:
                add_messages(columns, batch.column(MESSAGES).to_pylist())
            yield RawBatch(file.name, columns, rows)
