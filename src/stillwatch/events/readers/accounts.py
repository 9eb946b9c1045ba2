"""Read the accounts table (contract 2)."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.errors import InputError
from stillwatch.events.coerce import Reason, coerce
from stillwatch.events.normalise import RawBatch
from stillwatch.events.readers.delimited import csv_batches
from stillwatch.events.readers.formats import ReadContext
from stillwatch.events.readers.head import Head
from stillwatch.events.readers.jsonlines import documents
from stillwatch.events.readers.rejects import Rejects
from stillwatch.events.readers.source import LogFile, Progress, find_files, reading
from stillwatch.events.schema import ACCOUNTS

_BATCH_ROWS: Final = 65536


def read_accounts(
    source: Any, *, rejects: Rejects | None = None, columns: pa.Schema = ACCOUNTS
) -> pa.Table:
    """The accounts table from Parquet, CSV, JSON lines or anything with the Arrow C stream.

    Columns keep the contract's names; others are ignored and absent ones are null.

    Args:
        source: a path, a directory, a glob or a table.
        rejects: takes rows that cannot be read; without it the first one raises.
        columns: the columns to read, with their types.

    Raises:
        InputError: no such file, no table, no `account_id`, no row, or a bad row and no `rejects`.
    """
    sink = rejects if rejects is not None else Rejects()
    context = ReadContext(_BATCH_ROWS, sink.add)
    batches = []
    for raw in _raw_batches(source, context, columns.names):
        batches.append(_conform(raw, sink, columns))
        if rejects is None and sink.total:
            first = sink.first[0]
            raise InputError(
                f"{first.file} row {first.row}, {first.column or 'as a whole'}: {first.reason}; "
                "mend that row"
            )
    table = pa.Table.from_batches(batches, schema=columns)
    if not table.num_rows:
        raise InputError("the accounts table holds no accounts: give one row per account")
    return table


def _raw_batches(source: Any, context: ReadContext, names: Sequence[str]) -> Iterator[RawBatch]:
    if hasattr(source, "__arrow_c_stream__"):
        reader = pa.RecordBatchReader.from_stream(source)
        yield from _columnar("accounts table", reader, names)
    elif isinstance(source, str | Path):
        for file in find_files([source], Progress()):
            head = Head(file.name, file.head)
            if head.is_parquet:
                with reading(file.name), pq.ParquetFile(file.path) as table:
                    yield from _columnar(file.name, table.iter_batches(_BATCH_ROWS), names)
            elif head.is_json:
                yield from _json(file, context, names)
            elif "account_id" in head.columns:
                needed = [name for name in names if name in head.columns]
                for rows, batch in csv_batches(file, context, needed):
                    yield RawBatch(file.name, dict(zip(needed, batch.columns, strict=True)), rows)
            else:
                raise InputError(
                    f"{file.name} is no accounts table: give Parquet, JSON lines or CSV with a "
                    "column account_id"
                )
    else:
        raise InputError(f"a {type(source).__name__} is no accounts table: give a path or a table")


def _columnar(name: str, batches: Any, names: Sequence[str]) -> Iterator[RawBatch]:
    row = 1
    for batch in batches:
        columns = {n: batch.column(n) for n in names if n in batch.schema.names}
        yield RawBatch(name, columns, np.arange(row, row + batch.num_rows, dtype=np.int64))
        row += batch.num_rows


def _json(file: LogFile, context: ReadContext, names: Sequence[str]) -> Iterator[RawBatch]:
    decoder = msgspec.json.Decoder(dict[str, Any])
    found: list[dict[str, Any]] = []
    rows: list[int] = []
    for row, document in documents(file, context):
        try:
            found.append(decoder.decode(document))
        except UnicodeDecodeError:
            context.reject(file.name, row, "", Reason.UTF8)
        except (ValueError, RecursionError):
            context.reject(file.name, row, "", Reason.JSON)
        else:
            rows.append(row)
        if len(rows) >= _BATCH_ROWS:
            yield RawBatch(file.name, _columns(found, names), np.array(rows, dtype=np.int64))
            found, rows = [], []
    yield RawBatch(file.name, _columns(found, names), np.array(rows, dtype=np.int64))


def _columns(found: list[dict[str, Any]], names: Sequence[str]) -> Mapping[str, list[Any]]:
    return {
        name: [row.get(name) for row in found]
        for name in names
        if any(name in row for row in found)
    }


def _conform(raw: RawBatch, rejects: Rejects, columns: pa.Schema) -> pa.RecordBatch:
    """The readable rows in the contract's types."""
    size = len(raw.rows)
    if size and "account_id" not in raw.columns:
        raise InputError(f"{raw.file} has no account_id: add that column")
    bad = np.zeros(size, dtype=np.bool_)

    def reject(index: int, column: str, reason: Reason) -> None:
        if not bad[index]:
            bad[index] = True
            rejects.add(raw.file, int(raw.rows[index]), column, reason)

    arrays = []
    for field in columns:
        values = raw.columns.get(field.name)
        array = pa.nulls(size, field.type) if values is None else coerce(values, field, reject)
        if not field.nullable:
            for index in np.flatnonzero(array.is_null().to_numpy(zero_copy_only=False)):
                reject(int(index), field.name, Reason.MISSING)
        arrays.append(array)
    batch = pa.RecordBatch.from_arrays(arrays, schema=columns)
    return batch.filter(pa.array(~bad))
