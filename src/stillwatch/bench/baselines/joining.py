"""Accounts joined into connected components by links that a block of rows at a time shows."""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy import sparse
from scipy.sparse import csgraph

from stillwatch.bench.labels import flag_table
from stillwatch.stats.arrays import IntArray

_ROWS = 4096
"""Accounts per block, which bounds memory."""

Codes = npt.NDArray[np.signedinteger]
Linked = Callable[[slice], tuple[Codes, Codes]]
"""The links of some accounts: places within the slice, and codes of all accounts."""


def components(linked: Linked, accounts: int) -> IntArray:
    """Return the component of each account."""
    edges = list(_edges(linked, accounts))
    ends = np.concatenate(edges, axis=1) if edges else np.empty((2, 0), np.int64)
    graph = sparse.coo_array(
        (np.ones(ends.shape[1], dtype=np.int8), (ends[0], ends[1])), shape=(accounts, accounts)
    )
    return np.asarray(csgraph.connected_components(graph, directed=False)[1], dtype=np.int64)


def _edges(linked: Linked, accounts: int) -> Iterator[IntArray]:
    for start in range(0, accounts, _ROWS):
        inside, other = linked(slice(start, min(start + _ROWS, accounts)))
        yield np.stack([inside.astype(np.int64) + start, other.astype(np.int64)])


def flags(account: list[str], component: IntArray, smallest: int) -> pa.Table:
    """Flag the components of at least `smallest` accounts; the score is the component's size."""
    size = np.bincount(component)[component]
    named = [
        f"component-{number}" if many >= smallest else None
        for number, many in zip(component, size, strict=True)
    ]
    return flag_table(account, named, size.astype(np.float64))
