"""Parquet files and Arrow streams: columns that are already there, only the needed ones read."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.errors import InputError
from stillwatch.events.normalise import RawBatch
from stillwatch.events.readers.aliases import MESSAGES, resolve
from stillwatch.events.readers.formats import BATCH_BYTES, ReadContext
from stillwatch.events.readers.messages import read_messages
from stillwatch.events.readers.source import LogFile, reading
from stillwatch.events.schema import FINGERPRINT_VERSION, FINGERPRINTS, KEY_ID

Contract = Literal["events", "fingerprints"]

_VERSION_KEY: Final = b"stillwatch.fingerprint_version"
_TELLING: Final = frozenset({"template", "content", "bands", "sketch"})


def contract_of(schema: pa.Schema, name: str) -> Contract:
    """Whether a table holds events or fingerprints, by its metadata, else by its columns.

    Raises:
        InputError: the fingerprints are of another version.
    """
    version = (schema.metadata or {}).get(_VERSION_KEY)
    if version is None:
        return "fingerprints" if _TELLING.issubset(schema.names) else "events"
    if version != str(FINGERPRINT_VERSION).encode():
        raise InputError(
            f"{name} holds fingerprints of version {version.decode(errors='replace')}, this "
            f"Stillwatch reads version {FINGERPRINT_VERSION}: make them again with stillwatch "
            "ingest"
        )
    return "fingerprints"


def key_of(schema: pa.Schema) -> str | None:
    """The public name of the key that made fingerprints; None where it was not written down."""
    name: bytes | None = (schema.metadata or {}).get(KEY_ID)
    return None if name is None else name.decode(errors="replace")


def parquet_contract(file: LogFile) -> tuple[Contract, str | None]:
    """What a Parquet file holds and under which key, from its footer.

    Raises:
        InputError: the file is not Parquet, is damaged, or holds fingerprints of another version.
    """
    if not file.is_parquet:
        raise InputError(f"{file.name} is not Parquet: leave out --format parquet")
    with reading(file.name):
        schema = pq.read_schema(file.path)
        return contract_of(schema, file.name), key_of(schema)


def read_parquet(files: Sequence[LogFile], context: ReadContext) -> Iterator[RawBatch]:
    """Read Parquet files, one batch of rows at a time and only the contract's columns."""
    for file in files:
        with reading(file.name), pq.ParquetFile(file.path, pre_buffer=False) as table:
            yield from _read_table(file, table, context)


def _read_table(file: LogFile, table: pq.ParquetFile, context: ReadContext) -> Iterator[RawBatch]:
    chosen = Columns(table.schema_arrow, file.name)
    start, total = file.progress.done, max(table.metadata.num_rows, 1)
    row = 1
    for batch in table.iter_batches(context.batch_rows, columns=chosen.needed):
        for piece in _pieces(batch, context):
            yield chosen.raw(piece, np.arange(row, row + piece.num_rows, dtype=np.int64))
            row += piece.num_rows
        file.progress.done = start + file.size * (row - 1) // total
    file.progress.done = start + file.size


def read_stream(
    reader: pa.RecordBatchReader, name: str, context: ReadContext
) -> Iterator[RawBatch]:
    """Read an Arrow stream, cut into batches of at most `context.batch_rows` rows."""
    chosen = Columns(reader.schema, name)
    row = 1
    for batch in reader:
        for piece in _pieces(batch, context):
            yield chosen.raw(piece, np.arange(row, row + piece.num_rows, dtype=np.int64))
            row += piece.num_rows


def _pieces(batch: pa.RecordBatch, context: ReadContext) -> Iterator[pa.RecordBatch]:
    """Cut a batch so that neither its rows nor its bytes are too many."""
    share = min(1.0, 4 * BATCH_BYTES / max(batch.nbytes, 1))
    rows = max(1, min(context.batch_rows, int(batch.num_rows * share)))
    for offset in range(0, batch.num_rows, rows):
        yield batch.slice(offset, rows)


class Columns:
    """Which columns of a table are needed, and what they are called in the contract.

    Args:
        schema: of the table.
        name: of the table.
        fingerprints: the columns wanted of a table of fingerprints.

    Raises:
        InputError: a needed column is there twice, or fingerprints are of another version.
    """

    def __init__(
        self, schema: pa.Schema, name: str, fingerprints: Collection[str] = FINGERPRINTS.names
    ) -> None:
        self._name = name
        if contract_of(schema, name) == "fingerprints":
            self._found = {n: n for n in fingerprints if n in schema.names}
        else:
            self._found = resolve(schema.names)
        twice = [n for n in self._found.values() if schema.names.count(n) > 1]
        if twice:
            raise InputError(f"{name} has two columns {twice[0]}: leave one out")
        self._messages = "prompt" not in self._found and MESSAGES in schema.names
        self.needed = [*dict.fromkeys(self._found.values())]
        if self._messages:
            self.needed.append(MESSAGES)

    def raw(
        self, batch: pa.RecordBatch, rows: npt.NDArray[np.int64], file: str | None = None
    ) -> RawBatch:
        """The batch under contract names; `rows` are its row numbers, in `file` or the table."""
        columns: dict[str, Any] = {k: batch.column(v) for k, v in self._found.items()}
        if self._messages:
            add_messages(columns, batch.column(MESSAGES).to_pylist())
        return RawBatch(file or self._name, columns, rows)


def add_messages(columns: dict[str, Any], messages: Sequence[Any]) -> None:
    """Fill prompt, system and turn from message lists, where the log has no such columns."""
    read = [None if m is None else read_messages(m) for m in messages]
    derived: Mapping[str, list[Any]] = {
        "prompt": [r and r.prompt for r in read],
        "system": [r and r.system for r in read],
        "turn": [r and r.turn for r in read],
    }
    for column, values in derived.items():
        if column not in columns:
            columns[column] = values
