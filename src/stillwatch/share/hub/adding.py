"""One commit of contributions to a database; see `store` for what it promises."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from stillwatch.share.hub.model import Contribution, Item, Outcome, status_body
from stillwatch.share.hub.schema import COLLECTIONS, OBJECTS, STATUSES
from stillwatch.share.hub.store import DIFFERS, TAKEN

_CHUNK: Final = 500
"""Ids of one statement."""
_HERE: Final = (OBJECTS.c.collection == sa.bindparam("c")) & (OBJECTS.c.id == sa.bindparam("i"))
_UNFLAG_LATEST: Final = (
    sa.update(OBJECTS).where(_HERE, OBJECTS.c.version == sa.bindparam("v")).values(latest=0)
)
_UNFLAG_FIRST: Final = (
    sa.update(OBJECTS).where(_HERE, OBJECTS.c.version == sa.bindparam("v")).values(first=0)
)
_BODY: Final = sa.select(OBJECTS.c.body).where(_HERE, OBJECTS.c.version == sa.bindparam("v"))

# Statements are built once: building one takes longer than running it.
_LOCK: Final = (
    sa.select(COLLECTIONS.c.id, COLLECTIONS.c.number, COLLECTIONS.c.last)
    .where(COLLECTIONS.c.id.in_(sa.bindparam("names", expanding=True)))
    .order_by(COLLECTIONS.c.number)
    .with_for_update()
)
_KNOWN: Final = (
    sa.select(
        OBJECTS.c.id,
        sa.func.min(OBJECTS.c.member),
        sa.func.min(OBJECTS.c.version),
        sa.func.max(OBJECTS.c.version),
    )
    .where(
        OBJECTS.c.collection == sa.bindparam("c"),
        OBJECTS.c.id.in_(sa.bindparam("ids", expanding=True)),
    )
    .group_by(OBJECTS.c.id)
)
_KEEP: Final = sa.insert(OBJECTS)
_REPORT: Final = sa.insert(STATUSES)
_LAST: Final = (
    sa.update(COLLECTIONS)
    .where(COLLECTIONS.c.number == sa.bindparam("c"))
    .values(last=sa.bindparam("highest"))
)


class _Span(NamedTuple):
    """What is known of an object: who contributed it, its first and its last version."""

    member: str
    first: int
    last: int


_Key = tuple[int, str]
"""A collection's number and an object's id."""


class Adding:
    """A commit under way. Its transaction already holds the database's lock in SQLite."""

    def __init__(
        self, connection: sa.Connection, contributions: Sequence[Contribution], now: int
    ) -> None:
        self._connection = connection
        self._contributions = contributions
        self._now = now
        self._numbers: dict[str, int] = {}
        self._last: dict[int, int] = {}
        self._before: dict[_Key, _Span] = {}
        self._spans: dict[_Key, _Span] = {}
        self._new: dict[tuple[_Key, int], dict[str, Any]] = {}

    def run(self) -> list[bytes]:
        """Add everything and return the status resources."""
        self._lock()
        self._look_up()
        bodies = [status_body(one, self._outcome(one)) for one in self._contributions]
        self._write()
        rows = [
            {"id": one.status, "member": one.member, "requested": one.requested, "body": body}
            for one, body in zip(self._contributions, bodies, strict=True)
        ]
        if rows:
            self._connection.execute(_REPORT, rows)
        return bodies

    def _lock(self) -> None:
        """Take the collections' rows, in one order, until the commit.

        Who writes to a collection next waits here, in PostgreSQL too. So values of `added` are
        committed in the order in which they were given, and no reader can pass a lower one by.
        """
        names = sorted({one.collection for one in self._contributions})
        for row in self._connection.execute(_LOCK, {"names": names}):
            self._numbers[row.id] = row.number
            self._last[row.number] = row.last

    def _look_up(self) -> None:
        wanted: dict[int, dict[str, None]] = {}
        for given in self._contributions:
            ids = wanted.setdefault(self._numbers[given.collection], {})
            ids.update((item.id, None) for item in given.items)
        for number, ids in wanted.items():
            for some in _chunks(list(ids)):
                found = self._connection.execute(_KNOWN, {"c": number, "ids": some})
                for identifier, owner, first, last in found:
                    self._before[number, identifier] = _Span(owner, first, last)
        self._spans = dict(self._before)

    def _outcome(self, given: Contribution) -> Outcome:
        outcome = Outcome()
        number = self._numbers[given.collection]
        for item in given.items:
            key = (number, item.id)
            span = self._spans.get(key)
            body = self._body_of(key, item, span)
            if body == item.body:
                outcome.successes.append((item.id, item.version))
            elif span is not None and span.member != given.member:
                outcome.failures.append((item.id, TAKEN))
            elif body is not None:
                outcome.failures.append((item.id, DIFFERS))
            else:
                outcome.successes.append((item.id, item.version))
                self._take(key, item, span, given.member)
        return outcome

    def _body_of(self, key: _Key, item: Item, span: _Span | None) -> bytes | None:
        """Return what is kept, or about to be, under an item's id and version."""
        if span is None or not span.first <= item.version <= span.last:
            return None
        new = self._new.get((key, item.version))
        if new is not None:
            return bytes(new["body"])
        values = {"c": key[0], "i": key[1], "v": item.version}
        body = self._connection.execute(_BODY, values).scalar_one_or_none()
        return None if body is None else bytes(body)

    def _take(self, key: _Key, item: Item, span: _Span | None, member: str) -> None:
        added = max(self._now, self._last[key[0]] + 1)
        self._last[key[0]] = added
        self._new[key, item.version] = {
            "collection": key[0],
            "added": added,
            "id": item.id,
            "type": item.type,
            "version": item.version,
            "spec_version": item.spec_version,
            "member": member,
            "seal": item.seal,
            "body": item.body,
        }
        low, high = (span.first, span.last) if span else (item.version, item.version)
        self._spans[key] = _Span(member, min(low, item.version), max(high, item.version))

    def _write(self) -> None:
        if not self._new:
            return
        for key in {key for key, _ in self._new} & self._before.keys():
            before, after = self._before[key], self._spans[key]
            where = {"c": key[0], "i": key[1]}
            if before.last != after.last:
                self._connection.execute(_UNFLAG_LATEST, {**where, "v": before.last})
            if before.first != after.first:
                self._connection.execute(_UNFLAG_FIRST, {**where, "v": before.first})
        for (key, version), row in self._new.items():
            row["latest"] = int(version == self._spans[key].last)
            row["first"] = int(version == self._spans[key].first)
        self._connection.execute(_KEEP, list(self._new.values()))
        for number in {key[0] for key, _ in self._new}:
            self._connection.execute(_LAST, {"c": number, "highest": self._last[number]})


def _chunks(values: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]
