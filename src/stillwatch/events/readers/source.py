"""Files of a log: which ones a user means, what is in them, and how far reading has come."""

import contextlib
import errno
import glob
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Final

import pyarrow as pa

from stillwatch.errors import InputError
from stillwatch.events.readers.folders import logs_in

HEAD_BYTES: Final = 64 * 1024
"""How much of a file is looked at to tell its format."""

_GZIP, _ZSTD, _PARQUET = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1"
_BUFFER: Final = 1024 * 1024


@dataclass
class Progress:
    """Bytes of the inputs as they lie on disk, read so far."""

    done: int = 0


@dataclass(frozen=True)
class LogFile:
    """One input file. `name` is how messages, rejected rows and derived event ids call it."""

    path: Path
    name: str
    size: int
    progress: Progress = field(default_factory=Progress, compare=False, repr=False)

    @property
    def head(self) -> bytes:
        """The first bytes, decompressed; at least the first line where it is short enough."""
        if self._pipe is not None:
            return self._pipe.head
        with reading(self.name), self.open(count=False) as stream:
            return stream.read(HEAD_BYTES)

    @property
    def is_parquet(self) -> bool:
        """Whether the content starts as Parquet does."""
        return self.head.startswith(_PARQUET)

    def open(self, *, count: bool = True) -> BinaryIO:
        """The content as bytes, decompressed by what its first bytes say.

        Args:
            count: add what is read to the progress.
        """
        if self._pipe is not None:
            return _decompress(self._pipe)
        raw = _Counted(self.path.open("rb", buffering=0), self.progress if count else Progress())
        return _decompress(_Prefixed(raw))

    @cached_property
    def _pipe(self) -> "_Prefixed | None":
        """The one stream of a named pipe, which cannot be opened twice."""
        if not self.path.is_fifo():
            return None
        with reading(self.name):
            return _Prefixed(_Counted(self.path.open("rb", buffering=0), self.progress))


class _Counted(io.RawIOBase):
    """A raw file that adds what is read from it to a `Progress`."""

    def __init__(self, raw: io.FileIO, progress: Progress) -> None:
        self._raw, self._progress = raw, progress

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        count = self._raw.readinto(buffer) or 0
        self._progress.done += count
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Prefixed(io.RawIOBase):
    """A stream whose first bytes were read to look at them and are given out again."""

    def __init__(self, raw: _Counted) -> None:
        self._raw = raw
        self.head = b""
        while len(self.head) < HEAD_BYTES and b"\n" not in self.head:
            piece = raw.read(HEAD_BYTES)
            if not piece:
                break
            self.head += piece
        self._rest = self.head

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if self._rest:
            count = min(len(buffer), len(self._rest))
            buffer[:count] = self._rest[:count]
            self._rest = self._rest[count:]
            return count
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _decompress(raw: _Prefixed) -> BinaryIO:
    buffered = io.BufferedReader(raw, _BUFFER)
    if raw.head.startswith(_GZIP):
        return io.BufferedReader(_Decoded(gzip.GzipFile(fileobj=buffered), buffered), _BUFFER)
    if raw.head.startswith(_ZSTD):
        stream = pa.CompressedInputStream(pa.PythonFile(buffered, mode="r"), "zstd")
        return io.BufferedReader(_Decoded(stream, buffered), _BUFFER)
    return buffered


class _Decoded(io.RawIOBase):
    """What a decompressor gives, as a stream that also closes the file below it."""

    def __init__(self, decoder: gzip.GzipFile | pa.CompressedInputStream, below: BinaryIO) -> None:
        self._decoder, self._below = decoder, below

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._decoder.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._below.close()
        super().close()


@contextlib.contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn what a system or a codec says of a broken file into one sentence.

    Raises:
        InputError: the file cannot be read to its end.
    """
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(
            f"{name} ends inside its compressed data or is damaged: copy or export it again"
        ) from error
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise InputError(f"{name} is damaged or cut short: copy or export it again") from error
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM):
            mend = "may not be read: give this user read permission"
        elif error.errno is None:  # Arrow's codecs raise OSError without a number
            mend = "is damaged or cut short: copy or export it again"
        else:
            mend = f"cannot be read: {error.strerror}"
        raise InputError(f"{name} {mend}") from error


def find_files(sources: Sequence[str | Path], progress: Progress) -> list[LogFile]:
    """The files that paths, directories and globs name, in a stable order, each once.

    Raises:
        InputError: there is no source, or one does not exist or holds no log.
    """
    if not sources:
        raise InputError("no log was given: give a file, a directory or a glob")
    found: dict[Path, tuple[Path, str]] = {}
    for source in sources:
        for path, name in _expand(source):
            # A file can be spelled in many ways, and its events count once.
            found.setdefault(path.resolve(), (path, name))
    names = [name for _, name in found.values()]
    return [
        LogFile(path, name if names.count(name) == 1 else str(path), _size(path, name), progress)
        for path, name in found.values()
    ]


def _size(path: Path, name: str) -> int:
    with reading(name):
        return path.stat().st_size


def _expand(source: str | Path) -> list[tuple[Path, str]]:
    path = Path(source)
    if path.is_dir():
        with reading(str(path)):
            return [(p, p.relative_to(path).as_posix()) for p in logs_in(path)]
    if path.exists():
        return [(path, path.name)]
    matches = sorted(Path(p) for p in glob.glob(str(source), recursive=True))  # noqa: PTH207  # absolute and ** patterns alike
    files = [p for p in matches if p.is_file()]
    if files:
        return [(p, p.as_posix()) for p in files]
    raise InputError(f"{source} does not exist: give a file, a directory or a glob")
