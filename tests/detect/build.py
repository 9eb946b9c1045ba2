"""Hand-made features and sparse rows for the tests of the detection core."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from stillwatch.detect.features import Family, FamilyCounts, Features


def family(carried: Iterable[tuple[int, int]], *, held_out: bool | None = None) -> FamilyCounts:
    """Counts of (account, value) pairs, two events each: one in either half, or both in one."""
    rows = sorted(set(carried))
    account = np.array([row[0] for row in rows], np.int32)
    value = np.array([row[1] for row in rows], np.uint64)
    share = {None: 1, True: 2, False: 0}[held_out]
    return FamilyCounts.of(account, value, np.full_like(account, 2), np.full_like(account, share))


def random_family(
    rng: np.random.Generator, accounts: int, values: int, each: int = 1
) -> FamilyCounts:
    """Every account carries `each` values drawn from `values`, small values more often."""
    drawn = (values * rng.random((accounts, each)) ** 2).astype(int)
    return family((account, int(v)) for account in range(accounts) for v in drawn[account])


def with_carriers(
    counts: FamilyCounts, carriers: Mapping[int, Sequence[int] | NDArray[np.int64]]
) -> FamilyCounts:
    """The same family, in which these accounts carry these values too."""
    rows = list(zip(counts.account.tolist(), counts.value.tolist(), strict=True))
    rows += [(int(a), value) for value, accounts in carriers.items() for a in accounts]
    return family(rows)


def random_features(rng: np.random.Generator, accounts: int) -> Features:
    """Families of all shapes: few common values, many rare ones, several values per account."""
    return {
        Family.TEMPLATE: random_family(rng, accounts, 40, each=3),
        Family.CLIENT: random_family(rng, accounts, 12),
        Family.TLS: random_family(rng, accounts, 30),
        Family.NETWORK: random_family(rng, accounts, accounts // 4, each=2),
        Family.PAYMENT: random_family(rng, accounts, accounts // 2),
    }


def random_rows(
    rng: np.random.Generator, rows: int, columns: int, density: float
) -> sparse.csr_matrix:
    """A float32 matrix with unit rows whose columns ascend; some columns are much longer."""
    filled = rng.random((rows, columns)) < density * 2 * rng.random(columns)
    dense = np.where(filled, rng.uniform(0.1, 1.0, (rows, columns)), 0.0)
    dense /= np.maximum(np.linalg.norm(dense, axis=1, keepdims=True), 1e-12)
    found = sparse.csr_matrix(dense.astype(np.float32))
    found.sort_indices()
    return found
