"""Open a log, whatever it is, and read it in batches of one contract."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from stillwatch.errors import InputError
from stillwatch.events.coerce import Reason
from stillwatch.events.identity import Identity
from stillwatch.events.normalise import MEND, Failure, RawBatch, normalise, out_of_time
from stillwatch.events.period import Period
from stillwatch.events.readers.builtin import FORMATS
from stillwatch.events.readers.columnar import (
    Contract,
    contract_of,
    key_of,
    parquet_contract,
    read_stream,
)
from stillwatch.events.readers.formats import Format, ReadContext, choose, known_formats
from stillwatch.events.readers.rejects import Rejects
from stillwatch.events.readers.source import LogFile, Progress, find_files
from stillwatch.events.schema import FINGERPRINTS

BATCH_ROWS: Final = 16384
"""Rows of a batch where the caller names none."""

_HOPELESS_ROWS: Final = 100
"""If so many rows in the first batch all fail, the rest is not read."""


class LogReader:
    """Iterates a log once, as record batches of one contract.

    `contract` says which: `EVENTS` or `FINGERPRINTS` of `stillwatch.events.schema`. `key_id` names
    the one key of all fingerprints, None where it is not known of each input. `bytes_total`
    is the size of the inputs on disk and `bytes_done` how far reading has come; both are 0 for
    Arrow objects. Memory holds one batch of rows, or what a join across files needs.
    """

    def __init__(
        self,
        names: Sequence[str],
        contract: Contract,
        batches: Callable[[ReadContext], Iterator[RawBatch]],
        *,
        rejects: Rejects,
        key_id: str | None = None,
        identity: Identity | None = None,
        batch_rows: int = BATCH_ROWS,
        bytes_total: int = 0,
        progress: Progress | None = None,
    ) -> None:
        self.files = tuple(names)
        self.contract = contract
        self.key_id = key_id
        self.bytes_total = bytes_total
        self.rejects = rejects
        self._identity = identity
        self._progress = progress or Progress()
        self._context = ReadContext(batch_rows, rejects.add)
        self._batches = batches

    @property
    def bytes_done(self) -> int:
        """Bytes of the inputs read so far, at most `bytes_total`."""
        return min(self._progress.done, self.bytes_total)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Batches that are never empty.

        Raises:
            InputError: a file is damaged or no log, a required column is missing, or no row at
                all can be read.
        """
        rows = 0
        for raw in self._batches(self._context):
            if self.contract == "fingerprints":
                batch, failures = as_fingerprints(raw)
            else:
                batch, failures = normalise(raw, self._identity)
            for failure in failures:
                self.rejects.add(raw.file, failure.row, failure.column, failure.reason)
            if batch.num_rows:
                rows += batch.num_rows
                yield batch
            elif not rows and len(raw.rows) >= _HOPELESS_ROWS:
                break
        if not rows:
            raise InputError(nothing_readable(self.files, self.rejects))


def nothing_in_period(files: Sequence[str], period: Period) -> str:
    """Say in one line that a log has no events of the days that were asked for, and the mend."""
    return f"{_named(files)} holds no events {period.words}: give other days"


def nothing_readable(files: Sequence[str], rejects: Rejects) -> str:
    """Say in one line why no row of a log could be read, and the mend."""
    names = _named(files)
    if not rejects.total:
        return f"{names} holds no events: give a log with at least one request"
    reason, count = rejects.reasons.most_common(1)[0]
    column = next((r.column for r in rejects.first if r.reason == reason), "")
    where = f" in {column}" if column else ""
    mend = MEND.get(column, "mend the log, or name its format with --format")
    return f"no row of {names} can be read: {count} times {reason}{where}; {mend}"


def _named(files: Sequence[str]) -> str:
    return files[0] if len(files) == 1 else f"{len(files)} inputs"


def open_log(
    sources: Sequence[str | Path],
    *,
    format: str = "auto",  # noqa: A002  # the word that users type
    identity: Identity | None = None,
    rejects: Rejects,
    batch_rows: int = BATCH_ROWS,
) -> LogReader:
    """Open files, directories and globs of logs; formats may differ from file to file.

    Args:
        sources: paths; a directory is searched for files with a log's suffix.
        format: a name from `FORMATS` or of another package, or `auto`.
        identity: derives accounts from API keys where a log has no accounts.
        rejects: takes the rows that cannot be read.
        batch_rows: the most rows of a batch.

    Raises:
        InputError: a source does not exist, is empty, damaged or no log, or sources do not go
            together: events and fingerprints, or fingerprints of different keys.
    """
    log = recognise(sources, format=format)

    def batches(context: ReadContext) -> Iterator[RawBatch]:
        for _, group in groupby(log.files, key=lambda pair: pair[0].name):
            pairs = list(group)
            yield from pairs[0][0].read([file for _, file in pairs], context)

    return LogReader(
        log.names,
        log.contract,
        batches,
        rejects=rejects,
        key_id=log.key_id,
        identity=identity,
        batch_rows=batch_rows,
        bytes_total=sum(file.size for _, file in log.files),
        progress=log.progress,
    )


@dataclass(frozen=True)
class Recognised:
    """Files of a log with the format of each, by format in the order of `FORMATS`.

    Attributes:
        names: what the files are called, in the order in which they were given.
        files: each file with its format.
        contract: what all of them hold.
        key_id: the one key of all fingerprints, None where it is not known of each file.
        progress: counts what is read of the files.
    """

    names: tuple[str, ...]
    files: tuple[tuple[Format, LogFile], ...]
    contract: Contract
    key_id: str | None
    progress: Progress


def recognise(
    sources: Sequence[str | Path],
    *,
    format: str = "auto",  # noqa: A002  # the word that users type
) -> Recognised:
    """Find the files that sources name and tell what each holds, without reading them.

    Raises:
        InputError: as `open_log`.
    """
    progress = Progress()
    formats = known_formats(FORMATS)
    files = find_files(sources, progress)
    if len(files) > 1:  # an empty file among others, as log rotation leaves them, is no fault
        files = [f for f in files if f.size or f.path.is_fifo()] or files
    chosen = [(choose(file, format, formats), file) for file in files]
    contract, key_id = _common([(file.name, *_contract(entry, file)) for entry, file in chosen])
    order = {name: index for index, name in enumerate(formats)}
    chosen.sort(key=lambda pair: order[pair[0].name])
    names = tuple(file.name for file in files)
    return Recognised(names, tuple(chosen), contract, key_id, progress)


def open_arrow(
    table: Any,
    *,
    identity: Identity | None = None,
    rejects: Rejects,
    batch_rows: int = BATCH_ROWS,
) -> LogReader:
    """Open anything that speaks the Arrow C stream interface, without copying it whole.

    Args:
        table: a Polars or pandas data frame, a DuckDB relation, a pyarrow table or reader.
        identity: derives accounts from API keys where the table has no accounts.
        rejects: takes the rows that cannot be read; their file is `table`.
        batch_rows: the most rows of a batch.

    Raises:
        InputError: the object is no table.
    """
    if not hasattr(table, "__arrow_c_stream__"):
        raise InputError(
            f"a {type(table).__name__} is no table: give a path or a data frame with the Arrow C "
            "stream interface"
        )
    reader = pa.RecordBatchReader.from_stream(table)
    return LogReader(
        ["table"],
        contract_of(reader.schema, "table"),
        lambda context: read_stream(reader, "table", context),
        rejects=rejects,
        key_id=key_of(reader.schema),
        identity=identity,
        batch_rows=batch_rows,
    )


def _contract(entry: Any, file: Any) -> tuple[Contract, str | None]:
    return parquet_contract(file) if entry.name == "parquet" else ("events", None)


def _common(found: Sequence[tuple[str, Contract, str | None]]) -> tuple[Contract, str | None]:
    """The contract of all inputs, and the key of their fingerprints where each names it."""
    first_name, first, _ = found[0]
    for name, contract, _ in found:
        if contract != first:
            raise InputError(
                f"{first_name} holds {first} and {name} holds {contract}: read them apart, or make "
                "fingerprints of the events with stillwatch ingest and the key of the others"
            )
    named = [(name, key) for name, _, key in found if key is not None]
    for name, key in named:
        if key != named[0][1]:
            raise InputError(
                f"{named[0][0]} and {name} hold fingerprints of different keys, which never match: "
                "make them again with stillwatch ingest and one key"
            )
    return first, named[0][1] if len(named) == len(found) else None


def as_fingerprints(raw: RawBatch) -> tuple[pa.RecordBatch, list[Failure]]:
    """The readable rows of a batch in the fingerprints contract, and why the others are not.

    Columns that may be null and are absent become null.

    Raises:
        InputError: a column is missing or has a type that does not fit.
    """
    size = len(raw.rows)
    arrays = []
    for field in FINGERPRINTS:
        array: Any = raw.columns.get(field.name)
        if array is None:
            if not field.nullable:
                raise InputError(
                    f"{raw.file} holds fingerprints without {field.name}: make them again with "
                    "stillwatch ingest"
                )
            array = pa.nulls(size, field.type)
        try:
            cast = array if array.type == field.type else array.cast(field.type)
        except pa.ArrowException as error:
            raise InputError(
                f"{raw.file} has fingerprints whose {field.name} is {array.type}, not "
                f"{field.type}: make them again with stillwatch ingest"
            ) from error
        if not field.nullable and cast.null_count:
            raise InputError(
                f"{raw.file} has fingerprints with empty {field.name}: make them again with "
                "stillwatch ingest"
            )
        arrays.append(cast)
    batch = pa.RecordBatch.from_arrays(arrays, schema=FINGERPRINTS)
    outside = out_of_time(batch["time"]).to_numpy(zero_copy_only=False)
    failures = [
        Failure(int(raw.rows[index]), "time", Reason.TIME_RANGE)
        for index in np.flatnonzero(outside)
    ]
    return (batch.filter(pa.array(~outside)) if failures else batch), failures
