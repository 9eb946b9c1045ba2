"""CSV in batches of bounded size, one bad record at a time."""

import codecs
import io
import secrets
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from stillwatch.errors import InputError
from stillwatch.events.coerce import Reason
from stillwatch.events.readers.formats import ReadContext
from stillwatch.events.readers.head import Head
from stillwatch.events.readers.source import LogFile, reading

BLOCK_BYTES: Final = 16 * 1024 * 1024
"""CSV is parsed in blocks of this size; one record must fit in a block."""

_BUFFER: Final = 1024 * 1024
# Stands for a byte that is not UTF-8. Any character can be in a text, so the mark is drawn.
_MARK: Final = f"\U0010ffff{secrets.token_hex(4)}"


def csv_batches(
    file: LogFile, context: ReadContext, needed: Sequence[str]
) -> Iterator[tuple[npt.NDArray[np.int64], pa.RecordBatch]]:
    """Batches of CSV records as text columns, with their numbers; the header is not counted.

    Records with another number of fields than the header, or with bytes that are not UTF-8 in a
    needed column, are rejected.

    Raises:
        InputError: a record does not fit in a block, most often a quote that never closes.
    """
    bad: list[int] = []

    def skip(row: pa_csv.InvalidRow) -> str:
        number = row.number - 1  # Arrow counts the header
        bad.append(number)
        context.reject(file.name, number, "", Reason.FIELDS)
        return "skip"

    with reading(file.name), file.open() as stream:
        text = _Utf8(stream)
        try:
            # Arrow takes a short read for a block, hence the buffer that fills each one
            reader = _open(
                io.BufferedReader(text, _BUFFER), Head(file.name, file.head).delimiter, needed, skip
            )
            row = 1
            for batch in reader:
                for offset in range(0, batch.num_rows, context.batch_rows):
                    piece = batch.slice(offset, context.batch_rows)
                    rows, row = _numbers(row, piece.num_rows, bad)
                    yield _readable(file, context, rows, piece) if text.damaged else (rows, piece)
        except pa.ArrowInvalid as error:
            raise InputError(
                f"{file.name} is no CSV that can be read: a quote does not close, or a record is "
                f"longer than {BLOCK_BYTES >> 20} MiB"
            ) from error


def _open(
    stream: io.BufferedReader, delimiter: str, needed: Sequence[str], skip: Any
) -> pa_csv.CSVStreamingReader:
    return pa_csv.open_csv(
        stream,
        read_options=pa_csv.ReadOptions(use_threads=False, block_size=BLOCK_BYTES),
        parse_options=pa_csv.ParseOptions(
            delimiter=delimiter, newlines_in_values=True, invalid_row_handler=skip
        ),
        convert_options=pa_csv.ConvertOptions(
            include_columns=list(needed),
            column_types=dict.fromkeys(needed, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def _numbers(first: int, count: int, bad: list[int]) -> tuple[npt.NDArray[np.int64], int]:
    """Numbers of the next `count` good records from `first` on, leaving out the bad ones."""
    rows = np.arange(first, first + count + len(bad), dtype=np.int64)
    rows = rows[~np.isin(rows, bad)][:count]
    return rows, int(rows[-1]) + 1 if count else first


def _readable(
    file: LogFile, context: ReadContext, rows: npt.NDArray[np.int64], batch: pa.RecordBatch
) -> tuple[npt.NDArray[np.int64], pa.RecordBatch]:
    """Reject records in which a byte that is not UTF-8 was marked."""
    good = np.ones(len(rows), dtype=np.bool_)
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        marked = pc.match_substring(column, _MARK).fill_null(False)
        for index in np.flatnonzero(marked.to_numpy(zero_copy_only=False) & good):
            context.reject(file.name, int(rows[index]), name, Reason.UTF8)
            good[index] = False
    return rows[good], batch.filter(pa.array(good))


class _Utf8(io.RawIOBase):
    """A stream that is always UTF-8: a byte that is not becomes a mark.

    Arrow's CSV reader can leave out a record, but not one whose bytes it cannot decode.
    """

    def __init__(self, stream: BinaryIO) -> None:
        codecs.register_error("stillwatch-mark", lambda error: (_MARK, error.end))  # type: ignore[attr-defined]
        self._decoder = codecs.getincrementaldecoder("utf-8")("stillwatch-mark")
        self._stream = stream
        self._ready = b""
        self.damaged = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._ready:
            data = self._stream.read(len(buffer))
            text = self._decoder.decode(data, final=not data)
            self._ready = text.encode()
            self.damaged = self.damaged or _MARK in text
            if not data:
                break
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count
