"""Accounts as sparse vectors of their words and of the frames that their prompts stand in.

A row is one account: ln(1 + count) of each value times its rarity within the account's script,
scaled to unit length. Rarity is taken within the script so that a language is not a topic. Words
are what is left of content when templates are paraphrased away; frames (template, opening, closing,
system prompt) are what is left when every prompt asks something else.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from stillwatch.detect import kernels
from stillwatch.detect.features import AT_ONCE, FamilyCounts
from stillwatch.detect.workers import THREADS, Search, Workers

WINDOW = 128
"""Places looked at to either side in a long posting."""


@dataclass(frozen=True)
class Vectors:
    """Unit rows in CSR form; columns ascend within a row."""

    rows: sparse.csr_matrix

    @property
    def size(self) -> int:
        """Number of accounts."""
        return int(self.rows.shape[0])

    def similarity(self, left: NDArray[np.int32], right: NDArray[np.int32]) -> NDArray[np.float32]:
        """Return the cosine of pairs of accounts, 0..1."""
        start = self.rows.indptr.astype(np.int64)
        products = partial(kernels.pair_products, start, self.rows.indices, self.rows.data)
        parts = (np.array_split(ends, THREADS) for ends in (left, right))
        with ThreadPoolExecutor(THREADS) as pool:
            return np.concatenate(list(pool.map(products, *parts)))

    def nearest(
        self,
        order: NDArray[np.int64],
        neighbours: int,
        workers: Workers,
        of: NDArray[np.bool_] | None = None,
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Return accounts' most similar accounts and the cosines, best first.

        Args:
            order: rank of each account; long postings are searched near the account in this order,
                so accounts that may belong together should have ranks close by.
            neighbours: how many to return; missing ones are -1.
            workers: search ranges of accounts.
            of: the accounts to search for, shape (accounts,); all where None. Others get none.
        """
        account = np.argsort(order, kind="stable").astype(np.int32)
        ranked = sparse.csr_matrix(self.rows[account])
        ranked.sort_indices()
        row_start = ranked.indptr.astype(np.int64)
        columns, weights = ranked.indices.astype(np.int32, copy=False), ranked.data
        postings = kernels.transpose(row_start, columns, weights, ranked.shape[1])
        wanted = np.ones(self.size, bool) if of is None else of[account]
        searched = np.flatnonzero(wanted).astype(np.int32)
        search = Search(row_start, columns, weights, *postings, searched, WINDOW, neighbours)
        found = workers.nearest(search)
        near = np.where(found >= 0, account[found], -1)
        left = np.repeat(account[searched], neighbours)
        exact = self.similarity(left, np.maximum(near, 0).ravel()).reshape(near.shape)
        result = np.full((self.size, neighbours), -1, np.int32)
        cosine = np.zeros(result.shape, np.float32)
        result[account[searched]] = near
        cosine[account[searched]] = np.where(near >= 0, exact, 0.0)
        return result, cosine


def forming(
    sketches: FamilyCounts, frames: list[FamilyCounts], script: NDArray[np.int64]
) -> Vectors:
    """Return vectors of the half of the hours that forms clusters.

    A cosine is half of the words' and half of the frames'.

    Args:
        sketches: word hashes per account.
        frames: families of frames, each with both halves.
        script: main script per account; rarity is counted within it.
    """
    return _framed(
        sketches,
        sketches.count - sketches.held_out,
        [(family, family.count - family.held_out) for family in frames],
        script,
    )


def whole(sketches: FamilyCounts, frames: list[FamilyCounts], script: NDArray[np.int64]) -> Vectors:
    """Return what `forming` does, of all hours: closer, but no longer apart from what tests it."""
    counted = [(family, family.count) for family in frames]
    return _framed(sketches, sketches.count, counted, script)


def _framed(
    sketches: FamilyCounts,
    counts: NDArray[np.int32],
    frames: list[tuple[FamilyCounts, NDArray[np.int32]]],
    script: NDArray[np.int64],
) -> Vectors:
    words = _weigh(sketches, counts, script)
    parts = [_weigh(family, carried, script) for family, carried in frames]
    if not parts:
        return Vectors(words)
    framed = unit(sparse.hstack(parts, "csr", np.float32))
    return Vectors(unit(sparse.hstack([words, framed], "csr", np.float32)))


def halves(sketches: FamilyCounts, script: NDArray[np.int64]) -> tuple[Vectors, Vectors]:
    """Return vectors of the forming and of the held-out half, over the same columns."""
    first, second = (
        Vectors(_weigh(sketches, count, script))
        for count in (sketches.count - sketches.held_out, sketches.held_out)
    )
    return first, second


def counts(sketches: FamilyCounts, accounts: int) -> sparse.csr_matrix:
    """Return events per account and kept word, over the columns of `halves`."""
    start = np.searchsorted(sketches.account, np.arange(accounts + 1))
    shape = (accounts, sketches.values.size)
    data = sketches.count.astype(np.float32)
    return sparse.csr_matrix((data, sketches.number, start), shape=shape)


def _weigh(
    family: FamilyCounts, count: NDArray[np.int32], script: NDArray[np.int64]
) -> sparse.csr_matrix:
    """Return unit rows of weighted counts; values that only one account has are left out.

    Args:
        family: who carries what.
        count: events of each row that are looked at.
        script: main script per account.
    """
    account, column, columns = family.account, family.number, family.values.size
    accounts, scripts = script.size, int(script.max(initial=0)) + 1
    shared = np.bincount(column[count > 0], minlength=columns) > 1
    keep = np.flatnonzero((count > 0) & shared[column])
    # Only shared values have cells, one per script: most frames and prompts are one account's own.
    place = (np.cumsum(shared) - 1).astype(np.int32)
    cell = place[column[keep]].astype(np.int64) * scripts + script[account[keep]]
    carriers = np.bincount(cell, minlength=int(shared.sum()) * scripts)
    speakers = np.maximum(np.bincount(script, minlength=scripts), 1)
    rarity = np.log(np.tile(speakers, int(shared.sum())) / np.maximum(carriers, 1))
    used = rarity[cell] > 0
    keep, cell = keep[used], cell[used]
    often = np.log1p(np.arange(int(count.max(initial=0)) + 1))
    weight = rarity[cell]
    weight *= often[count[keep]]
    start = np.searchsorted(account[keep], np.arange(accounts + 1))
    return unit(sparse.csr_matrix((weight, column[keep], start), shape=(accounts, columns)))


def unit(rows: sparse.csr_matrix) -> sparse.csr_matrix:
    """Scale rows to unit length; empty rows stay empty."""
    start, data = rows.indptr.astype(np.int64), np.empty(rows.nnz, np.float32)
    # A block of rows at a time: the squares of all would need as much memory as the rows.
    cuts = np.unique(np.searchsorted(start, np.arange(0, rows.nnz + AT_ONCE, AT_ONCE)))
    for first, last in pairwise([*cuts[cuts < start.size - 1].tolist(), start.size - 1]):
        block = rows.data[start[first] : start[last]]
        filled = first + np.flatnonzero(start[first + 1 : last + 1] > start[first:last])
        square = np.zeros(last - first, block.dtype)
        if filled.size:
            square[filled - first] = np.add.reduceat(block * block, start[filled] - start[first])
        scale = 1 / np.maximum(np.sqrt(square), 1e-9)
        data[start[first] : start[last]] = block * np.repeat(
            scale, np.diff(start[first : last + 1])
        )
    return sparse.csr_matrix((data, rows.indices, rows.indptr), shape=rows.shape)
