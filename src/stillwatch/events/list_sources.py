"""Source files of lists, recognised by name and content.

| content | looks like | from |
|---|---|---|
| networks | one address, CIDR block or `first-last` a line | text, CSV, JSON, MISP warning list |
| autonomous systems | `AS64500` or `64500`, a name may follow | text, CSV |
| domains | one domain a line | text, CSV, JSON, MISP warning list |

The content is told from the lines; what it is for (hosting, VPN, disposable mail) from words in the
file's name, or in the name and description inside a MISP warning list. Nothing is guessed: a file
whose purpose cannot be told is named with what would tell it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from itertools import product
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa

from stillwatch.events.lists import LISTS, Ranges, fixed_binary

SAMPLE: Final = 200
"""Lines that decide what a file holds."""
MAJORITY: Final = 0.8
"""Share of the sample that must agree."""

_SHOWN: Final = {"hosting": "hosting", "vpn": "VPN", "disposable": "disposable mail"}
_PURPOSES: Final = (
    ("vpn", re.compile(r"vpn")),
    ("disposable", re.compile(r"disposable|temporary|throwaway|burner")),
    ("hosting", re.compile(r"hosting|data.?cent(er|re)|cloud|bad.asn")),
)
"""Words that tell what a file is for, strongest first."""
_ASN: Final = re.compile(r"(?:AS)?(\d{1,10})", re.IGNORECASE)
_DOMAIN: Final = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]")
_COMMENT: Final = re.compile(r"\s*(?:#|;|//).*$")
_DASH: Final = re.compile(r"\s+-\s+")
_FIELD_END: Final = re.compile(r"[,\s]")


class Content(StrEnum):
    """What the lines of a source are."""

    NETWORKS = "networks"
    ASNS = "autonomous systems"
    DOMAINS = "domains"


Entry = tuple[bytes, bytes] | int | str
"""Both ends of a range of addresses, the number of an autonomous system, or a domain."""


@dataclass(frozen=True)
class Parsed:
    """A source that was understood; `list_name` is None where no signal uses such a list."""

    content: Content
    list_name: str | None
    entries: list[Entry]
    skipped: int

    @property
    def taken_for(self) -> str:
        """What the source was taken for, for people."""
        if self.list_name is None:
            return f"{self.content.value} that no signal uses"
        return f"{_SHOWN[self.list_name]} {self.content.value}"


@dataclass(frozen=True)
class Unrecognised:
    """A source that was not understood, and what would help."""

    why: str


def parse_source(name: str, text: str) -> Parsed | Unrecognised:
    """Recognise a source and read it.

    Args:
        name: The file's name.
        text: Its whole content, decompressed.
    """
    lines, description = _lines(text)
    content = _content(lines[:SAMPLE])
    if content is None:
        return Unrecognised("holds no list of networks, autonomous systems or domains")
    purpose = _purpose(name) or _purpose(description)
    if content is Content.DOMAINS:
        purpose = purpose if purpose == "disposable" else None
    elif purpose not in {"hosting", "vpn"}:
        return Unrecognised(f"holds {content.value}: say hosting or vpn in its name")
    entries = [entry for line in lines if (entry := _READERS[content](line)) is not None]
    return Parsed(content, purpose, entries, len(lines) - len(entries))


def merge(sources: Sequence[Parsed]) -> pa.Table:
    """Join sources into one table: ranges of a list merged, the rest sorted and made distinct.

    Returns:
        Rows of `events.lists.LISTS`; the order of the sources does not matter.
    """
    tables = [LISTS.empty_table()]
    for name, content in product(_SHOWN, Content):
        entries = [
            entry
            for source in sources
            if (source.list_name, source.content) == (name, content)
            for entry in source.entries
        ]
        tables.append(_rows(name, _COLUMNS[content](entries)))
    return pa.concat_tables(tables).combine_chunks()


def _lines(text: str) -> tuple[list[str], str]:
    """Split a source into the first field of each line, and give its own description if any."""
    if text.lstrip()[:1] in {"{", "["}:
        return _json_lines(text)
    lines = (_COMMENT.sub("", line).strip() for line in text.splitlines())
    fields = (_FIELD_END.split(_DASH.sub("-", line), maxsplit=1)[0] for line in lines)
    return [field.strip("\"'") for field in fields if field], ""


def _json_lines(text: str) -> tuple[list[str], str]:
    try:
        document = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return [], ""
    items, about = document, ""
    if isinstance(document, dict):
        items = document.get("list")
        about = f"{document.get('name', '')} {document.get('description', '')}"
    if not isinstance(items, list):
        return [], about
    return [item.strip() for item in items if isinstance(item, str)], about


def _content(sample: Sequence[str]) -> Content | None:
    for content in Content:
        matching = sum(_READERS[content](line) is not None for line in sample)
        if sample and matching >= MAJORITY * len(sample):
            return content
    return None


def _purpose(words: str) -> str | None:
    return next((name for name, pattern in _PURPOSES if pattern.search(words.lower())), None)


def _network(line: str) -> tuple[bytes, bytes] | None:
    """Read an address, a CIDR block or `first-last`."""
    if "." not in line and ":" not in line:
        return None
    first, dash, last = line.partition("-")
    try:
        if dash:
            ends = (_packed(ip_address(first)), _packed(ip_address(last)))
            return ends if ends[0] <= ends[1] else None
        block = ip_network(line, strict=False)
    except ValueError:
        return None
    return _packed(block.network_address), _packed(block.broadcast_address)


def _packed(address: IPv4Address | IPv6Address) -> bytes:
    """Write an address as 16 bytes, IPv4 in its IPv6-mapped form."""
    return (b"" if address.version == 6 else b"\0" * 10 + b"\xff\xff") + address.packed


def _asn(line: str) -> int | None:
    match = _ASN.fullmatch(line)
    return int(match[1]) if match and int(match[1]) < 2**32 else None


def _domain(line: str) -> str | None:
    name = line.lower().lstrip("@.*").rstrip(".")
    return name if _DOMAIN.fullmatch(name) else None


def _range_columns(entries: Sequence[tuple[bytes, bytes]]) -> dict[str, pa.Array]:
    first, last = (
        np.frombuffer(b"".join(entry[end] for entry in entries), "S16") for end in (0, 1)
    )
    ranges = Ranges.merged(first, last)
    return {"first": fixed_binary(ranges.first), "last": fixed_binary(ranges.last)}


def _rows(name: str, columns: Mapping[str, pa.Array]) -> pa.Table:
    count = len(next(iter(columns.values())))
    filled = {"list": pa.repeat(name, count)} | dict(columns)
    return pa.table(
        [filled.get(field.name, pa.nulls(count, field.type)) for field in LISTS], schema=LISTS
    )


_READERS: Final[Mapping[Content, Callable[[str], Entry | None]]] = {
    Content.NETWORKS: _network,
    Content.ASNS: _asn,
    Content.DOMAINS: _domain,
}
_COLUMNS: Final[Mapping[Content, Callable[[Any], dict[str, pa.Array]]]] = {
    Content.NETWORKS: _range_columns,
    Content.ASNS: lambda entries: {"asn": pa.array(sorted(set(entries)), pa.int64())},
    Content.DOMAINS: lambda entries: {"domain": pa.array(sorted(set(entries)), pa.string())},
}
