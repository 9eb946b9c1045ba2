"""Client addresses to sixteen canonical bytes: IPv6, and IPv4 mapped into it."""

from typing import Final

import numpy as np
from numba import njit

from stillwatch.events.kernels.types import Bools, Bytes, Int, Starts

ADDRESS_BYTES: Final = 16
IPV4_PREFIX_BYTES: Final = 15  # ::ffff:a.b.c.0/120 is the /24
IPV6_PREFIX_BYTES: Final = 6  # the /48
_GROUPS: Final = 8
_DOT, _COLON = 0x2E, 0x3A


@njit(nogil=True, cache=True)
def _parse_ipv4(data: Bytes, start: Int, stop: Int, out: Bytes) -> bool:
    """Four decimal octets without leading zeros into `out[0:4]`."""
    octet: Int = 0
    digits, count = 0, 0
    for at in range(start, stop + 1):
        byte = data[at] if at < stop else np.uint8(_DOT)
        if byte == _DOT:
            if digits == 0 or count == 4:
                return False
            out[count] = octet
            count += 1
            octet, digits = 0, 0
        elif 0x30 <= byte <= 0x39:
            if digits > 0 and octet == 0:
                return False
            octet = octet * 10 + np.int64(byte) - 0x30
            digits += 1
            if octet > 255:
                return False
        else:
            return False
    return count == 4


@njit(nogil=True, cache=True)
def _hex(byte: Int) -> Int:
    if 0x30 <= byte <= 0x39:
        return byte - 0x30
    lower = byte | 0x20
    if 0x61 <= lower <= 0x66:
        return lower - 0x61 + 10
    return -1


@njit(nogil=True, cache=True)
def _parse_ipv6(data: Bytes, start: Int, stop: Int, out: Bytes) -> bool:
    """Eight groups, at most one `::`, the last two groups perhaps as IPv4, into `out[0:16]`."""
    groups = np.zeros(_GROUPS, np.int64)
    count, gap = 0, -1
    at = start
    if stop - start >= 2 and data[at] == _COLON:
        if data[at + 1] != _COLON:
            return False
        gap = 0
        at += 2
    while at < stop:
        group: Int = 0
        digits = 0
        end = at
        while end < stop and _hex(np.int64(data[end])) >= 0:
            group = group * 16 + _hex(np.int64(data[end]))
            digits += 1
            end += 1
            if digits > 4:
                return False
        if end < stop and data[end] == _DOT:
            if count > _GROUPS - 2 or not _parse_ipv4(data, at, stop, out):
                return False
            groups[count] = np.int64(out[0]) << 8 | np.int64(out[1])
            groups[count + 1] = np.int64(out[2]) << 8 | np.int64(out[3])
            count += 2
            at = stop
            break
        if digits == 0 or count == _GROUPS:
            return False
        groups[count] = group
        count += 1
        at = end
        if at == stop:
            break
        if data[at] != _COLON or at + 1 == stop:
            return False
        at += 1
        if data[at] == _COLON:
            if gap >= 0:
                return False
            gap = count
            at += 1
    if (gap < 0 and count != _GROUPS) or (gap >= 0 and count >= _GROUPS):
        return False
    out[:] = 0
    for i in range(count):
        slot = i if gap < 0 or i < gap else _GROUPS - count + i
        out[2 * slot] = groups[i] >> 8
        out[2 * slot + 1] = groups[i] & 0xFF
    return True


@njit(nogil=True, cache=True)
def parse_addresses(
    data: Bytes, offsets: Starts, addresses: Bytes, networks: Bytes, valid: Bools
) -> None:
    """Parse each text into `addresses` and `networks`, both `(n, 16)`; `valid` says whether."""
    for row in range(len(offsets) - 1):
        start, stop = offsets[row], offsets[row + 1]
        address = addresses[row]
        valid[row] = _parse_ipv4(data, start, stop, address)
        mapped = valid[row]
        if mapped:
            for i in range(4):
                address[12 + i] = address[i]
                address[i] = 0
            for i in range(4, 12):
                address[i] = 0xFF if i >= 10 else 0
        else:
            valid[row] = stop - start >= 2 and _parse_ipv6(data, start, stop, address)
            mapped = address[10] == 0xFF and address[11] == 0xFF
            for i in range(10):
                mapped = mapped and address[i] == 0
        keep = IPV4_PREFIX_BYTES if mapped else IPV6_PREFIX_BYTES
        for i in range(ADDRESS_BYTES):
            networks[row, i] = address[i] if i < keep else 0
