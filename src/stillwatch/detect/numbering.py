"""Values by number: a family's values are compared once; from then on numbers are counted."""

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
U64 = NDArray[np.uint64]

_SPREAD: Final = np.uint64(0x9E3779B97F4A7C15)
"""Odd; its product spreads small values over the leading bits (Knuth 1973, 6.4)."""
_FIRST_BITS: Final = 10
"""Bits of the first table's size; tables double."""


def numbered(values: NDArray[np.unsignedinteger]) -> tuple[U64, I32]:
    """Return the distinct values, ascending, and the number of each among them.

    What `np.unique` does, in linear time but for the sort of the distinct values, and without a
    copy of the others: a log has hundreds of millions of values.

    >>> numbered(np.array([7, 3, 7], np.uint32))
    (array([3, 7], dtype=uint64), array([1, 0, 1], dtype=int32))
    """
    met, number = _met(values)
    order = np.argsort(met)
    rank = np.empty(met.size, np.int32)
    rank[order] = np.arange(met.size, dtype=np.int32)
    _renumber(number, rank)
    return met[order], number


@njit(nogil=True, cache=True)
def postings(number: I32, account: I32, size: int) -> tuple[I64, I32]:
    """Return who carries each value, value after value, accounts in the order of their rows.

    Args:
        number: number of each row's value.
        account: account of each row.
        size: how many values there are.

    Returns:
        Where each value's accounts begin, size + 1, and the accounts.
    """
    start = np.zeros(size + 1, np.int64)
    for value in number:
        start[value + 1] += 1
    start = np.cumsum(start)
    place = start[:-1].copy()
    posting = np.empty(number.shape[0], np.int32)
    for row in range(number.shape[0]):
        posting[place[number[row]]] = account[row]
        place[number[row]] += 1
    return start, posting


@njit(nogil=True, cache=True)
def _met(values: NDArray[np.unsignedinteger]) -> tuple[U64, I32]:
    """Number values in the order in which they are met, by a hash table with open addresses."""
    bits = _FIRST_BITS
    table = np.full(2 << bits, -1, np.int32)
    met = np.empty(1 << bits, np.uint64)
    number = np.empty(values.shape[0], np.int32)
    count = 0
    for row in range(values.shape[0]):
        value = np.uint64(values[row])
        at = _place(table, met, value, bits)
        if table[at] < 0:
            if count == met.shape[0]:
                bits += 1
                table, met = _doubled(met, bits)
                at = _place(table, met, value, bits)
            table[at] = count
            met[count] = value
            count += 1
        number[row] = table[at]
    return met[:count].copy(), number


@njit(nogil=True, cache=True)
def _place(table: I32, met: U64, value: np.uint64, bits: int) -> np.int64:
    """Return where a value stands in the table, or would."""
    at = np.int64((value * _SPREAD) >> np.uint64(63 - bits))
    while table[at] >= 0 and met[table[at]] != value:
        at = (at + 1) & (table.shape[0] - 1)
    return at


@njit(nogil=True, cache=True)
def _doubled(met: U64, bits: int) -> tuple[I32, U64]:
    """Return a table of twice the size with the same values, and room for as many more."""
    table = np.full(2 << bits, -1, np.int32)
    room = np.empty(1 << bits, np.uint64)
    room[: met.shape[0]] = met
    for count in range(met.shape[0]):
        table[_place(table, room, met[count], bits)] = count
    return table, room


@njit(nogil=True, cache=True)
def _renumber(number: I32, rank: I32) -> None:
    for row in range(number.shape[0]):
        number[row] = rank[number[row]]
