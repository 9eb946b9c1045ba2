"""Output files appear whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stillwatch.errors import InputError, StorageError


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
