"""Lookup in the lists that a user built: hosting and VPN networks, disposable mail domains.

No list ships with Stillwatch. `stillwatch lists build` turns source files that the user names into
one file, `lists.parquet`; without it every lookup answers null, and the signals that need it are
shown as off. Parsing the sources is `stillwatch.events.list_sources`.

Addresses of both families are compared as 16 bytes, IPv4 in its IPv6-mapped form, so that one
sorted array of disjoint ranges and one binary search serve both.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntFlag
from ipaddress import AddressValueError, IPv6Address
from pathlib import Path
from typing import Final, Self

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stillwatch.errors import ConfigError

FILE: Final = "lists.parquet"

LISTS: Final = pa.schema(
    [
        pa.field("list", pa.string(), nullable=False),  # hosting, vpn or disposable
        ("first", pa.binary(16)),  # a range of addresses, both ends inclusive,
        ("last", pa.binary(16)),  # IPv4 as ::ffff:a.b.c.d
        ("asn", pa.int64()),
        ("domain", pa.string()),
    ]
)
"""One row per range, autonomous system or domain; exactly one of the three is filled."""

SOURCES_KEY: Final = b"stillwatch.lists"
"""Schema metadata: what the file was built from, as JSON of `Built`."""

IPV4: Final = r"^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)$"
PARENTS: Final = 3
"""How many labels in front of a listed domain are looked through."""

Addresses = npt.NDArray[np.bytes_]
"""16 bytes each; compares like the number."""


class Network(IntFlag):
    """Bits of the `network_lists` column."""

    HOSTING = 1 << 0
    VPN = 1 << 1


class ListSource(msgspec.Struct, frozen=True):
    """One source file: its name and SHA-256, the list it went into, entries read and not read."""

    file: str
    sha256: str
    taken_for: str
    entries: int
    skipped: int


class Built(msgspec.Struct, frozen=True):
    """When lists were built (ISO 8601, UTC) and from what."""

    built: str
    sources: list[ListSource]


@dataclass(frozen=True)
class Ranges:
    """Disjoint address ranges in ascending order, both ends inclusive."""

    first: Addresses
    last: Addresses

    @classmethod
    def merged(cls, first: Addresses, last: Addresses) -> Self:
        """Sort ranges and merge those that overlap."""
        if len(first) == 0:
            return cls(first, last)
        order = np.argsort(first, kind="stable")
        first, last = first[order], last[order]
        # NumPy has no running maximum of bytes; the rank of each end has one.
        ranks = np.maximum.accumulate(np.searchsorted(np.sort(last), last))
        reach = np.sort(last)[ranks]
        starts = np.flatnonzero(np.concatenate(([True], first[1:] > reach[:-1])))
        ends = np.append(starts[1:], len(first)) - 1
        return cls(first[starts], reach[ends])

    def contain(self, addresses: Addresses) -> npt.NDArray[np.bool_]:
        """Whether each address lies in a range."""
        if len(self.first) == 0:
            return np.zeros(len(addresses), bool)
        position = np.searchsorted(self.first, addresses, side="right") - 1
        inside = addresses <= self.last[np.maximum(position, 0)]
        return (position >= 0) & inside


@dataclass(frozen=True)
class NetworkLists:
    """The networks that a user listed, for lookup of addresses and autonomous systems."""

    ranges: Mapping[Network, Ranges]
    asns: Mapping[Network, npt.NDArray[np.int64]]

    @classmethod
    def empty(cls) -> Self:
        """No list: every lookup answers null."""
        return cls({}, {})

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read built lists; empty where there are none.

        Raises:
            ConfigError: The file is damaged or of another version.
        """
        table = _read(directory)
        if table is None:
            return cls.empty()
        ranges, asns = {}, {}
        for network, name in ((Network.HOSTING, "hosting"), (Network.VPN, "vpn")):
            rows = table.filter(pc.equal(table["list"], name))
            spans = rows.filter(pc.is_valid(rows["first"]))
            if len(spans):
                ranges[network] = Ranges(_bytes(spans["first"]), _bytes(spans["last"]))
            systems = rows["asn"].drop_null()
            if len(systems):
                asns[network] = np.sort(systems.to_numpy())
        return cls(ranges, asns)

    @property
    def on(self) -> bool:
        """Whether any network is listed."""
        return bool(self.ranges or self.asns)

    @property
    def hosting_asns(self) -> frozenset[int]:
        """Autonomous systems listed as hosting."""
        return frozenset(self.asns.get(Network.HOSTING, np.empty(0, np.int64)).tolist())

    def lookup(
        self, addresses: pa.Array | pa.ChunkedArray, asns: pa.Array | pa.ChunkedArray | None = None
    ) -> pa.UInt8Array:
        """Say on which lists each address, or its autonomous system, stands.

        Args:
            addresses: Client addresses as text; null or unreadable ones are not known.
            asns: Their autonomous systems, of the same length.

        Returns:
            Bits of `Network`; null where no list was given or nothing is known of the client.
        """
        if not self.on:
            return pa.nulls(len(addresses), pa.uint8())
        bits, known = self._address_bits(_combined(addresses))
        if asns is not None:
            more, seen = self._asn_bits(_combined(asns))
            bits, known = bits | more, known | seen
        return pa.array(bits, pa.uint8(), mask=~known)

    def _address_bits(
        self, column: pa.Array
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
        encoded = column.dictionary_encode()
        codes = encoded.indices.fill_null(len(encoded.dictionary)).to_numpy(zero_copy_only=False)
        parsed, readable = parse_addresses(encoded.dictionary)
        found = np.zeros(len(parsed) + 1, np.uint8)
        for network, ranges in self.ranges.items():
            found[:-1] |= np.where(
                readable & ranges.contain(parsed), np.uint8(network), np.uint8(0)
            )
        return found[codes], np.append(readable, False)[codes]

    def _asn_bits(self, column: pa.Array) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
        values = column.fill_null(-1).to_numpy(zero_copy_only=False)
        bits = np.zeros(len(values), np.uint8)
        for network, systems in self.asns.items():
            bits |= np.where(np.isin(values, systems), np.uint8(network), np.uint8(0))
        return bits, values >= 0


@dataclass(frozen=True)
class DisposableDomains:
    """Mail domains that hand out addresses for a few minutes."""

    domains: pa.Array

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read built lists; empty where there are none.

        Raises:
            ConfigError: The file is damaged or of another version.
        """
        table = _read(directory)
        if table is None:
            return cls(pa.array([], pa.string()))
        return cls(_combined(table["domain"].drop_null()))

    @property
    def on(self) -> bool:
        """Whether any domain is listed."""
        return len(self.domains) > 0

    def contain(self, domains: pa.Array | pa.ChunkedArray) -> pa.BooleanArray:
        """Whether each domain, or one that it is a part of, is listed.

        Returns:
            Null where no list was given or the domain is null.
        """
        if not self.on:
            return pa.nulls(len(domains), pa.bool_())
        names = pc.utf8_rtrim(pc.utf8_lower(_combined(domains)), ".")
        listed = pc.is_in(names, value_set=self.domains)
        for _ in range(PARENTS):
            names = pc.replace_substring_regex(names, r"^[^.]*\.", "")
            listed = pc.or_(listed, pc.is_in(names, value_set=self.domains))
        return pc.if_else(pc.is_valid(_combined(domains)), listed, pa.scalar(None, pa.bool_()))


def require_lists(directory: Path) -> None:
    """Refuse a directory without lists: who names one means its lists to be used.

    Raises:
        ConfigError: There are no lists.
    """
    if not (directory / FILE).is_file():
        raise ConfigError(
            f"{directory} is no folder of lists, for it has no {FILE}: build them with "
            "`stillwatch lists build SOURCES --out FOLDER`, or name no lists"
        )


def built(directory: Path) -> Built | None:
    """Say when the lists in a directory were built and from what; None where there are none.

    Raises:
        ConfigError: The file is damaged or of another version.
    """
    table = _read(directory)
    return (
        None
        if table is None
        else msgspec.json.decode(table.schema.metadata[SOURCES_KEY], type=Built)
    )


def parse_addresses(column: pa.Array) -> tuple[Addresses, npt.NDArray[np.bool_]]:
    """Parse addresses of both families.

    Returns:
        The addresses and which of them could be read; the others are zero.
    """
    parsed = np.zeros((len(column), 16), np.uint8)
    plain = pc.match_substring_regex(column, IPV4).fill_null(False).to_numpy(zero_copy_only=False)
    octets = pc.split_pattern(column.filter(pa.array(plain)), ".").flatten().cast(pa.uint8())
    parsed[plain, 10:12] = 0xFF
    parsed[plain, 12:] = octets.to_numpy().reshape(-1, 4)
    readable = plain.copy()
    # Few distinct addresses are IPv6, and its text has too many forms for a vectorised parser.
    for row in np.flatnonzero(~plain):
        try:
            packed = IPv6Address(column[row].as_py() or "").packed
        except AddressValueError:
            continue
        parsed[row] = np.frombuffer(packed, np.uint8)
        readable[row] = True
    return parsed.reshape(-1).view("S16"), readable


def _read(directory: Path) -> pa.Table | None:
    path = directory / FILE
    if not path.is_file():
        return None
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise ConfigError(
            f"{path} is damaged: build it again with `stillwatch lists build`"
        ) from error
    if not table.schema.equals(LISTS) or SOURCES_KEY not in (table.schema.metadata or {}):
        raise ConfigError(
            f"{path} was written by another version: build it again with `stillwatch lists build`"
        )
    return table


def _combined(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def fixed_binary(addresses: Addresses) -> pa.FixedSizeBinaryArray:
    """Store addresses in a column; `tolist` would lose zeros at their end."""
    buffers = [None, pa.py_buffer(np.ascontiguousarray(addresses))]
    return pa.Array.from_buffers(pa.binary(16), len(addresses), buffers)


def _bytes(column: pa.ChunkedArray) -> Addresses:
    array = _combined(column)
    data = np.frombuffer(array.buffers()[1], np.uint8)
    return data[16 * array.offset : 16 * (array.offset + len(array))].view("S16")
