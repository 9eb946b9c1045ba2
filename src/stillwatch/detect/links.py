"""Links: scored pairs of accounts, from two views that are kept apart.

The content view links accounts whose prompts use the same rare words. The infrastructure view links
accounts that share rare networks, clients, payments or moments. A cluster formed in one view is
tested on the other, so a view never looks at the other's families.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stillwatch.detect import kernels
from stillwatch.detect.features import AT_ONCE, LINE_OF, Family, Line
from stillwatch.detect.index import FeatureIndex
from stillwatch.detect.vectors import Vectors
from stillwatch.detect.workers import THREADS, Workers

CIRCULANT_WINDOW = 8
"""Neighbours on the cycle to which each member of a posting is linked."""
LINE_CAP = 12.0
"""Most nats that one line of evidence may add to a pair: no single one merges accounts."""
TAIL = 5.0
"""How far the floor may lie above the median cosine, in distances from the median to the 90th
percentile. Strangers' own tail is 2 to 5 of them long; a pool of up to three accounts in ten moves
the 99.5th percentile to its own likeness, and hardly moves these two."""


@dataclass(frozen=True)
class Links:
    """Undirected scored pairs, left < right, unique.

    Attributes:
        left: account codes.
        right: account codes.
        weight: strength; nats in the infrastructure view, cosine excess in the content view.
    """

    left: NDArray[np.int32]
    right: NDArray[np.int32]
    weight: NDArray[np.float64]


def infrastructure_links(
    index: FeatureIndex, order: NDArray[np.int64], *, expected: float
) -> Links:
    """Link accounts that share rare infrastructure, identity or lifecycle values.

    A pair is kept when chance would give an account fewer than `expected` such partners, that is
    when its surprise exceeds ln(accounts / expected) nats, from at least two lines of evidence.

    Args:
        index: the families of this view.
        order: rank of each account; in a long posting, neighbours in this order are linked.
        expected: chance partners per account that are tolerated.
    """
    by_rank = np.argsort(order, kind="stable").astype(np.int32)
    columns = index.rows[by_rank].tocsc()
    columns.sort_indices()
    members = by_rank[columns.indices]
    row_start, row_columns = index.rows.indptr.astype(np.int64), index.rows.indices
    pairs = _pairs(columns.indptr.astype(np.int64), members, index.accounts)

    def scored(start: int) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]:
        left, right = _ends(pairs[start : start + AT_ONCE], index.accounts)
        nats, lines = kernels.pair_surprise(
            row_start,
            row_columns.astype(np.int32, copy=False),
            index.family,
            FAMILY_LINES,
            index.rarity,
            index.degree,
            left,
            right,
            LINE_CAP,
        )
        several = (lines & (lines - np.uint32(1))) != 0
        keep = several & (nats >= np.log(index.accounts / expected))
        return left[keep], right[keep], nats[keep].astype(np.float64)

    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(scored, range(0, pairs.size, AT_ONCE)))
    if not found:
        return Links(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0))
    return Links(*(np.concatenate(column) for column in zip(*found, strict=True)))


def content_links(
    vectors: Vectors,
    order: NDArray[np.int64],
    *,
    neighbours: int,
    floor: NDArray[np.float64],
    workers: Workers,
) -> Links:
    """Link each account to the accounts whose words are most like its own.

    Args:
        vectors: account word vectors of the forming half.
        order: rank of each account, see `Vectors.nearest`.
        neighbours: partners per account.
        floor: per account, the cosine that strangers of its script do not reach; a link's weight is
            its excess over the larger floor of both ends, relative to what is left up to 1.
        workers: search ranges of accounts.
    """
    found, cosine = vectors.nearest(order, neighbours, workers)
    left = np.repeat(np.arange(vectors.size, dtype=np.int32), found.shape[1])
    right = found.ravel()
    value = np.minimum(cosine.ravel().astype(np.float64), 1.0)
    keep = right >= 0
    left, right, value = left[keep], right[keep], value[keep]
    low, high = np.minimum(left, right), np.maximum(left, right)
    limit = np.maximum(floor[low], floor[high])
    near = value > limit
    key, first = np.unique(
        low[near].astype(np.int64) * vectors.size + high[near], return_index=True
    )
    value, limit = value[near][first], limit[near][first]
    weight = (value - limit) / (1.0 - limit)
    return Links(
        (key // vectors.size).astype(np.int32), (key % vectors.size).astype(np.int32), weight
    )


def stranger_floor(
    vectors: Vectors,
    script: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    quantile: float,
    pairs: int = 200_000,
) -> NDArray[np.float64]:
    """Return per account the cosine that random accounts of its script stay below.

    Args:
        vectors: account word vectors.
        script: main script per account.
        rng: draws the pairs.
        quantile: share of random pairs that stay below the floor.
        pairs: random pairs per script.
    """
    floor = np.ones(script.shape[0])
    for code in np.unique(script):
        members = np.flatnonzero(script == code).astype(np.int32)
        if members.size < 2:
            continue
        left = rng.choice(members, min(pairs, members.size * 50))
        right = rng.choice(members, left.size)
        apart = left != right
        cosine = vectors.similarity(left[apart], right[apart])
        if cosine.size:
            middle, high, tail = np.quantile(cosine, [0.5, 0.9, quantile])
            floor[members] = min(tail, middle + TAIL * (high - middle))
    return floor


def _pairs(
    column_start: NDArray[np.int64], members: NDArray[np.int32], accounts: int
) -> NDArray[np.int64]:
    """Return the distinct pairs of the circulants of all postings, ascending, each as one key.

    Twins are many and all pairs together the largest array there is, so it is sorted in place.
    """
    left, right = kernels.circulant(column_start, members, CIRCULANT_WINDOW)
    key = left.astype(np.int64)
    del left
    key *= accounts
    key += right
    del right
    key.sort()
    first = np.ones(key.size, bool)
    np.not_equal(key[1:], key[:-1], out=first[1:])
    return key[first]


def _ends(pairs: NDArray[np.int64], accounts: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    return (pairs // accounts).astype(np.int32), (pairs % accounts).astype(np.int32)


CONTENT_FAMILIES = (Family.TEMPLATE, Family.OPENING, Family.CLOSING, Family.SYSTEM, Family.CONTENT)
INFRASTRUCTURE_FAMILIES = tuple(
    family for family in Family if family not in (*CONTENT_FAMILIES, Family.PARAMETERS)
)
FAMILY_LINES = np.array([list(Line).index(LINE_OF[family]) for family in Family], np.int8)
"""Line of evidence of each family, by number."""
