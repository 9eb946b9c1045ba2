"""The two searches that are too large for one thread, and who carries them out.

An engine brings its workers: threads here, executors on a cluster. They run the same functions on
the same parts, so that the numbers do not depend on where a part ran.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from stillwatch.detect import kernels

THREADS = 2
PARTS = 8
"""Slices of accounts that the search hands to threads; the kernels release the interpreter."""


@dataclass(frozen=True)
class Search:
    """An inverted index of account vectors, as `kernels.nearest` reads it.

    Attributes:
        row_start: CSR row offsets, rows + 1.
        columns: CSR column of each entry.
        weights: CSR weight of each entry; rows have unit length.
        column_start: CSC column offsets.
        members: CSC row of each entry.
        member_weights: CSC weight of each entry.
        searched: rows to search for.
        window: places looked at to either side in a long posting.
        neighbours: rows to find per row.
    """

    row_start: NDArray[np.int64]
    columns: NDArray[np.int32]
    weights: NDArray[np.float32]
    column_start: NDArray[np.int64]
    members: NDArray[np.int32]
    member_weights: NDArray[np.float32]
    searched: NDArray[np.int32]
    window: int
    neighbours: int

    @property
    def size(self) -> int:
        """Number of rows to search for."""
        return self.searched.size

    def ranges(self, parts: int) -> list[tuple[int, int]]:
        """Cut the rows to search for into about equal ranges, at most `parts`, none empty."""
        edges = np.unique(np.linspace(0, self.size, parts + 1).astype(int))
        return list(pairwise(edges.tolist()))

    def near(self, first: int, last: int) -> NDArray[np.int32]:
        """Return what is nearest to a range of them, (last - first, neighbours), -1 for none."""
        found: NDArray[np.int32] = kernels.nearest(
            self.row_start,
            self.columns,
            self.weights,
            self.column_start,
            self.members,
            self.member_weights,
            self.searched,
            self.window,
            self.neighbours,
            first,
            last,
        )[0]
        return found


@dataclass(frozen=True)
class Pieces:
    """Links of a graph cut into its connected components.

    Attributes:
        component: component of each link, ascending.
        left: account codes; within a component links ascend by left, then right.
        right: account codes.
        weight: strength.
    """

    component: NDArray[np.int32]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    weight: NDArray[np.float64]


Led = tuple[NDArray[np.int32], NDArray[np.int32]]
"""Accounts, and for each the smallest account of its community."""

Splitter = Callable[[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]], Led]
"""Splits one component, given as left, right and weight of its links, into communities."""


class Workers(Protocol):
    """Carries out the parts of a search; every implementation returns the same numbers."""

    def nearest(self, search: Search) -> NDArray[np.int32]:
        """Return `search.near` of all rows to search for."""
        ...

    def communities(self, pieces: Pieces, split: Splitter) -> Led:
        """Return what `split` makes of each component, in any order."""
        ...


class Threads:
    """Workers on this machine."""

    def nearest(self, search: Search) -> NDArray[np.int32]:
        """Search ranges of rows in threads."""
        with ThreadPoolExecutor(THREADS) as pool:
            parts = pool.map(lambda part: search.near(*part), search.ranges(PARTS))
            return np.concatenate(list(parts))

    def communities(self, pieces: Pieces, split: Splitter) -> Led:
        """Split one component after the other: NetworKit's random state is one per process."""
        starts = np.flatnonzero(np.diff(pieces.component, prepend=-1))
        found = [
            split(pieces.left[first:last], pieces.right[first:last], pieces.weight[first:last])
            for first, last in pairwise([*starts.tolist(), pieces.component.size])
        ]
        accounts, leaders = zip(*found, strict=True)
        return np.concatenate(accounts), np.concatenate(leaders)
