"""An edge: the folder of known operators, one line for each recorded campaign."""

import os
from pathlib import Path
from typing import Final

import msgspec

from stillwatch.errors import InputError, StorageError
from stillwatch.share.attribution.trace import Record

RECORDS: Final = "operators.jsonl"
FORMAT: Final = "stillwatch-operators/1"


class Header(msgspec.Struct, frozen=True):
    """First line of the file."""

    format: str


def read_records(folder: Path) -> list[Record]:
    """Return recorded campaigns in the order in which they were added.

    A later record of the same campaign and person replaces the earlier one.

    Raises:
        InputError: There is no such folder, or a line is damaged.
    """
    path = folder / RECORDS
    if not path.is_file():
        raise InputError(
            f"{folder} holds no known operators: record one with `stillwatch attribute --record`"
        )
    lines = path.read_bytes().split(b"\n")[:-1]  # a last line without an end was cut off
    try:
        if not lines or msgspec.json.decode(lines[0], type=Header).format != FORMAT:
            raise InputError(f"{path} is of another version: use the Stillwatch that wrote it")
        found = [msgspec.json.decode(line, type=Record) for line in lines[1:]]
    except msgspec.MsgspecError as error:
        raise InputError(f"{path} is damaged ({error}): take a copy from before") from error
    return list({(one.campaign, one.by): one for one in found}.values())


def add_record(folder: Path, record: Record) -> None:
    """Add a recorded campaign; the folder is made where it is missing.

    Raises:
        StorageError: The disk refused.
    """
    path = folder / RECORDS
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as file:
            file.seek(0)
            content = file.read()
            file.truncate(content.rfind(b"\n") + 1)
            file.seek(0, os.SEEK_END)
            if not file.tell():
                file.write(msgspec.json.encode(Header(FORMAT)) + b"\n")
            file.write(msgspec.json.encode(record) + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror}") from error
