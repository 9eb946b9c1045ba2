"""Fingerprints on disk: what a scan keeps of its input while it works. It never holds text.

Only what the queries read is kept: the rest is a third of the bytes.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.detect.engines.sql import USED_COLUMNS
from stillwatch.errors import StorageError
from stillwatch.events import schema

ROWS_PER_FILE = 1_000_000
SPOOLED: Final = pa.schema([field for field in schema.FINGERPRINTS if field.name in USED_COLUMNS])
"""Columns of the files."""


def write_spool(batches: Iterable[pa.RecordBatch], folder: Path) -> tuple[list[Path], int]:
    """Write fingerprint batches as Parquet files of bounded size.

    Args:
        batches: fingerprints, with `USED_COLUMNS` at least.
        folder: an existing, empty folder.

    Returns:
        The files and the number of rows.

    Raises:
        StorageError: the folder's disk is full or fails.
    """
    files: list[Path] = []
    rows = 0
    writer: pq.ParquetWriter | None = None
    try:
        for batch in batches:
            if writer is None or rows >= len(files) * ROWS_PER_FILE:
                if writer is not None:
                    writer.close()
                files.append(folder / f"fingerprints-{len(files):05d}.parquet")
                writer = pq.ParquetWriter(
                    files[-1], SPOOLED, compression="lz4", use_dictionary=REPEATED
                )
            writer.write_batch(batch.select(SPOOLED.names))
            rows += batch.num_rows
    except OSError as error:
        raise StorageError(
            f"cannot write fingerprints to {folder}: {error.strerror or error}; "
            "set TMPDIR to a disk with room"
        ) from error
    finally:
        if writer is not None:
            writer.close()
    return files, rows


REPEATED = [
    "account_id",
    "model",
    "operation",
    "output_type",
    "finish_reason",
    "country",
    "reasoning_effort",
    "tls_fingerprint",
    "client_name",
    "client",
    "network",
    "system",
    "parameters",
    "template",
]
"""Columns whose values repeat enough for dictionary encoding to pay."""
