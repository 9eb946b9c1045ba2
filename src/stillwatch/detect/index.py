"""An inverted index of account features: who carries what, and how rare it is."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from stillwatch.detect.features import Family, Features


@dataclass(frozen=True)
class FeatureIndex:
    """Account-feature incidence of some families.

    Attributes:
        rows: CSR accounts x features, data 1; columns ascend within a row.
        family: family of each feature column, int8.
        value: value of each feature column, uint64.
        carriers: accounts that carry each feature.
        degree: values per account and family over the family's mean, float32 (accounts, families).
    """

    rows: sparse.csr_matrix
    family: NDArray[np.int8]
    value: NDArray[np.uint64]
    carriers: NDArray[np.int64]
    degree: NDArray[np.float32]

    @property
    def accounts(self) -> int:
        """Number of accounts."""
        return int(self.rows.shape[0])

    @property
    def rarity(self) -> NDArray[np.float32]:
        """Return -ln of the share of accounts that carry each feature."""
        return np.log(self.accounts / np.maximum(self.carriers, 1)).astype(np.float32)


def build(
    features: Features, families: Iterable[Family], accounts: int, *, held_out: bool | None
) -> FeatureIndex:
    """Index the values of `families` that at least two accounts carry.

    Args:
        features: counts per family.
        families: which families to index.
        accounts: number of accounts.
        held_out: index what the held-out half shows (True), the other (False), or all (None).
    """
    account_parts: list[NDArray[np.int32]] = []
    column_parts: list[NDArray[np.int64]] = []
    family_parts: list[NDArray[np.int8]] = []
    value_parts: list[NDArray[np.uint64]] = []
    degree = np.zeros((accounts, len(Family)), np.float32)
    offset = 0
    for family in sorted(f for f in families if f in features):
        counts = features[family] if held_out is None else features[family].half(held_out=held_out)
        if not counts.account.size:
            continue
        carried = np.bincount(counts.account, minlength=accounts)
        degree[:, family] = carried / max(carried[carried > 0].mean(), 1.0)
        column, shared = counts.number, counts.carriers > 1
        renumbered = np.cumsum(shared) - 1
        keep = shared[column]
        account_parts.append(counts.account[keep])
        column_parts.append(renumbered[column[keep]] + offset)
        family_parts.append(np.full(int(shared.sum()), family, np.int8))
        value_parts.append(counts.values[shared])
        offset += int(shared.sum())
    if not account_parts:
        return FeatureIndex(
            sparse.csr_matrix(np.empty((accounts, 0), np.int8)),
            np.empty(0, np.int8),
            np.empty(0, np.uint64),
            np.empty(0, np.int64),
            degree,
        )
    account = np.concatenate(account_parts)
    column = np.concatenate(column_parts)
    rows = sparse.csr_matrix(
        (np.ones(account.size, np.int8), (account, column)), shape=(accounts, offset)
    )
    rows.sort_indices()
    return FeatureIndex(
        rows,
        np.concatenate(family_parts),
        np.concatenate(value_parts),
        np.bincount(column, minlength=offset),
        degree,
    )
