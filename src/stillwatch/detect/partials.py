"""Partials: all aggregates of the events of some days, which merge with those of later days.

Every number is a whole number, a sum of whole millionths, a minimum or a maximum, so merging gives
to the bit what aggregating all events at once gives. Echoes are the one aggregate that does not
merge (whether a passage came back depends on every other account); who merges passes them in.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from stillwatch.detect import profiles
from stillwatch.detect.features import Family, FamilyCounts, Features
from stillwatch.detect.population import PACE_COLUMNS, Hourly, ModelUse

MILLIONTHS: Final = 1e6

Codes = NDArray[np.int32]
Array = NDArray[Any]


@dataclass(frozen=True)
class Gaps:
    """Times between successive events of each account.

    Attributes:
        account: account codes of the histogram, int32; rows are sorted by account, then length.
        seconds: length of a gap, to the second.
        count: gaps of that length.
        logs: per account the sum of ln(1 + seconds), in whole millionths.
        squares: per account the sum of its squares, in whole millionths.
    """

    account: Codes
    seconds: NDArray[np.int64]
    count: NDArray[np.int64]
    logs: NDArray[np.int64]
    squares: NDArray[np.int64]


@dataclass(frozen=True)
class Partial:
    """Aggregates of the events of some days; row i of `profiles` is the account with code i.

    Attributes:
        profiles: `detect.profiles` columns, sorted by `account_id`.
        features: families that come from fingerprints.
        sketches: the words of prompts, hashed.
        hourly: events by clock hour.
        models: use by model.
        gaps: times between events.
        readable: texts of values that are harmless to show.
    """

    profiles: pa.Table
    features: Features
    sketches: FamilyCounts
    hourly: Hourly
    models: ModelUse
    gaps: Gaps
    readable: dict[tuple[Family, int], str]

    @property
    def accounts(self) -> int:
        """Number of accounts."""
        return int(self.profiles.num_rows)

    @property
    def events(self) -> int:
        """Number of events."""
        return int(pc.sum(self.profiles["events"]).as_py() or 0)


class Merged:
    """A partial as the aggregates of a population; see `engines.engine.Aggregates`.

    Args:
        partial: of all events.
        echoes: prompts per account that carry passages of earlier completions.
    """

    def __init__(self, partial: Partial, echoes: NDArray[np.int64]) -> None:
        self._partial = partial
        self._echoes = echoes

    def profiles(self) -> pa.Table:
        """Return one profile per account, sorted by account code."""
        return self._partial.profiles

    def features(self) -> Features:
        """Return the counts of every family that fingerprints carry."""
        return dict(self._partial.features)

    def pace(self) -> pa.Table:
        """Return `PACE_COLUMNS` per account."""
        return pace(self._partial, self._echoes)

    def sketches(self) -> FamilyCounts:
        """Return every account's kept word hashes."""
        return self._partial.sketches

    def hourly(self) -> Hourly:
        """Return events per account and clock hour."""
        return self._partial.hourly

    def models(self) -> ModelUse:
        """Return what each account asked of each model."""
        return self._partial.models

    def readable(self) -> dict[tuple[Family, int], str]:
        """Return texts of values that are harmless to show."""
        return self._partial.readable


def merge(earlier: Partial, later: Partial) -> Partial:
    """Return the partial of all events of both.

    Args:
        earlier: of some days.
        later: of days after all of those.
    """
    merged = profiles.merge(earlier.profiles, later.profiles)
    ids = merged["account_id"].combine_chunks()
    before, after = (_codes(part.profiles, ids) for part in (earlier, later))
    return Partial(
        profiles=merged,
        features={
            family: _counts(counts, later.features[family], before, after)
            for family, counts in earlier.features.items()
        },
        sketches=_counts(earlier.sketches, later.sketches, before, after),
        hourly=_hourly(earlier.hourly, later.hourly, before, after),
        models=_models(earlier.models, later.models, before, after),
        gaps=_gaps(earlier, later, before, after),
        readable=_readable(earlier.readable, later.readable),
    )


def pace(partial: Partial, echoes: NDArray[np.int64]) -> pa.Table:
    """Return `PACE_COLUMNS` as float64, a row per account."""
    size, gaps, hourly = partial.accounts, partial.gaps, partial.hourly
    (account, _), (count,) = _summed((hourly.account, hourly.slot // 24), hourly.count)
    columns = {
        "active_hours": np.bincount(hourly.account, minlength=size),
        "active_days": np.bincount(account, minlength=size),
        "peak_hour": _most(hourly.account, hourly.count, size),
        "peak_day": _most(account, count, size),
        "gaps": np.bincount(gaps.account, gaps.count, minlength=size),
        "log_gap_sum": gaps.logs / MILLIONTHS,
        "log_gap_squared": gaps.squares / MILLIONTHS,
        "gaps_at_mode": _most(gaps.account, gaps.count, size),
        "echoes": echoes,
    }
    return pa.table({name: pa.array(columns[name].astype(np.float64)) for name in PACE_COLUMNS})


def _codes(table: pa.Table, ids: pa.Array) -> Codes:
    """Return the code in `ids` of each account of a profile table."""
    return np.asarray(pc.index_in(table["account_id"], value_set=ids).to_numpy(), np.int32)


def _summed(keys: tuple[Array, ...], *numbers: Array) -> tuple[tuple[Array, ...], list[Array]]:
    """Add up numbers over rows of equal keys; returns distinct keys, ascending, and their sums."""
    order = np.lexsort(keys[::-1])
    keys = tuple(key[order] for key in keys)
    start = _starts(keys)
    sums = [
        np.add.reduceat(number[order], start, dtype=number.dtype) if start.size else number
        for number in numbers
    ]
    return tuple(key[start] for key in keys), sums


def _starts(keys: tuple[Array, ...]) -> NDArray[np.int64]:
    """Return where a new combination of sorted keys begins."""
    new = np.ones(keys[0].size, bool)
    if new.size:
        new[1:] = np.logical_or.reduce([key[1:] != key[:-1] for key in keys])
    return np.flatnonzero(new)


def _most(account: Array, count: Array, size: int) -> Array:
    largest = np.zeros(size, np.int64)
    np.maximum.at(largest, account, count)
    return largest


def _counts(
    earlier: FamilyCounts, later: FamilyCounts, before: Codes, after: Codes
) -> FamilyCounts:
    (account, value), (count, held_out) = _summed(
        (
            np.concatenate([before[earlier.account], after[later.account]]),
            np.concatenate([earlier.value, later.value]),
        ),
        np.concatenate([earlier.count, later.count]),
        np.concatenate([earlier.held_out, later.held_out]),
    )
    return FamilyCounts.of(account, value, count, held_out)


def _hourly(earlier: Hourly, later: Hourly, before: Codes, after: Codes) -> Hourly:
    (account, slot), (count,) = _summed(
        (
            np.concatenate([before[earlier.account], after[later.account]]),
            np.concatenate([earlier.slot, later.slot]),
        ),
        np.concatenate([earlier.count, later.count]),
    )
    return Hourly(account, slot, count)


def _models(earlier: ModelUse, later: ModelUse, before: Codes, after: Codes) -> ModelUse:
    names = sorted({*earlier.names, *later.names})
    number = [
        np.array([names.index(name) for name in part.names], np.int32) for part in (earlier, later)
    ]
    keys = (
        np.concatenate([before[earlier.account], after[later.account]]),
        np.concatenate([number[0][earlier.model], number[1][later.model]]),
    )
    order = np.lexsort(keys[::-1])
    since = np.concatenate([earlier.since, later.since])[order]
    start = _starts(tuple(key[order] for key in keys))
    (account, model), (tokens_in, tokens_out) = _summed(
        keys,
        np.concatenate([earlier.input_tokens, later.input_tokens]),
        np.concatenate([earlier.output_tokens, later.output_tokens]),
    )
    first = np.minimum.reduceat(since, start) if start.size else since
    return ModelUse(tuple(names), account, model, first, tokens_in, tokens_out)


def _gaps(earlier: Partial, later: Partial, before: Codes, after: Codes) -> Gaps:
    """Add up gaps, and the one gap of each account between its last and its next event."""
    size = int(max(before.max(initial=-1), after.max(initial=-1))) + 1
    ended, began = np.full(size, -1, np.int64), np.full(size, -1, np.int64)
    ended[before] = earlier.profiles["last_seen"].cast(pa.int64()).to_numpy()
    began[after] = later.profiles["first_seen"].cast(pa.int64()).to_numpy()
    across = np.flatnonzero((ended >= 0) & (began >= 0)).astype(np.int32)
    length = (began[across] - ended[across]) / MILLIONTHS
    logarithm = np.log(1 + length)
    logs, squares = np.zeros(size, np.int64), np.zeros(size, np.int64)
    for codes, part in ((before, earlier.gaps), (after, later.gaps)):
        logs[codes] += part.logs
        squares[codes] += part.squares
    logs[across] += _whole(MILLIONTHS * logarithm)
    squares[across] += _whole(MILLIONTHS * logarithm * logarithm)
    (account, seconds), (count,) = _summed(
        (
            np.concatenate([before[earlier.gaps.account], after[later.gaps.account], across]),
            np.concatenate([earlier.gaps.seconds, later.gaps.seconds, _whole(length)]),
        ),
        np.concatenate([earlier.gaps.count, later.gaps.count, np.ones(across.size, np.int64)]),
    )
    return Gaps(account, seconds, count, logs, squares)


def _whole(number: NDArray[np.float64]) -> NDArray[np.int64]:
    """Round halves up, as SQL does for numbers that are not negative."""
    return np.floor(number + 0.5).astype(np.int64)


def _readable(
    earlier: dict[tuple[Family, int], str], later: dict[tuple[Family, int], str]
) -> dict[tuple[Family, int], str]:
    return {
        key: max(earlier.get(key, ""), later.get(key, "")) for key in sorted({*earlier, *later})
    }
