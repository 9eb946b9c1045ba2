"""Where rows that cannot be read go: counted, located, explained, never quoted."""

from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import msgspec

from stillwatch.errors import StorageError


class Reject(msgspec.Struct, frozen=True):
    """One line of `rejected.jsonl`: where and why, never the value.

    `row` counts from 1: lines of JSONL, records of CSV without the header, rows of Parquet,
    requests of OTLP. `column` is empty where the row as a whole is bad.
    """

    file: str
    row: int
    column: str
    reason: str


class Rejects:
    """Takes rejected rows in bounded memory.

    Args:
        path: where to write JSON lines; the file is made at once, empty if nothing is rejected.
            None keeps only counts and the first rejects.
        keep: how many rejects to hold in `first`.

    Raises:
        StorageError: the file cannot be written.

    >>> with Rejects() as rejects:
    ...     rejects.add("log.csv", 7, "time", "not a time")
    >>> rejects.total, dict(rejects.reasons)
    (1, {'not a time': 1})
    """

    def __init__(self, path: Path | None = None, *, keep: int = 1000) -> None:
        self.reasons: Counter[str] = Counter()
        self.first: list[Reject] = []
        self._keep = keep
        self._encoder = msgspec.json.Encoder()
        self._file: BinaryIO | None = None
        if path is not None:
            try:
                self._file = path.open("wb")
            except OSError as error:
                raise StorageError(
                    f"cannot write rejected rows to {path}: {error.strerror}; choose another --out"
                ) from error

    @property
    def total(self) -> int:
        """How many rows were rejected."""
        return self.reasons.total()

    def add(self, file: str, row: int, column: str, reason: str) -> None:
        """Record that one row was rejected.

        Raises:
            StorageError: the disk is full.
        """
        self.reasons[str(reason)] += 1
        reject = Reject(file, row, column, str(reason))
        if len(self.first) < self._keep:
            self.first.append(reject)
        if self._file is not None:
            try:
                self._file.write(self._encoder.encode(reject) + b"\n")
            except OSError as error:
                raise StorageError(
                    f"cannot write rejected rows: {error.strerror}; free some space"
                ) from error

    def close(self) -> None:
        """Flush and close the file, if there is one."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
