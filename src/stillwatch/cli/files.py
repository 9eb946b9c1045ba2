"""Output files appear whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from stillwatch.errors import InputError, StorageError

if TYPE_CHECKING:
    import pyarrow as pa


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path`; rename it into place when the block ends well.

    Raises:
        InputError: `path` is a folder.
        StorageError: The disk refused.
    """
    temporary = _beside(path)
    try:
        yield temporary
        # mkstemp makes private files; a result has the permissions that the user's umask gives.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def check_files(*paths: Path | None) -> None:
    """Refuse output files that cannot be written; call it before long work.

    Raises:
        InputError: One is a folder.
        StorageError: The disk refuses.
    """
    for path in paths:
        if path is not None:
            _beside(path).unlink()


def write_table(table: "pa.Table", out: Path) -> None:
    """Write a table whole or not at all: JSON lines where the suffix says so, else Parquet."""
    import msgspec
    import pyarrow.parquet as pq

    with replacing(out) as path:
        if out.suffix == ".jsonl":
            path.write_bytes(b"".join(msgspec.json.encode(r) + b"\n" for r in table.to_pylist()))
        else:
            pq.write_table(table, path, compression="zstd")


def _beside(path: Path) -> Path:
    """Make an empty file with a name of its own in the folder of `path`."""
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(descriptor)
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written: {error.strerror}; name another place"
        ) from error
    return Path(name)
