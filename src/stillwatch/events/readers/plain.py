"""The events contract itself as JSON lines or CSV."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.csv as pc_csv

from stillwatch.errors import InputError
from stillwatch.events.coerce import Reason
from stillwatch.events.normalise import RawBatch
from stillwatch.events.readers.aliases import MESSAGES, resolve
from stillwatch.events.readers.columnar import add_messages
from stillwatch.events.readers.formats import BATCH_BYTES, ReadContext
from stillwatch.events.readers.head import Head
from stillwatch.events.readers.jsonlines import documents
from stillwatch.events.readers.messages import content_text
from stillwatch.events.readers.source import LogFile, reading
from stillwatch.events.schema import EVENTS

CSV_BLOCK_BYTES: Final = 16 * 1024 * 1024
"""CSV is parsed in blocks of this size; one record must fit in a block."""

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
        decoder = msgspec.json.Decoder(_line_type(found))
        lines: list[Any] = []
        rows: list[int] = []
        size = 0
        for row, document in documents(file, context):
            try:
                lines.append(decoder.decode(document))
            except (ValueError, RecursionError) as error:
                context.reject(file.name, row, *_explain(error, found))
                continue
            rows.append(row)
            size += len(document)
            if len(rows) >= context.batch_rows or size >= BATCH_BYTES:
                yield _batch(file.name, lines, rows)
                lines, rows, size = [], [], 0
        if rows:
            yield _batch(file.name, lines, rows)


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
    *table, messages = zip(*map(msgspec.structs.astuple, lines), strict=True)
    columns: dict[str, Any] = {
        column: values
        for column, values in zip(EVENTS.names, table, strict=True)
        if values.count(None) < len(values)
    }
    for column in _TEXTS:
        if column in columns and not all(type(v) is str for v in columns[column]):
            columns[column] = [content_text(v) for v in columns[column]]
    if "prompt" not in columns and messages.count(None) < len(messages):
        add_messages(columns, messages)
    return RawBatch(file, columns, np.array(rows, dtype=np.int64), fixed=False)


def read_csv(files: Sequence[LogFile], context: ReadContext) -> Iterator[RawBatch]:
    """Read plain events as CSV with a header; separated by comma, semicolon or tab."""
    for file in files:
        header = Head(file.name, file.head).columns
        found = resolve(header)
        messages = "prompt" not in found and MESSAGES in header
        needed = [*found.values(), *([MESSAGES] if messages else [])]
        for rows, batch in csv_batches(file, context, needed):
            columns: dict[str, Any] = {k: batch.column(v) for k, v in found.items()}
            if messages:
                add_messages(columns, batch.column(MESSAGES).to_pylist())
            yield RawBatch(file.name, columns, rows)


def csv_batches(
    file: LogFile, context: ReadContext, needed: Sequence[str]
) -> Iterator[tuple[Any, pa.RecordBatch]]:
    """Batches of CSV records as binary columns, with their numbers; the header is not counted.

    Records with another number of fields than the header are rejected.

    Raises:
        InputError: a record does not fit in a block, most often a quote that never closes.
    """
    bad: list[int] = []

    def skip(row: pc_csv.InvalidRow) -> str:
        number = row.number - 1  # Arrow counts the header
        bad.append(number)
        context.reject(file.name, number, "", Reason.FIELDS)
        return "skip"

    with reading(file.name), file.open() as stream:
        try:
            reader = _open_csv(stream, Head(file.name, file.head).delimiter, needed, skip)
            row = 1
            for batch in reader:
                for offset in range(0, batch.num_rows, context.batch_rows):
                    piece = batch.slice(offset, context.batch_rows)
                    rows, row = _numbers(row, piece.num_rows, bad)
                    yield rows, piece
        except pa.ArrowInvalid as error:
            raise InputError(
                f"{file.name} is no CSV that can be read: a quote does not close, or a record is "
                f"longer than {CSV_BLOCK_BYTES >> 20} MiB"
            ) from error


def _open_csv(
    stream: Any, delimiter: str, needed: Sequence[str], skip: Any
) -> pc_csv.CSVStreamingReader:
    return pc_csv.open_csv(
        stream,
        read_options=pc_csv.ReadOptions(use_threads=False, block_size=CSV_BLOCK_BYTES),
        parse_options=pc_csv.ParseOptions(
            delimiter=delimiter, newlines_in_values=True, invalid_row_handler=skip
        ),
        convert_options=pc_csv.ConvertOptions(
            include_columns=list(needed),
            column_types=dict.fromkeys(needed, pa.binary()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def _numbers(first: int, count: int, bad: list[int]) -> tuple[Any, int]:
    """Numbers of the next `count` good records from `first` on, leaving out the bad ones."""
    rows = np.arange(first, first + count + len(bad), dtype=np.int64)
    rows = rows[~np.isin(rows, bad)][:count]
    return rows, int(rows[-1]) + 1 if count else first
