"""What happens to a batch of rows in an executor: read, fingerprinted, and its text dropped.

Spark hands the rows of a file to Python over a socket, in Arrow batches, and takes fingerprints
back the same way; no step in between writes to disk, so that text never does.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from stillwatch.detect.engines.sql import USED_COLUMNS
from stillwatch.events import schema
from stillwatch.events.coerce import Reason
from stillwatch.events.fingerprint import fingerprint_batch
from stillwatch.events.identity import Identity
from stillwatch.events.key import Key
from stillwatch.events.lists import NetworkLists
from stillwatch.events.normalise import RawBatch, normalise
from stillwatch.events.period import Period
from stillwatch.events.readers.columnar import Columns, Contract
from stillwatch.events.readers.formats import ReadContext
from stillwatch.events.readers.jsonlines import MAX_DOCUMENT_BYTES
from stillwatch.events.readers.log import BATCH_ROWS, as_fingerprints
from stillwatch.events.readers.plain import decode_lines

FILE, ROW, BLOCK, LINE = "_file", "_row", "_block", "_line"
"""Columns that say where a row of Parquet or a line of text stands."""

_SIGNED: Final = {
    pa.uint64(): pa.int64(),
    pa.uint32(): pa.int64(),
    pa.uint16(): pa.int32(),
    pa.uint8(): pa.int32(),
}
_SQL: Final = {
    pa.string(): "STRING",
    pa.int32(): "INT",
    pa.int64(): "BIGINT",
    pa.float32(): "FLOAT",
    pa.float64(): "DOUBLE",
    pa.bool_(): "BOOLEAN",
    schema.TIMESTAMP: "TIMESTAMP",
}
_REJECTED: Final = pa.struct(
    [("file", pa.string()), ("row", pa.int64()), ("column", pa.string()), ("reason", pa.string())]
)
_BOM: Final = b"\xef\xbb\xbf"


def _spark_type(kind: pa.DataType) -> pa.DataType:
    """A type that Spark has: counts in a wider one, hashes in the signed one of their width."""
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(pa.int32())
    return _SIGNED.get(kind, kind)


KEPT: Final = pa.schema(
    [
        *((name, _spark_type(schema.FINGERPRINTS.field(name).type)) for name in USED_COLUMNS),
        ("rejected", _REJECTED),
    ]
)
"""What an executor makes of a log: fingerprints, and a row for each one that cannot be read."""

KEPT_SQL: Final = (
    ", ".join(
        f"`{name}` {_SQL.get(kind, 'ARRAY<INT>')}"
        for name, kind in zip(KEPT.names[:-1], KEPT.types[:-1], strict=True)
    )
    + ", rejected STRUCT<file: STRING, row: BIGINT, column: STRING, reason: STRING>"
)
"""The same as a list of Spark's columns."""


@dataclass(frozen=True)
class Reading:
    """How rows become fingerprints.

    Attributes:
        contract: what the log holds.
        key: keys the fingerprints.
        networks: lists of networks, or None.
        identity: derives accounts from API keys.
        period: the days to look at.
        names: what each file is called, by its path.
    """

    contract: Contract
    key: Key
    networks: NetworkLists | None
    identity: Identity | None
    period: Period
    names: Mapping[str, str]

    def name(self, path: str) -> str:
        """What a file is called in rejected rows and derived event ids."""
        return self.names.get(path, path)

    def kept(self, raw: RawBatch) -> Iterator[pa.RecordBatch]:
        """Yield the fingerprints of a batch, and the rows that cannot be read, as `KEPT`."""
        if self.contract == "fingerprints":
            batch, failures = as_fingerprints(_with_bands(raw))
            batch = self.period.keep(batch)
        else:
            events, failures = normalise(raw, self.identity)
            events = self.period.keep(events)
            batch = fingerprint_batch(events, self.key, self.networks, KEPT.names)
        if batch.num_rows:
            columns = [
                batch.column(field.name).cast(field.type, safe=False)
                for field in KEPT
                if field.name != "rejected"
            ]
            nothing = pa.nulls(batch.num_rows, _REJECTED)
            yield pa.RecordBatch.from_arrays([*columns, nothing], schema=KEPT)
        if failures:
            yield rejected([(raw.file, f.row, f.column, f.reason) for f in failures])


def rejected(rows: list[tuple[str, int, str, Reason]]) -> pa.RecordBatch:
    """Rows that cannot be read, as `KEPT`: file, row, column and reason."""
    values = [
        {"file": file, "row": row, "column": column, "reason": str(reason)}
        for file, row, column, reason in rows
    ]
    columns = [pa.nulls(len(rows), kind) for kind in KEPT.types[:-1]]
    return pa.RecordBatch.from_arrays([*columns, pa.array(values, _REJECTED)], schema=KEPT)


def _with_bands(raw: RawBatch) -> RawBatch:
    """Fill columns that no query reads and that were therefore left in the file."""
    columns: dict[str, Any] = dict(raw.columns)
    for field in schema.FINGERPRINTS:
        if not field.nullable and field.name not in USED_COLUMNS:
            columns[field.name] = _zeros(len(raw.rows), field.type)
    return RawBatch(raw.file, columns, raw.rows, raw.fixed)


def _zeros(rows: int, kind: pa.DataType) -> pa.Array:
    if pa.types.is_fixed_size_list(kind):
        values = pa.array(np.zeros(rows * kind.list_size, kind.value_type.to_pandas_dtype()))
        return pa.FixedSizeListArray.from_arrays(values, kind.list_size)
    return pa.array(np.zeros(rows, kind.to_pandas_dtype()))


@dataclass(frozen=True)
class ParquetRows:
    """Reads the rows of Parquet files, which bring `FILE` and `ROW`."""

    reading: Reading
    columns: Columns

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield what becomes of each batch."""
        for batch in batches:
            for path, piece in _by_file(batch):
                rows = np.asarray(piece[ROW]) + 1
                yield from self.reading.kept(self.columns.raw(piece, rows, self.reading.name(path)))


@dataclass(frozen=True)
class TextRows:
    """Reads lines of JSON, which bring `FILE`, `BLOCK` and `LINE`.

    Attributes:
        reading: how rows become fingerprints.
        found: what each contract column is called, by file; of other files under "".
        before: how many lines stand before a block of a file, by path and start of the block.
    """

    reading: Reading
    found: Mapping[str, Mapping[str, str]]
    before: Mapping[tuple[str, int], int]

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield what becomes of each batch."""
        seen = dict(self.before)
        for batch in batches:
            for path, piece in _by_file(batch):
                yield from self._lines(path, self._numbered(path, piece, seen))

    def _numbered(
        self, path: str, piece: pa.RecordBatch, seen: dict[tuple[str, int], int]
    ) -> Iterator[tuple[int, bytes]]:
        for block, line in zip(piece[BLOCK].to_pylist(), piece[LINE].to_pylist(), strict=True):
            seen[path, block] += 1
            number = seen[path, block]
            if not line.isspace() and line:
                yield number, line.removeprefix(_BOM) if number == 1 else line

    def _lines(self, path: str, lines: Iterator[tuple[int, bytes]]) -> Iterator[pa.RecordBatch]:
        bad: list[tuple[str, int, str, Reason]] = []
        context = ReadContext(BATCH_ROWS, lambda *reject: bad.append(reject))
        name = self.reading.name(path)
        found = self.found.get(path) or self.found[""]

        def short() -> Iterator[tuple[int, bytes]]:
            for number, line in lines:
                if len(line) > MAX_DOCUMENT_BYTES:
                    context.reject(name, number, "", Reason.OVERSIZE)
                else:
                    yield number, line

        for raw in decode_lines(name, short(), found, context):
            yield from self.reading.kept(raw)
        if bad:
            yield rejected(bad)


def _by_file(batch: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Cut a batch where another file begins."""
    files = batch[FILE].dictionary_encode()
    codes = np.asarray(files.indices)
    starts = np.flatnonzero(np.diff(codes, prepend=-1)).tolist()
    for first, last in zip(starts, [*starts[1:], batch.num_rows], strict=True):
        yield files.dictionary[codes[first]].as_py(), batch.slice(first, last - first)
