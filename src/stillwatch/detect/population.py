"""The population: everything that detection knows of all accounts, aligned by account code."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from stillwatch.detect.features import FamilyCounts, Features, spans
from stillwatch.detect.profiles import seconds

PACE_COLUMNS: Final = (
    "active_hours",  # distinct clock hours with an event
    "active_days",  # distinct days with an event
    "peak_hour",  # most events in one clock hour
    "peak_day",  # most events in one day
    "gaps",  # pairs of successive events
    "log_gap_sum",  # sum of ln(1 + seconds) over gaps
    "log_gap_squared",  # sum of its squares
    "gaps_at_mode",  # gaps whose length, to the second, is the account's most common one
    "echoes",  # prompts that carry passages of earlier completions
)


@dataclass(frozen=True)
class Hourly:
    """Events per account and clock hour since 1970, sorted."""

    account: NDArray[np.int32]
    slot: NDArray[np.int64]
    count: NDArray[np.int32]

    def rows_of(self, members: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the rows of some accounts."""
        return spans(self._first, members)

    @cached_property
    def _first(self) -> NDArray[np.int64]:
        return _first_rows(self.account)


@dataclass(frozen=True)
class ModelUse:
    """What each account asked of each model: first use (microseconds since 1970) and tokens."""

    names: tuple[str, ...]
    account: NDArray[np.int32]
    model: NDArray[np.int32]
    since: NDArray[np.int64]
    input_tokens: NDArray[np.int64]
    output_tokens: NDArray[np.int64]

    def rows_of(self, members: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the rows of some accounts."""
        return spans(self._first, members)

    @cached_property
    def _first(self) -> NDArray[np.int64]:
        return _first_rows(self.account)


@dataclass(frozen=True)
class Population:
    """One scan's accounts.

    Attributes:
        profiles: `detect.profiles` columns, row i is the account with code i.
        pace: `PACE_COLUMNS` as float64, aligned.
        features: families, by account code.
        sketches: all kept hashes of words and pairs of words, and in how many events each stands.
        hourly: events by clock hour.
        models: use by model.
        accounts: the accounts contract, aligned (nulls where an account is not listed), or None
            where no accounts table was given.
        disposable: per account whether its mail domain is disposable, or None without a list.
        first_seen: time of the first event.
        last_seen: time of the last event.
    """

    profiles: pa.Table
    pace: pa.Table
    features: Features
    sketches: FamilyCounts
    hourly: Hourly
    models: ModelUse
    accounts: pa.Table | None
    disposable: NDArray[np.bool_] | None
    first_seen: datetime
    last_seen: datetime

    @property
    def size(self) -> int:
        """Number of accounts."""
        return int(self.profiles.num_rows)

    @property
    def account_ids(self) -> list[str]:
        """Account ids by code."""
        return list(self.profiles["account_id"].to_pylist())

    def pace_values(self, name: str) -> NDArray[np.float64]:
        """Return one pace column."""
        return np.asarray(
            self.pace[name].combine_chunks().to_numpy(zero_copy_only=False), np.float64
        )

    def seconds(self, column: str) -> NDArray[np.float64]:
        """Return a time column of profiles as seconds since 1970."""
        return seconds(self.profiles, column)

    def verified(self) -> NDArray[np.bool_]:
        """Return which accounts the provider has verified; none without an accounts table."""
        if self.accounts is None:
            return np.zeros(self.size, bool)
        known = pc.fill_null(self.accounts["verified"], False).combine_chunks()
        return np.asarray(known.to_numpy(zero_copy_only=False), bool)

    def says_who_is_verified(self) -> bool:
        """Whether the accounts table says of any account that it is or is not verified."""
        return self.accounts is not None and self.accounts["verified"].null_count < self.size

    def signup_seconds(self) -> NDArray[np.float64]:
        """Return sign-up times as seconds since 1970, NaN where unknown."""
        if self.accounts is None:
            return np.full(self.size, np.nan)
        micros = self.accounts["created_at"].cast(pa.int64()).cast(pa.float64())
        filled = pc.fill_null(micros, float("nan")).combine_chunks()
        return np.asarray(filled.to_numpy(zero_copy_only=False), np.float64) / 1e6


def _first_rows(account: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return where each account's rows begin, and the end; `account` ascends."""
    return np.searchsorted(account, np.arange(int(account[-1]) + 2 if account.size else 1))
