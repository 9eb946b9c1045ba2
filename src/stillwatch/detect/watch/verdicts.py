"""`verdicts.jsonl`: changes of verdicts, appended once each, for programs that follow the file."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from stillwatch.errors import IntegrityError, StorageError

_TAIL: Final = 1 << 16


class _Number(msgspec.Struct):
    number: int


def append_lines(path: Path, lines: Sequence[tuple[int, str]]) -> None:
    """Append numbered lines, but those that the file has already; they last when we return.

    A last line that a crash cut off is removed first; its number comes again.

    Raises:
        StorageError: The disk refused.
        IntegrityError: The file is not what a watch wrote.
    """
    try:
        with path.open("ab+") as file:
            last, end = _last(path)
            file.truncate(end)
            new = [line for number, line in lines if number > last]
            file.write("".join(f"{line}\n" for line in new).encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror}") from error


def _last(path: Path) -> tuple[int, int]:
    """Return the number of the last whole line, 0 without one, and where it ends."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        start = max(0, size - _TAIL)
        file.seek(start)
        tail = file.read()
    end = tail.rfind(b"\n") + 1
    if not end:
        return 0, start
    line = tail[: end - 1].rpartition(b"\n")[2]
    try:
        return msgspec.json.decode(line, type=_Number).number, start + end
    except msgspec.DecodeError as error:
        raise IntegrityError(f"{path} holds a line that no watch wrote: move it away") from error
