"""Filters of TAXII 2.1: the fields of a query, read into a `Query`."""

from collections.abc import Mapping
from typing import Final

from stillwatch.errors import InputError
from stillwatch.share.hub.model import Query, Version, read_stamp

MOST_VALUES: Final = 100
"""Values of one filter."""
_LONGEST_VALUE: Final = 256
MATCHES: Final = frozenset({"id", "type", "version", "spec_version"})


def read_query(
    collection: str, fields: Mapping[str, str], known: frozenset[str] = MATCHES
) -> Query:
    """Read filters; the default is the last version of each object.

    Args:
        collection: Id of the collection.
        fields: Fields of the query.
        known: What `match[…]` may name here.

    Raises:
        InputError: A filter is not known here or its value cannot be read.
    """
    for name in fields:
        if name.startswith("match[") and name[6:-1] not in known:
            raise InputError(f"this match is not known here: use {', '.join(sorted(known))}")
    words, versions = _versions(_values(fields, "version"))
    after = fields.get("added_after")
    return Query(
        collection,
        read_stamp(after) if after is not None else 0,
        _values(fields, "id"),
        _values(fields, "type"),
        _values(fields, "spec_version"),
        words,
        versions,
    )


def read_limit(fields: Mapping[str, str], usual: int, most: int) -> int:
    """Return how many objects a page has.

    Raises:
        InputError: The limit is no number above 0.
    """
    given = fields.get("limit")
    if given is None:
        return usual
    if not given.isascii() or not given.isdigit() or not given.strip("0"):
        raise InputError("limit must be a whole number above 0")
    return min(int(given[:18]), most)


def _values(fields: Mapping[str, str], name: str) -> tuple[str, ...]:
    given = fields.get(f"match[{name}]")
    if given is None:
        return ()
    values = tuple(dict.fromkeys(given.split(",")))
    if len(values) > MOST_VALUES:
        raise InputError(f"match[{name}] has more than {MOST_VALUES} values: ask in parts")
    if not all(0 < len(value) <= _LONGEST_VALUE and value.isprintable() for value in values):
        raise InputError(f"match[{name}] has an empty value, or one that nothing can have")
    return values


def _versions(values: tuple[str, ...]) -> tuple[frozenset[Version], tuple[int, ...]]:
    if not values:
        return frozenset({Version.LAST}), ()
    words = {value for value in values if value in set(Version)}
    if Version.ALL in words and len(values) > 1:
        raise InputError("match[version] is all and something else: give one of them")
    times = tuple(read_stamp(value) for value in values if value not in words)
    return frozenset(Version(word) for word in words), times
