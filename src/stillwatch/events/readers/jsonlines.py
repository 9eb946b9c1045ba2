"""JSON documents one by one out of a stream of any length: lines, arrays, indented objects."""

import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from stillwatch.errors import InputError
from stillwatch.events.coerce import Reason
from stillwatch.events.readers.formats import ReadContext
from stillwatch.events.readers.source import LogFile, reading

MAX_DOCUMENT_BYTES: Final = 64 * 1024 * 1024
"""The longest JSON document read. A longer line is rejected, a longer object is an error."""

_BOM: Final = b"\xef\xbb\xbf"
_CHUNK: Final = 1024 * 1024
_STRUCTURE: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\]]|"', re.DOTALL)


def documents(file: LogFile, context: ReadContext) -> Iterator[tuple[int, bytes]]:
    """Every JSON document of a file with its number: the line, or the place in an array.

    Raises:
        InputError: the file is damaged, or an object outside JSON lines is too long or cut short.
    """
    with reading(file.name), file.open() as stream:
        if is_lines(file.head):
            yield from _lines(stream, file.name, context)
        else:
            yield from enumerate(_objects(stream, file.name), start=1)


def is_lines(head: bytes) -> bool:
    """Whether documents stand one a line: the first line is whole, or the second begins anew."""
    lines = head.removeprefix(_BOM).lstrip().split(b"\n", 2)
    first = lines[0].rstrip()
    if first.startswith(b"["):
        return False
    return len(lines) == 1 or (len(first) > 1 and first.endswith(b"}")) or lines[1].startswith(b"{")


def _lines(stream: BinaryIO, name: str, context: ReadContext) -> Iterator[tuple[int, bytes]]:
    number = 0
    while line := stream.readline(MAX_DOCUMENT_BYTES + 1):
        number += 1
        if len(line) > MAX_DOCUMENT_BYTES:
            context.reject(name, number, "", Reason.OVERSIZE)
            while line and not line.endswith(b"\n"):
                line = stream.readline(_CHUNK)
            continue
        if number == 1:
            line = line.removeprefix(_BOM)
        if not line.isspace():
            yield number, line


def _objects(stream: BinaryIO, name: str) -> Iterator[bytes]:
    """Objects at the top of the stream or directly in an array, whatever the line breaks."""
    buffer, scanned, depth, start, base = b"", 0, 0, -1, -1
    while chunk := stream.read(_CHUNK):
        buffer += chunk
        for match in _STRUCTURE.finditer(buffer, scanned):
            token = match.group()
            if token == b'"':  # a string that goes on in the next chunk
                scanned = match.start()
                break
            scanned = match.end()
            if token == b"{" and start < 0:
                start, base = match.start(), depth
            depth += (token in (b"{", b"[")) - (token in (b"}", b"]"))
            if start >= 0 and depth == base and token == b"}":
                yield buffer[start : match.end()]
                start = -1
        keep = start if start >= 0 else scanned
        buffer, scanned = buffer[keep:], scanned - keep
        start = 0 if start >= 0 else -1
        if len(buffer) > MAX_DOCUMENT_BYTES:
            raise InputError(
                f"{name} holds a JSON document of more than {MAX_DOCUMENT_BYTES >> 20} MiB: write "
                "one document a line"
            )
    if start >= 0 or depth:
        raise InputError(f"{name} ends inside a JSON document: copy or export it again")
