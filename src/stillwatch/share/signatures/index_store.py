"""The file of a signature index: written whole or not at all, checked, mapped into memory.

One process writes; any number may map the file, and share its pages.
"""

import mmap
import os
import tempfile
import zlib
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, cast

import numpy as np

from stillwatch.errors import ConfigError, InputError, IntegrityError, StorageError
from stillwatch.events.kernels.types import U64s
from stillwatch.share.signatures import index_layout as layout
from stillwatch.share.signatures.index import SignatureIndex
from stillwatch.share.signatures.index_build import Builder, Scratch, header_check, key_number
from stillwatch.share.signatures.index_entries import Entries

_AGAIN: Final = "build it again"


def build_index(path: Path, batches: Iterable[Entries], key: str, position: int = 0) -> None:
    """Write an index of batches of entries; all of one signature come in one batch.

    Args:
        path: the file; one that is there is replaced at once at the end.
        batches: entries, best a hundred thousand or more at a time.
        key: id of the key under which the values were made, `Key.id`.
        position: how far the caller's own sequence of updates has come.

    Raises:
        StorageError: The disk failed or is full; a file that was there is untouched.
    """

    def write(target: BinaryIO, salt: U64s, scratch: Scratch) -> None:
        builder = Builder(key, salt, scratch)
        for batch in batches:
            builder.add(batch)
        builder.write(target, position)

    _write_whole(path, write)


def open_index(path: Path, key: str, *, verify: bool = True) -> SignatureIndex:
    """Map an index.

    Args:
        path: a file that `build_index` or `merge_index` wrote.
        key: id of the key under which events are fingerprinted.
        verify: also read the whole file and compare its checksum. Leave it out only where another
            process has just verified the same file: a damaged index can end the process.

    Raises:
        InputError: There is no such file, or it is no index.
        IntegrityError: It is truncated, damaged, or of another version.
        ConfigError: It was made under another key.
    """
    return SignatureIndex(_mapped(path, key, verify=verify))


def merge_index(index: SignatureIndex, path: Path, position: int = 0) -> None:
    """Write base and delta as a new base, then swap; look-ups and updates go on meanwhile.

    Raises:
        InputError: Another merge of this index is under way.
        StorageError: The disk failed or is full; the index and the file are as before.
    """
    merge = index.begin_merge()
    try:
        _write_whole(path, partial(merge.write, position=position))
        base = _mapped(path, index.key, verify=False)
    except BaseException:
        index.give_up_merge()
        raise
    index.finish_merge(base)


def _write_whole(path: Path, write: Callable[[BinaryIO, U64s, Scratch], None]) -> None:
    """Let `write` fill a file beside `path`, and rename it when it is on the disk."""
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    salt = np.frombuffer(os.urandom(16), np.uint64)
    try:
        try:
            with beside.open("w+b") as target, ExitStack() as spaces:

                def scratch() -> BinaryIO:
                    space = spaces.enter_context(tempfile.TemporaryFile(dir=path.parent))
                    return cast("BinaryIO", space)

                write(target, salt, scratch)
                target.flush()
                os.fsync(target.fileno())
            beside.replace(path)
        finally:
            with suppress(FileNotFoundError):
                beside.unlink()
        _sync_folder(path.parent)
    except OSError as error:
        raise StorageError(
            f"The index {path} could not be written: {error.strerror}; free space or name another "
            "folder."
        ) from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _mapped(path: Path, key: str, *, verify: bool) -> U64s:
    """Map a file and check it."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size < layout.HEADER * 8:
                raise IntegrityError(f"{path} is truncated or no signature index; {_AGAIN}.")
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise InputError(f"The index {path} cannot be read: {error.strerror}.") from error
    image = np.frombuffer(mapped, np.uint64, count=size // 8)
    _check_header(path, image, size)
    if int(image[layout.AT_KEY]) != key_number(key):
        raise ConfigError(
            f"{path} was made under key {int(image[layout.AT_KEY]):016x}, not {key}; give that key "
            "or build the index again."
        )
    if verify:
        check = zlib.crc32(image[layout.HEADER :].data)
        if check != image[layout.AT_BODY_CHECK]:
            raise IntegrityError(f"{path} is damaged; {_AGAIN}.")
    return image


def _check_header(path: Path, image: U64s, size: int) -> None:
    header = image[: layout.HEADER]
    if header[layout.AT_MAGIC] != layout.MAGIC:
        raise InputError(f"{path} is not a signature index; name a file that was built as one.")
    if header[layout.AT_VERSION] != layout.VERSION:
        raise IntegrityError(
            f"{path} has version {header[layout.AT_VERSION]}, this program reads "
            f"{layout.VERSION}; {_AGAIN}."
        )
    if header_check(header) != header[layout.AT_HEADER_CHECK]:
        raise IntegrityError(f"{path} has a damaged header; {_AGAIN}.")
    if size != int(header[layout.AT_LENGTH]) * 8:
        raise IntegrityError(
            f"{path} has {size:,} bytes instead of {int(header[layout.AT_LENGTH]) * 8:,}; {_AGAIN}."
        )
