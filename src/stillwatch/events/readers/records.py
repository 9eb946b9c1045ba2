"""Logs whose rows are documents: read one at a time, mapped to contract columns, batched."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import pyarrow.parquet as pq

from stillwatch.events.coerce import Reason
from stillwatch.events.normalise import RawBatch
from stillwatch.events.readers.delimited import csv_batches
from stillwatch.events.readers.formats import BATCH_BYTES, ReadContext
from stillwatch.events.readers.head import Head
from stillwatch.events.readers.jsonlines import documents
from stillwatch.events.readers.source import LogFile, reading
from stillwatch.events.schema import EVENTS

Record = dict[str, Any]
Mapper = Callable[[Record], Record | None]
"""Turns a document into contract columns; None where it is no request to a model."""


class RowBuilder:
    """Collects rows and closes a batch by number of rows, size of text, or change of file."""

    def __init__(self, context: ReadContext) -> None:
        self._context = context
        self._file = ""
        self._rows: list[int] = []
        self._records: list[Record] = []
        self._size = 0

    def add(self, file: str, row: int, columns: Record) -> Iterator[RawBatch]:
        """Take one row; give out the batch that it closes, if any."""
        if file != self._file:
            yield from self.close()
            self._file = file
        self._rows.append(row)
        self._records.append(columns)
        self._size += sum(len(v) for v in columns.values() if isinstance(v, str))
        if len(self._rows) >= self._context.batch_rows or self._size >= BATCH_BYTES:
            yield from self.close()

    def close(self) -> Iterator[RawBatch]:
        """Give out what has been collected."""
        if self._rows:
            columns = {}
            for name in EVENTS.names:
                values = [record.get(name) for record in self._records]
                if values.count(None) < len(values):
                    columns[name] = values
            yield RawBatch(self._file, columns, np.array(self._rows, dtype=np.int64), fixed=False)
        self._rows, self._records, self._size = [], [], 0


def reader_of(
    mapper: Mapper,
) -> Callable[[Sequence[LogFile], ReadContext], Iterator[RawBatch]]:
    """A format's `read` out of the mapping of one document."""

    def read(files: Sequence[LogFile], context: ReadContext) -> Iterator[RawBatch]:
        builder = RowBuilder(context)
        for file in files:
            for row, record in records(file, context):
                columns = mapper(record)
                if columns is not None:
                    yield from builder.add(file.name, row, columns)
        yield from builder.close()

    return read


def records(file: LogFile, context: ReadContext) -> Iterator[tuple[int, Record]]:
    """Every document of a file with its number, from JSON, CSV or Parquet."""
    head = Head(file.name, file.head)
    if file.is_parquet:
        yield from _parquet_records(file, context)
    elif head.is_json or not head.columns:
        yield from json_records(file, context)
    else:
        yield from _csv_records(file, context, head.columns)


def json_records(file: LogFile, context: ReadContext) -> Iterator[tuple[int, Record]]:
    """Every JSON object of a file; what is none is rejected."""
    decoder = msgspec.json.Decoder(dict[str, Any])
    for row, document in documents(file, context):
        try:
            yield row, decoder.decode(document)
        except UnicodeDecodeError:
            context.reject(file.name, row, "", Reason.UTF8)
        except (ValueError, RecursionError):
            context.reject(file.name, row, "", Reason.JSON)


def _csv_records(
    file: LogFile, context: ReadContext, header: Sequence[str]
) -> Iterator[tuple[int, Record]]:
    for rows, batch in csv_batches(file, context, header):
        yield from zip(rows.tolist(), batch.to_pylist(), strict=True)


def _parquet_records(file: LogFile, context: ReadContext) -> Iterator[tuple[int, Record]]:
    row = 1
    with reading(file.name), pq.ParquetFile(file.path, pre_buffer=False) as table:
        for batch in table.iter_batches(context.batch_rows):
            for record in batch.to_pylist():
                yield row, record
                row += 1
    file.progress.done += file.size


def first(record: Mapping[str, Any], *names: str) -> Any:
    """The first of these fields that is neither null nor empty."""
    for name in names:
        value = record.get(name)
        if value is not None and value != "":
            return value
    return None
