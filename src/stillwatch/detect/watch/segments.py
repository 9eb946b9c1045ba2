"""Segments: immutable files of the fingerprints of one day, which appear whole or not at all."""

import os
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from stillwatch.detect.engines.spool import REPEATED
from stillwatch.errors import IntegrityError, StorageError
from stillwatch.events.schema import FINGERPRINTS

DAY_MICROSECONDS = 24 * 3600 * 1_000_000


def days_of(batch: pa.RecordBatch) -> NDArray[np.int64]:
    """Return the UTC day of each event, counted from 1970."""
    times = batch.column("time").cast(pa.int64()).to_numpy(zero_copy_only=False)
    return np.asarray(times // DAY_MICROSECONDS, np.int64)


def write_segment(folder: Path, day: int, rows: pa.Table) -> str:
    """Write the events of a day and return the segment's name; it is on the disk when we return.

    Raises:
        StorageError: The disk refused.
    """
    name = f"{day}-{secrets.token_hex(8)}.parquet"
    path = folder / name
    try:
        with path.open("wb") as stream:
            pq.write_table(rows, stream, compression="lz4", use_dictionary=REPEATED)
            stream.flush()
            os.fsync(stream.fileno())
        sync_folder(folder)
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written: {error.strerror or error}; the state keeps what it had"
        ) from error
    return name


def read_segments(
    folder: Path, names: Iterable[str], columns: Sequence[str] | None = None
) -> pa.Table:
    """Read segments as one table.

    Raises:
        IntegrityError: A segment is missing or damaged.
    """
    tables = [FINGERPRINTS.empty_table() if columns is None else None]
    for name in names:
        try:
            tables.append(pq.read_table(folder / name, columns=columns))
        except (OSError, pa.ArrowException) as error:
            raise IntegrityError(
                f"{folder / name} is missing or damaged: put a copy of the state in its place, or "
                "name a new state folder and read the source again"
            ) from error
    return pa.concat_tables([table for table in tables if table is not None])


def sync_folder(folder: Path) -> None:
    """Make new and removed names in a folder last."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
