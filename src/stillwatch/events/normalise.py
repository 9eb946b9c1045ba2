"""Any incoming columns to the events contract: types, null rules, ranges and derived identifiers.

Types are the business of `stillwatch.events.coerce`. Here are the rules of the contract:

- A time before 2000 or from 2100 on is rejected.
- A negative or infinite number is rejected; `turn` is at least 1.
- An empty string in an optional column is null. An empty prompt stays: it is a request
  without text, such as an image.
- `event_id`: where absent, `FILE#ROW`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.errors import InputError
from stillwatch.events.coerce import Reason, Reject, Values, coerce
from stillwatch.events.identity import Identity, looks_like_secret, mask_key
from stillwatch.events.schema import EVENTS, REQUIRED_EVENT_COLUMNS, TIMESTAMP

MAX_TEXT_BYTES: Final = 4 * 1024 * 1024
"""The longest prompt, system prompt or completion that is read, in bytes of UTF-8."""

EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)

_TEXTS: Final = ("prompt", "system", "completion")
_MINIMUM: Final = {"turn": 1}


@dataclass(frozen=True, slots=True)
class Failure:
    """One row that cannot be read. `column` is empty where the row as a whole is bad."""

    row: int
    column: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class RawBatch:
    """Columns as a log has them, by contract name; all of one length.

    `rows` holds each row's number in `file`, from 1. `fixed` says that a column that is absent here
    is absent from the whole file, as in Parquet and CSV.
    """

    file: str
    columns: Mapping[str, Values]
    rows: npt.NDArray[np.int64]
    fixed: bool = True


def normalise(
    raw: RawBatch, identity: Identity | None = None
) -> tuple[pa.RecordBatch, list[Failure]]:
    """The readable rows of a batch in the events contract, and why the others are not.

    Args:
        raw: columns of any type; those that the contract does not know are ignored.
        identity: derives `account_id` from `api_key_id` where a row has none, and masks raw keys.

    Raises:
        InputError: the file lacks a required column.
    """
    columns = dict(raw.columns)
    if raw.fixed:
        _require(raw.file, columns, identity)
    size = len(raw.rows)
    bad = np.zeros(size, dtype=np.bool_)
    failures: list[Failure] = []

    def reject(index: int, column: str, reason: Reason) -> None:
        if not bad[index]:
            bad[index] = True
            failures.append(Failure(int(raw.rows[index]), column, reason))

    arrays: dict[str, pa.Array] = {}
    for field in EVENTS:
        if field.name in columns:
            array = coerce(columns[field.name], field, reject)
            arrays[field.name] = _check(array, field, reject)
        else:
            arrays[field.name] = pa.nulls(size, field.type)
    _identify(arrays, raw, identity)
    for name in REQUIRED_EVENT_COLUMNS:
        if arrays[name].null_count:
            for index in np.flatnonzero(arrays[name].is_null().to_numpy(zero_copy_only=False)):
                reject(int(index), name, Reason.MISSING)
    batch = pa.RecordBatch.from_arrays(list(arrays.values()), schema=EVENTS)
    return (batch.filter(pa.array(~bad)) if failures else batch), failures


def _require(file: str, columns: Mapping[str, Values], identity: Identity | None) -> None:
    """Refuse a file without a required column."""
    missing = [n for n in REQUIRED_EVENT_COLUMNS if n not in columns and n != "event_id"]
    if "account_id" in missing and "api_key_id" in columns:
        if identity is not None:
            missing.remove("account_id")
        elif missing == ["account_id"]:
            raise InputError(
                f"{file} has API keys but no account_id: add that column, or derive accounts from "
                "the keys with --account-from api-key"
            )
    if missing:
        names = " and ".join(missing)
        raise InputError(
            f"{file} has no {names}: {MEND[missing[0]]}, or name its format with --format"
        )


MEND: Final = {
    "time": "add a column time with the moment of each request",
    "account_id": "add a column account_id with the billing or login identity of each request",
    "model": "add a column model with the model that was asked",
    "prompt": "export the log with message content, or add a column prompt",
}
"""What to do about a required column that is missing."""


def _check(array: pa.Array, field: pa.Field, reject: Reject) -> pa.Array:
    """Ranges and lengths, vectorised; rows outside them are rejected."""
    name = field.name
    if field.type == pa.string():
        if name != "prompt":
            empty = pc.equal(pc.binary_length(array), 0)
            if pc.any(empty).as_py():
                array = pc.if_else(empty, None, array)
        if name in _TEXTS:
            _reject_where(pc.greater(pc.binary_length(array), MAX_TEXT_BYTES), name, reject)
    elif field.type == TIMESTAMP:
        _reject_where(out_of_time(array), name, reject, Reason.TIME_RANGE)
    elif not pa.types.is_boolean(field.type):
        minimum = _MINIMUM.get(name, 0)
        outside = pc.less(array, pa.scalar(minimum, array.type))
        if pa.types.is_floating(array.type):
            if pc.any(pc.is_nan(array)).as_py():
                array = pc.if_else(pc.is_nan(array), None, array)
            outside = pc.or_(outside, pc.is_inf(array))
        _reject_where(outside, name, reject, Reason.RANGE)
    return array


def out_of_time(times: pa.TimestampArray) -> pa.BooleanArray:
    """Which times are before 2000 or after 2099; null where a time is."""
    low, high = pa.scalar(EARLIEST, TIMESTAMP), pa.scalar(LATEST, TIMESTAMP)
    return pc.or_(pc.less(times, low), pc.greater_equal(times, high))


def _reject_where(
    mask: pa.BooleanArray, name: str, reject: Reject, reason: Reason = Reason.LONG
) -> None:
    if pc.any(mask).as_py():
        for index in np.flatnonzero(mask.fill_null(False).to_numpy(zero_copy_only=False)):
            reject(int(index), name, reason)


def _identify(arrays: dict[str, pa.Array], raw: RawBatch, identity: Identity | None) -> None:
    """Derive missing event and account identifiers; mask raw API keys."""
    ids = arrays["event_id"]
    if ids.null_count:
        rows = pa.array(raw.rows).cast(pa.string())
        arrays["event_id"] = pc.coalesce(ids, pc.binary_join_element_wise(raw.file, rows, "#"))
    keys = arrays["api_key_id"]
    if keys.null_count == len(keys):
        return
    encoded = keys.dictionary_encode()
    names, codes = encoded.dictionary.to_pylist(), encoded.indices
    if identity is not None and arrays["account_id"].null_count:
        derived = pa.array([identity.account_id(name) for name in names], pa.string())
        arrays["account_id"] = pc.coalesce(arrays["account_id"], derived.take(codes))
    if any(looks_like_secret(name) for name in names):
        masked = pa.array([mask_key(name, identity) for name in names], pa.string())
        arrays["api_key_id"] = masked.take(codes)
