"""Bundles as bytes: read without loss, within limits; written in the canonical form of RFC 8785.

Nothing here interprets an object. What is read and written again is the same JSON value, members
that we do not know included. A name that stands twice in one object is refused: readers disagree on
which of the two counts, so one of them could carry what no check sees.
"""

import json
import math
from collections.abc import Iterator, Sequence
from typing import Any, Final

import rfc8785

from stillwatch.errors import InputError

Stix = dict[str, Any]
"""A STIX object, or any JSON object."""

MOST_BYTES: Final = 64 * 1024 * 1024
"""Size of a bundle, in bytes."""
MOST_OBJECTS: Final = 100_000
"""Objects in a bundle."""
MOST_DEPTH: Final = 32
"""Objects and lists within each other."""


def read(data: bytes) -> Stix:
    """Return a bundle as it is.

    Args:
        data: JSON in UTF-8.

    Raises:
        InputError: it is no bundle, or larger or deeper than the limits.
    """
    value = parse(data)
    if not isinstance(value, dict) or value.get("type") != "bundle":
        raise InputError("this is no STIX bundle: give a JSON object of type bundle")
    objects = value.get("objects", [])
    if not isinstance(objects, list) or not all(isinstance(one, dict) for one in objects):
        raise InputError("objects of the bundle must be a list of JSON objects: mend that")
    if len(objects) > MOST_OBJECTS:
        raise InputError(f"the bundle has {len(objects):,} objects, {MOST_OBJECTS:,} are read")
    return value


def parse(data: bytes, what: str = "bundle") -> Any:
    """Return JSON as it is, within the limits of size and depth.

    Args:
        data: JSON in UTF-8.
        what: The word for it in messages.

    Raises:
        InputError: it is no JSON, or larger or deeper than the limits.
    """
    if len(data) > MOST_BYTES:
        raise InputError(f"the {what} has {len(data):,} bytes, {MOST_BYTES:,} are read: split it")
    try:
        value = json.loads(
            data.decode(),
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_int=_whole,
            parse_float=_finite,
        )
    except RecursionError:
        raise InputError(_TOO_DEEP) from None
    except UnicodeDecodeError:
        raise InputError(f"the {what} is not UTF-8: write it as UTF-8") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise InputError(f"the {what} is not JSON at {place}: mend that") from None
    except ValueError:
        raise InputError(f"the {what} holds a number of thousands of digits: shorten it") from None
    _check_depth(value)
    _check_text(value)
    return value


def write(value: Stix) -> bytes:
    """Return the canonical form of a JSON object (RFC 8785).

    Raises:
        InputError: it holds a number that has no canonical form.
    """
    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError:
        raise InputError(
            "a number in the bundle is larger than 2^53 or not finite, so it has no canonical "
            "form: write it as text"
        ) from None


def objects_of(bundle: Stix) -> list[Stix]:
    """Return the objects of a bundle."""
    objects: list[Stix] = bundle.get("objects", [])
    return objects


def revise(earlier: Sequence[Stix], later: Sequence[Stix]) -> list[Stix]:
    """Return `later` as new versions of the objects in `earlier` that have the same ids.

    An object keeps the time of its creation; one whose content did not change stays as it was.
    """
    known = {one["id"]: one for one in earlier if "id" in one}
    return [_revised(known.get(one["id"]), one) for one in later]


def _revised(before: Stix | None, now: Stix) -> Stix:
    if before is None or "created" not in before or "created" not in now:
        return now
    dated = {**now, "created": before["created"]}
    same = {**dated, "modified": before.get("modified")}
    return before if same == before else dated


_TOO_DEEP: Final = f"the bundle is nested more than {MOST_DEPTH} deep: flatten it"


def _unique(pairs: list[tuple[str, Any]]) -> Stix:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise InputError("a name stands twice in one JSON object of the bundle: keep one of them")
    return value


def _no_constant(_: str) -> float:
    raise InputError("the bundle holds NaN or Infinity, which JSON does not have: remove it")


def _finite(digits: str) -> float:
    """Read a number; one that no double can hold would come out as infinity."""
    number = float(digits)
    return number if math.isfinite(number) else _no_constant(digits)


def _whole(digits: str) -> int | float:
    """Read an integer; where these digits are how a double is written, it is that double."""
    number = int(digits)
    if abs(number) < 2**53 or abs(number) > 2**1023:
        return number
    double = float(number)
    return double if rfc8785.dumps(double).decode() == digits else number


def _check_text(value: Any) -> None:
    """Refuse half of a surrogate pair, which JSON can escape and UTF-8 cannot hold."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise InputError("the bundle holds half of a surrogate pair: remove it") from None


def _check_depth(value: Any) -> None:
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > MOST_DEPTH:
            raise InputError(_TOO_DEEP)
        level = [inner for one in level for inner in _inside(one)]


def _inside(value: Any) -> Iterator[Any]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return (one for one in inner if isinstance(one, dict | list))
