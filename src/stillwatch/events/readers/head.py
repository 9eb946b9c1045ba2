"""The first bytes of a file, seen as a format detector needs them."""

import csv
import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Final

import msgspec

_TOKENS: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\]:,]')
_BOM: Final = b"\xef\xbb\xbf"
_MAX_LINES: Final = 20


class Head:
    r"""What can be told of a file from its first bytes.

    Args:
        name: the file's name in messages.
        data: its first bytes, decompressed.
        columns: its columns, where another place than its first bytes tells them.

    >>> Head("x", b'{"custom_id": "a", "body": {}}').keys == {"custom_id", "body"}
    True
    >>> Head("x", b"time,account_id\n").columns
    ('time', 'account_id')
    """

    def __init__(self, name: str, data: bytes, columns: Sequence[str] = ()) -> None:
        self.name = name
        self._columns = tuple(columns)
        self.data = data.removeprefix(_BOM)

    @property
    def is_parquet(self) -> bool:
        """Whether the file starts as Parquet does."""
        return self.data.startswith(b"PAR1")

    @property
    def is_json(self) -> bool:
        """Whether the file starts with a JSON object or an array of them."""
        return re.match(rb"\s*(\[\s*)?\{", self.data) is not None

    @cached_property
    def keys(self) -> frozenset[str]:
        """Names at the top of the first JSON lines, or of the first object where none is whole."""
        if not self.is_json:
            return frozenset()
        found: set[str] = set()
        for line in self.data.splitlines()[:_MAX_LINES]:
            try:
                document = msgspec.json.decode(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(document, dict):
                found.update(document)
        return frozenset(found or _scan_keys(self.data))

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Names in a CSV header; none where the first line does not look like one."""
        if self._columns:
            return self._columns
        line = self.data.split(b"\n", 1)[0].strip(b"\r")
        if self.is_json or not line or any(byte < 0x20 and byte != 0x09 for byte in line):
            return ()
        try:
            text = line.decode()
        except UnicodeDecodeError:
            return ()
        return tuple(next(csv.reader([text], delimiter=self.delimiter)))

    @property
    def delimiter(self) -> str:
        """What separates the columns of a CSV header: the commonest of comma, semicolon and tab."""
        line = self.data.split(b"\n", 1)[0]
        return max(",;\t", key=lambda mark: line.count(mark.encode()))

    @property
    def names(self) -> frozenset[str]:
        """Names of fields or columns, whichever the file has."""
        return self.keys or frozenset(self.columns)

    def complaint(self) -> str:
        """The rest of a sentence that begins with the file being no known log."""
        if not self.data.strip():
            return ": it is empty"
        if self.data.startswith((b"\xff\xfe", b"\xfe\xff")):
            return ": it is UTF-16; save it as UTF-8"
        if self.is_json:
            return ": its objects have none of the fields of a log; name its format with --format"
        if b"\x00" in self.data[:1024]:
            return ": it is binary and not Parquet; give Parquet, CSV or JSON lines"
        return ": give Parquet, CSV with a header, or JSON lines, or name its format with --format"


def _scan_keys(data: bytes) -> Iterable[str]:
    """Keys at the top of the first object of JSON text that may be cut off."""
    depth, objects = 0, 0
    previous = b""
    for match in _TOKENS.finditer(data):
        token = match.group()
        if token in (b"{", b"["):
            depth += 1
            objects += token == b"{"
            if objects == 1 and token == b"{":
                top = depth
        elif token in (b"}", b"]"):
            depth -= 1
            if objects and depth < top:
                return
        elif token == b":" and objects and depth == top:
            yield previous.strip(b'"').decode(errors="replace")
        previous = token
