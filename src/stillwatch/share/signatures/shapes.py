"""Shapes of an account's life, in bins so coarse that they say nothing of one account.

| family | bins | measured by |
|---|---|---|
| life | `hours`, `days`, `weeks` | first to last active hour: below a day, a week, more |
| ramp | `at-once`, `slow` | whether its first active day has half the events of its busiest |
| pace | `single`, `few`, `many`, `mass` | events per active hour: below 2, 8, 32, more |
| rhythm | `part-of-day`, `round-the-clock` | two thirds within 8 hours of the clock, or not |
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stillwatch.share.signatures.families import Family

HOUR_US: Final = 3_600_000_000
BINS: Final[dict[Family, tuple[str, ...]]] = {
    Family.LIFE: ("hours", "days", "weeks"),
    Family.RAMP: ("slow", "at-once"),
    Family.PACE: ("single", "few", "many", "mass"),
    Family.RHYTHM: ("round-the-clock", "part-of-day"),
}
"""Names of bins, in the order of the numbers that `Hours.bins` gives."""

_LIVES: Final = (24.0, 168.0)
_PACES: Final = (2.0, 8.0, 32.0)
_WORKDAY: Final = 8
_MOST: Final = 2 / 3
_SPAN: Final = 1 << 32
_PENDING: Final = 1 << 20

Ints = NDArray[np.int64]


@dataclass
class Hours:
    """Events per account and hour: one number per active hour of an account is kept."""

    _keys: list[Ints] = field(default_factory=list)
    _counts: list[Ints] = field(default_factory=list)
    _waiting: int = 0

    def add(self, accounts: Ints, times: pa.Array) -> None:
        """Take up events: the code of the account of each, and its time."""
        hour = np.asarray(times.cast(pa.int64())) // HOUR_US
        keys, counts = np.unique(accounts * _SPAN + hour, return_counts=True)
        self._keys.append(keys)
        self._counts.append(counts)
        self._waiting += len(keys)
        if self._waiting > _PENDING:
            self._merge()

    def _merge(self) -> None:
        keys, back = np.unique(np.concatenate(self._keys), return_inverse=True)
        counts = np.bincount(back, np.concatenate(self._counts)).astype(np.int64)
        self._keys, self._counts, self._waiting = [keys], [counts], 0

    def bins(self, accounts: int) -> dict[Family, Ints]:
        """Return the number of each account's bin by family, of shape (accounts,)."""
        if not self._keys:
            return {family: np.zeros(accounts, np.int64) for family in BINS}
        self._merge()
        account, hour = np.divmod(self._keys[0], _SPAN)
        count = self._counts[0].astype(np.float64)
        first = np.full(accounts, np.iinfo(np.int64).max)
        last = np.zeros(accounts, np.int64)
        np.minimum.at(first, account, hour)
        np.maximum.at(last, account, hour)
        total = np.asarray(np.bincount(account, count, accounts), np.float64)
        active = np.maximum(np.bincount(account, minlength=accounts), 1)
        return {
            Family.LIFE: np.digitize((last - first).astype(np.float64), _LIVES),
            Family.RAMP: _ramp(account, hour, count, accounts),
            Family.PACE: np.digitize(total / active, _PACES),
            Family.RHYTHM: _rhythm(account, hour, count, total),
        }


def _ramp(account: Ints, hour: Ints, count: NDArray[np.float64], accounts: int) -> Ints:
    """1 where the first active day has at least half the events of the busiest day."""
    keys, back = np.unique(account * _SPAN + hour // 24, return_inverse=True)
    events, owner = np.bincount(back, count), keys // _SPAN
    busiest, opening = np.zeros(accounts), np.zeros(accounts)
    np.maximum.at(busiest, owner, events)
    begins = np.flatnonzero(np.diff(owner, prepend=-1))
    opening[owner[begins]] = events[begins]
    ramp: Ints = (opening >= busiest / 2).astype(np.int64)
    return ramp


def _rhythm(
    account: Ints, hour: Ints, count: NDArray[np.float64], total: NDArray[np.float64]
) -> Ints:
    """1 where some eight hours of the clock in a row hold two thirds of the events."""
    clock = np.bincount(account * 24 + hour % 24, count, len(total) * 24).reshape(-1, 24)
    twice = np.concatenate([clock, clock[:, : _WORKDAY - 1]], axis=1).cumsum(axis=1)
    before = np.concatenate([np.zeros((len(clock), 1)), twice], axis=1)
    window = before[:, _WORKDAY:] - before[:, :-_WORKDAY]
    rhythm: Ints = (window.max(axis=1, initial=0.0) >= _MOST * total).astype(np.int64)
    return rhythm
