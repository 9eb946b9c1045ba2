"""Values of any type to a contract's types: whole columns where they cast, else value by value.

A column that does not cast as a whole is gone through value by value, so that one bad value costs
one row and not the batch.

- Times: ISO 8601 text, or a number since 1970 whose size tells its unit (below 1e11 seconds, below
  1e14 milliseconds, below 1e17 microseconds, else nanoseconds). A time without a zone is UTC.
- Integers may stand as text or as whole floats; NaN and empty text are null.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.events.schema import TIMESTAMP

_UNIT_BOUNDS: Final = (1e11, 1e14, 1e17)
_MICROSECONDS: Final = np.array([1e6, 1e3, 1.0, 1e-3])
_ARROW_ERRORS: Final = (pa.ArrowException, OverflowError, TypeError, ValueError)

Values: TypeAlias = pa.Array | Sequence[Any]


class Reason(StrEnum):
    """Why a row was rejected; never the value itself."""

    JSON = "invalid JSON"
    UTF8 = "invalid UTF-8"
    FIELDS = "wrong number of fields"
    OVERSIZE = "document longer than 64 MiB"
    MISSING = "missing value"
    TIME = "not a time"
    TIME_RANGE = "time before 2000 or after 2099"
    TIME_AHEAD = "time more than a day ahead of the clock"
    NUMBER = "not a number"
    RANGE = "number out of range"
    FLAG = "not true or false"
    TEXT = "not text"
    LONG = "text longer than 4 MiB"
    UNMATCHED = "no matching record"


Reject = Callable[[int, str, Reason], None]
"""Called with the index in the batch, the column and the reason."""


def coerce(values: Values, field: pa.Field, reject: Reject) -> pa.Array:
    """The column in its contract type; values that cannot be read are null and rejected."""
    try:
        array: Any = values if isinstance(values, pa.Array) else pa.array(values)
        if isinstance(values, pa.Array) and _is_text(array.type):
            array.validate(full=True)  # files may hold text that is not UTF-8
        return _cast(array, field.type)
    except _ARROW_ERRORS:
        items = _items(values)
    scalar = _SCALARS[field.type]
    out: list[Any] = []
    for index, item in enumerate(items):
        try:
            out.append(None if item is None else scalar(item))
        except _BadValueError as error:
            out.append(None)
            reject(index, field.name, error.reason)
    return pa.array(out, type=field.type)


def _items(values: Values) -> Sequence[Any]:
    """The values as Python ones; text as bytes where it is not UTF-8."""
    if not isinstance(values, pa.Array):
        return values
    try:
        return values.to_pylist()  # type: ignore[no-any-return]
    except UnicodeDecodeError:
        return values.cast(pa.binary()).to_pylist()  # type: ignore[no-any-return]


def _cast(array: pa.Array, target: pa.DataType) -> pa.Array:
    """Cast a whole column, or raise an Arrow error if any value does not fit."""
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if array.type == target:
        return array
    if pa.types.is_null(array.type):
        return pa.nulls(len(array), target)
    if pa.types.is_binary(array.type) or _is_text(array.type):
        array = array.cast(pa.string())
    if pa.types.is_decimal(array.type):
        array = array.cast(pa.float64())
    if target == TIMESTAMP:
        return _cast_time(array)
    if target == pa.string():
        if array.type == target or pa.types.is_integer(array.type):
            return array.cast(target)
        raise pa.ArrowInvalid
    return _cast_number(array, target)


def _cast_number(array: pa.Array, target: pa.DataType) -> pa.Array:
    """Numbers and flags, out of text too; a flag is no number."""
    if _is_text(array.type):
        array = pc.if_else(pc.equal(array, ""), None, array)
    elif pa.types.is_boolean(target) != pa.types.is_boolean(array.type):
        raise pa.ArrowInvalid
    elif pa.types.is_floating(array.type):
        array = pc.if_else(pc.is_nan(array), None, array)
    return array.cast(target)


def _cast_time(array: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(array.type) or pa.types.is_date(array.type):
        if pa.types.is_date(array.type):
            array = array.cast(pa.timestamp("ms"))
        return array.cast(pa.timestamp("us", tz=array.type.tz), safe=False).cast(TIMESTAMP)
    if _is_text(array.type):
        try:
            instants = array.cast(pa.timestamp("ns", tz="UTC"))
        except pa.ArrowInvalid:
            instants = array.cast(pa.timestamp("ns"))
        return instants.cast(pa.timestamp("us", tz=instants.type.tz), safe=False).cast(TIMESTAMP)
    if pa.types.is_integer(array.type):
        return _epoch(array)
    if pa.types.is_floating(array.type) and array.null_count == 0:
        values = array.to_numpy()
        return pa.array(np.rint(values * _factors(values)).astype(np.int64)).cast(TIMESTAMP)
    raise pa.ArrowInvalid


def _epoch(array: pa.Array) -> pa.Array:
    """Whole numbers since 1970, exactly: nanoseconds do not pass through a float."""
    mask = array.is_null().to_numpy(zero_copy_only=False)
    values = array.fill_null(0).to_numpy().astype(np.int64)
    factors = _factors(values)
    micros = np.where(
        factors < 1, values // 1000, values * np.maximum(factors, 1.0).astype(np.int64)
    )
    return pa.array(micros, mask=mask).cast(TIMESTAMP)


def _factors(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Microseconds per unit of each number, by its size."""
    unit = np.searchsorted(_UNIT_BOUNDS, np.abs(values), side="right")
    return np.asarray(_MICROSECONDS[unit])


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


class _BadValueError(Exception):
    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


def _scalar_text(value: Any) -> str:
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise _BadValueError(Reason.UTF8) from error
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _BadValueError(Reason.TEXT)
    text = str(value)
    try:
        text.encode()
    except UnicodeEncodeError as error:  # a lone surrogate
        raise _BadValueError(Reason.UTF8) from error
    return text


def _scalar_time(value: Any) -> datetime | int | None:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, str | bytes):
        value = _scalar_text(value).strip()
        if not value:
            return None
        try:
            return _scalar_time(datetime.fromisoformat(value))
        except ValueError:
            value = _scalar_float(value, Reason.TIME)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _BadValueError(Reason.TIME)
    if value is None or value != value:  # noqa: PLR0124  # NaN is the float that is not itself
        return None
    micros = float(value) * float(_factors(np.array([float(value)]))[0])
    if not abs(micros) < 2**62:
        raise _BadValueError(Reason.TIME)
    return round(micros)


def _scalar_float(value: Any, reason: Reason = Reason.NUMBER) -> float | None:
    if isinstance(value, bool):
        raise _BadValueError(reason)
    if isinstance(value, bytes):
        value = _scalar_text(value)
    if isinstance(value, str) and not value.strip():
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise _BadValueError(reason) from error
    return None if number != number else number  # noqa: PLR0124  # NaN


def _scalar_int(value: Any, bits: int) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        number: int | None = value
    else:
        real = _scalar_float(value)
        if real is not None and not real.is_integer():  # also infinite
            raise _BadValueError(Reason.NUMBER)
        number = None if real is None else int(real)
    if number is not None and not -(2 ** (bits - 1)) <= number < 2 ** (bits - 1):
        raise _BadValueError(Reason.RANGE)
    return number


def _scalar_bool(value: Any) -> bool | None:
    if isinstance(value, bytes):
        value = _scalar_text(value)
    if isinstance(value, str):
        value = value.strip().lower()
        if not value:
            return None
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    if isinstance(value, float) and value != value:  # noqa: PLR0124  # NaN
        return None
    raise _BadValueError(Reason.FLAG)


_TRUE: Final = (True, 1, "true", "t", "yes", "1", "1.0")
_FALSE: Final = (False, 0, "false", "f", "no", "0", "0.0")

_SCALARS: Final[dict[pa.DataType, Callable[[Any], Any]]] = {
    pa.string(): _scalar_text,
    TIMESTAMP: _scalar_time,
    pa.float64(): _scalar_float,
    pa.int64(): lambda value: _scalar_int(value, 64),
    pa.int32(): lambda value: _scalar_int(value, 32),
    pa.bool_(): _scalar_bool,
}
