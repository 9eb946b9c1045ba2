"""Marks: what a profile names in one family, and how much of that accounts match, in nats.

Within a family the best value counts (values of a family exclude or imply each other), words
excepted, whose matches add up; each family is capped. What an account with as many values would
match by chance is taken off, so that who does everything does not match everything.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numba import njit
from numpy.typing import NDArray

from stillwatch.detect.enrichment import Coded, Enriched
from stillwatch.detect.features import Family

FAMILY_NATS = 10.0
"""Most that one family may say for an account."""
WORD_WEIGHT = 0.25
"""Words of one text come together, so each counts as a quarter of a feature."""


@dataclass(frozen=True)
class Room:
    """Arrays over all accounts that the match of one profile after the other uses again.

    Attributes:
        weight: nats summed so far, float64, 0 between uses.
        met: account codes in the order in which they were met.
    """

    weight: NDArray[np.float64]
    met: NDArray[np.int32]

    @classmethod
    def of(cls, accounts: int) -> "Room":
        """Make room for so many accounts."""
        return cls(np.zeros(accounts), np.empty(accounts, np.int32))


@dataclass(frozen=True)
class Marks:
    """The part of a profile that lies in one family.

    Attributes:
        coded: the family.
        column: numbers of its values, ascending.
        weight: natural log of the lift of each.
        chance: weight that an account of the usual degree has by chance; of words only.
    """

    coded: Coded
    column: NDArray[np.int64]
    weight: NDArray[np.float64]
    chance: float

    @classmethod
    def of(cls, coded: Coded, rows: Enriched) -> Self:
        """Take the rows of one family out of a profile."""
        marks = rows.where(rows.family == coded.family)
        weight = np.log(marks.lift)
        chance = float((marks.share / marks.lift * weight).sum())
        return cls(coded, np.searchsorted(coded.values, marks.value), weight, chance)

    def matched(self, room: Room) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Return the accounts that match any, in no order, and the nats of each."""
        account, weight = carried_weight(
            self.coded.start,
            self.coded.posting,
            self.column,
            self.weight,
            self._adds,
            room.weight,
            room.met,
        )
        nats = self._nats(account, weight)
        return account[nats > 0], nats[nats > 0]

    def matched_by(self, accounts: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the nats of a few accounts, 0 of those that match none."""
        coded = self.coded
        weight = weight_of(
            coded.first, coded.column, accounts, self.column, self.weight, self._adds
        )
        return np.maximum(self._nats(accounts, weight), np.float32(0))

    @property
    def _adds(self) -> bool:
        return self.coded.family is Family.WORDS

    def _nats(
        self,
        account: NDArray[np.int32] | NDArray[np.int64],
        weight: NDArray[np.float64],
    ) -> NDArray[np.float32]:
        """Return the nats of accounts that carry so much weight; 0 or less is no match."""
        degree = self.coded.degree[account]
        if self._adds:
            nats = (WORD_WEIGHT * (weight - self.chance * degree)).astype(np.float32)
        else:
            nats = weight.astype(np.float32) - np.log(np.maximum(self.column.size * degree, 1.0))
        return np.minimum(nats, np.float32(FAMILY_NATS))


@njit(nogil=True, cache=True)
def carried_weight(  # noqa: PLR0917 - numba takes positional arguments
    start: NDArray[np.int64],
    posting: NDArray[np.int32],
    marks: NDArray[np.int64],
    weights: NDArray[np.float64],
    adds: bool,  # noqa: FBT001 - numba takes positional arguments
    total: NDArray[np.float64],
    met: NDArray[np.int32],
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Sum the weights of the features that each account carries, or take the largest.

    Args:
        start: where the accounts of each feature begin in `posting`, features + 1.
        posting: accounts that carry each feature, feature after feature.
        marks: the features.
        weights: weight of each, above 0.
        adds: whether weights are summed.
        total: zeros, one per account; zeros again afterwards.
        met: room for all accounts.

    Returns:
        Accounts that carry any, in no order, and the weight of each.
    """
    count = 0
    for k in range(marks.shape[0]):
        weight = weights[k]
        for at in range(start[marks[k]], start[marks[k] + 1]):
            who = posting[at]
            so_far = total[who]
            if so_far == 0.0:
                met[count] = who
                count += 1
            total[who] = so_far + weight if adds else max(so_far, weight)
    accounts = met[:count].copy()
    found = np.empty(count, np.float64)
    for k in range(count):
        found[k] = total[accounts[k]]
        total[accounts[k]] = 0.0
    return accounts, found


@njit(nogil=True, cache=True)
def weight_of(  # noqa: PLR0917 - numba takes positional arguments
    first: NDArray[np.int64],
    column: NDArray[np.int32],
    members: NDArray[np.int64],
    marks: NDArray[np.int64],
    weights: NDArray[np.float64],
    adds: bool,  # noqa: FBT001 - numba takes positional arguments
) -> NDArray[np.float64]:
    """Return what `carried_weight` does, for a few accounts: by their rows.

    Args:
        first: where the rows of each account begin, accounts + 1.
        column: feature of each row, ascending within an account.
        members: the accounts.
        marks: the features, ascending.
        weights: weight of each, above 0.
        adds: whether weights are summed.

    Returns:
        The weight of each account, 0 where it carries none of the features.
    """
    found = np.zeros(members.shape[0], np.float64)
    for k in range(members.shape[0]):
        mark = 0
        for row in range(first[members[k]], first[members[k] + 1]):
            while mark < marks.shape[0] and marks[mark] < column[row]:
                mark += 1
            if mark == marks.shape[0]:
                break
            if marks[mark] == column[row]:
                found[k] = found[k] + weights[mark] if adds else max(found[k], weights[mark])
    return found
