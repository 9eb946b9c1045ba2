"""A store in SQLite or PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from itertools import chain
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from stillwatch.share.hub import trust_rows
from stillwatch.share.hub.adding import Adding
from stillwatch.share.hub.database import faults
from stillwatch.share.hub.model import (
    Collection,
    Contribution,
    Credential,
    Member,
    Page,
    Query,
    Root,
    Row,
    Trust,
    Version,
    micros,
)
from stillwatch.share.hub.schema import (
    COLLECTIONS,
    CREDENTIALS,
    MEMBERS,
    OBJECTS,
    ROOTS,
    STATUSES,
    TRUST,
)

_COLUMNS: Final = (
    OBJECTS.c.added,
    OBJECTS.c.id,
    OBJECTS.c.version,
    OBJECTS.c.spec_version,
    OBJECTS.c.body,
    OBJECTS.c.seal,
)
_LATEST: Final = sa.text("objects.latest = 1")
"""Written out: a bound value would hide the partial index from the planner."""


class SqlStore:
    """Keeps the hub in a database; see `database.open_engine` and `database.upgrade`."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        # A read needs no transaction of its own: one statement sees one state.
        self._reading = engine.execution_options(isolation_level="AUTOCOMMIT")
        self.local = engine.dialect.name == "sqlite"

    def trust_version(self) -> int:
        """See `Store`."""
        with faults(), self._reading.connect() as connection:
            row = connection.exec_driver_sql("SELECT version FROM trust").fetchone()
        return int(row[0]) if row is not None else 0

    def trust(self) -> Trust:
        """See `Store`."""
        with faults(), self._engine.begin() as connection:
            version = connection.execute(sa.select(TRUST.c.version)).scalar_one()
            members = connection.execute(sa.select(MEMBERS).order_by(MEMBERS.c.id)).mappings().all()
            credentials = (
                connection.execute(sa.select(CREDENTIALS).order_by(CREDENTIALS.c.id))
                .mappings()
                .all()
            )
            roots = connection.execute(sa.select(ROOTS).order_by(ROOTS.c.name)).mappings().all()
            collections = (
                connection.execute(sa.select(COLLECTIONS).order_by(COLLECTIONS.c.number))
                .mappings()
                .all()
            )
        return Trust(
            version,
            MappingProxyType({row["id"]: trust_rows.member(row) for row in members}),
            MappingProxyType({row["id"]: trust_rows.credential(row) for row in credentials}),
            tuple(trust_rows.root(row) for row in roots),
            tuple(trust_rows.collection(row) for row in collections),
        )

    def put_member(self, member: Member) -> None:
        """See `Store`."""
        self._put(MEMBERS, "id", trust_rows.of_member(member))

    def put_credential(self, credential: Credential) -> None:
        """See `Store`."""
        self._put(CREDENTIALS, "id", trust_rows.of_credential(credential))

    def put_root(self, root: Root) -> None:
        """See `Store`."""
        self._put(ROOTS, "name", trust_rows.of_root(root))

    def put_collection(self, collection: Collection) -> None:
        """See `Store`."""
        self._put(COLLECTIONS, "id", trust_rows.of_collection(collection), {"last": 0})

    def _put(
        self, table: sa.Table, key: str, values: dict[str, Any], first: dict[str, Any] | None = None
    ) -> None:
        with faults(), self._engine.begin() as connection:
            connection.execute(sa.update(TRUST).values(version=TRUST.c.version + 1))
            same = table.c[key] == values[key]
            changed = connection.execute(sa.update(table).where(same).values(values))
            if changed.rowcount == 0:
                connection.execute(sa.insert(table).values({**values, **(first or {})}))

    def add(self, contributions: Sequence[Contribution], now: int) -> list[bytes]:
        """See `Store`."""
        with faults(), self._engine.begin() as connection:
            return Adding(connection, contributions, now).run()

    def status(self, identifier: str, member: str) -> bytes | None:
        """See `Store`."""
        asked = sa.select(STATUSES.c.body).where(
            STATUSES.c.id == identifier, STATUSES.c.member == member
        )
        with faults(), self._reading.connect() as connection:
            body = connection.execute(asked).scalar_one_or_none()
        return None if body is None else bytes(body)

    def page(self, query: Query, limit: int) -> Page:
        """See `Store`."""
        # One statement a type: each walks its index, where `IN` would have to sort.
        kinds: list[tuple[str, ...]] = [(one,) for one in dict.fromkeys(query.types)] or [()]
        statement = _page_statement(_shape(query))
        with faults(), self._reading.connect() as connection:
            found = [
                connection.execute(
                    statement, {**_values(query, types), "after": query.after, "most": limit + 1}
                ).all()
                for types in kinds
            ]
        rows = found[0] if len(found) == 1 else sorted(chain.from_iterable(found))
        return Page([Row._make(row) for row in rows[:limit]], len(rows) > limit)

    def has(self, collection: str, identifier: str) -> bool:
        """See `Store`."""
        asked = sa.select(OBJECTS.c.added).where(
            OBJECTS.c.collection == _number(collection), OBJECTS.c.id == identifier
        )
        with faults(), self._reading.connect() as connection:
            return connection.execute(asked.limit(1)).first() is not None

    def remove(self, query: Query, member: str | None) -> int:
        """See `Store`."""
        conditions = _conditions(_shape(query))
        if member is not None:
            conditions.append(OBJECTS.c.member == member)
        with faults(), self._engine.begin() as connection:
            number = connection.execute(
                sa.select(COLLECTIONS.c.number)
                .where(COLLECTIONS.c.id == query.collection)
                .with_for_update()
            ).scalar_one_or_none()
            asked = sa.select(OBJECTS.c.added, OBJECTS.c.id).where(*conditions)
            gone = connection.execute(asked, _values(query, query.types)).all()
            if not gone:
                return 0
            here = OBJECTS.c.collection == number
            connection.execute(
                sa.delete(OBJECTS).where(here, OBJECTS.c.added == sa.bindparam("gone")),
                [{"gone": row.added} for row in gone],
            )
            for identifier in {row.id for row in gone}:
                _flag(connection, here & (OBJECTS.c.id == identifier))
        return len(gone)

    def forget(self, before: datetime) -> int:
        """See `Store`."""
        old = sa.delete(STATUSES).where(STATUSES.c.requested < micros(before))
        with faults(), self._engine.begin() as connection:
            return connection.execute(old).rowcount

    def close(self) -> None:
        """See `Store`."""
        self._engine.dispose()


class _Shape(NamedTuple):
    """Which conditions a query has."""

    ids: bool
    types: bool
    specs: bool
    words: frozenset[Version]
    versions: bool


def _shape(query: Query) -> _Shape:
    return _Shape(
        bool(query.ids),
        bool(query.types),
        bool(query.spec_versions),
        query.words,
        bool(query.versions),
    )


def _values(query: Query, types: tuple[str, ...]) -> dict[str, Any]:
    """Return what stands for the parameters of `_conditions`; empty lists have none."""
    values: dict[str, Any] = {"collection": query.collection}
    lists: dict[str, tuple[Any, ...]] = {
        "ids": query.ids,
        "types": types,
        "specs": query.spec_versions,
    }
    if Version.ALL not in query.words:
        lists["versions"] = query.versions
    return values | {name: list(given) for name, given in lists.items() if given}


def _number(collection: Any) -> sa.ScalarSelect[int]:
    return sa.select(COLLECTIONS.c.number).where(COLLECTIONS.c.id == collection).scalar_subquery()


def _among(column: sa.Column[Any], name: str) -> sa.ColumnElement[bool]:
    return column.in_(sa.bindparam(name, expanding=True))


def _conditions(shape: _Shape) -> list[Any]:
    """Return what rows of a query of this shape fulfil, save for `after`."""
    found: list[Any] = [OBJECTS.c.collection == _number(sa.bindparam("collection"))]
    if shape.ids:
        found.append(_among(OBJECTS.c.id, "ids"))
    if shape.types:
        found.append(_among(OBJECTS.c.type, "types"))
    if shape.specs:
        found.append(_among(OBJECTS.c.spec_version, "specs"))
    if Version.ALL not in shape.words:
        ways: list[Any] = []
        if Version.LAST in shape.words:
            ways.append(_LATEST)
        if Version.FIRST in shape.words:
            ways.append(OBJECTS.c.first == 1)
        if shape.versions:
            ways.append(_among(OBJECTS.c.version, "versions"))
        found.append(sa.or_(*ways) if len(ways) > 1 else ways[0])
    return found


@cache
def _page_statement(shape: _Shape) -> sa.Select[Any]:
    """Build the statement of a page once for each shape; building it takes longer than running."""
    conditions = _conditions(shape)
    return (
        sa.select(*_COLUMNS)
        .where(*conditions, OBJECTS.c.added > sa.bindparam("after"))
        .order_by(OBJECTS.c.added)
        .limit(sa.bindparam("most"))
    )


def _flag(connection: sa.Connection, which: Any) -> None:
    """Mark anew which version of an object is its first and which its last."""
    bounds = sa.select(sa.func.min(OBJECTS.c.version), sa.func.max(OBJECTS.c.version)).where(which)
    low, high = connection.execute(bounds).one()
    for column, bound in ((OBJECTS.c.first, low), (OBJECTS.c.latest, high)):
        connection.execute(
            sa.update(OBJECTS).where(which, OBJECTS.c.version == bound).values({column: 1})
        )
