"""A store in memory: the reference that the others are compared with, for tests."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from threading import RLock
from types import MappingProxyType
from typing import NamedTuple

from stillwatch.share.hub.model import (
    EMPTY_TRUST,
    Collection,
    Contribution,
    Credential,
    Item,
    Member,
    Outcome,
    Page,
    Query,
    Root,
    Row,
    Trust,
    Version,
    micros,
    status_body,
)
from stillwatch.share.hub.store import DIFFERS, TAKEN


class _Kept(NamedTuple):
    row: Row
    type: str
    member: str


class _Status(NamedTuple):
    member: str
    requested: int
    body: bytes


class MemoryStore:
    """Keeps everything in lists; loses it with the process."""

    local = True

    def __init__(self) -> None:
        self._trust: Trust = EMPTY_TRUST
        self._kept: dict[str, list[_Kept]] = {}
        self._last: dict[str, int] = {}
        self._statuses: dict[str, _Status] = {}
        self._lock = RLock()

    def trust_version(self) -> int:
        """See `Store`."""
        return self._trust.version

    def trust(self) -> Trust:
        """See `Store`."""
        return self._trust

    def put_member(self, member: Member) -> None:
        """See `Store`."""
        with self._lock:
            members = MappingProxyType({**self._trust.members, member.id: member})
            self._trust = replace(self._trust, version=self._trust.version + 1, members=members)

    def put_credential(self, credential: Credential) -> None:
        """See `Store`."""
        with self._lock:
            known = MappingProxyType({**self._trust.credentials, credential.id: credential})
            self._trust = replace(self._trust, version=self._trust.version + 1, credentials=known)

    def put_root(self, root: Root) -> None:
        """See `Store`."""
        with self._lock:
            roots = (*(one for one in self._trust.roots if one.name != root.name), root)
            self._trust = replace(self._trust, version=self._trust.version + 1, roots=roots)

    def put_collection(self, collection: Collection) -> None:
        """See `Store`."""
        with self._lock:
            others = (one for one in self._trust.collections if one.id != collection.id)
            known = (*others, collection)
            self._trust = replace(self._trust, version=self._trust.version + 1, collections=known)

    def add(self, contributions: Sequence[Contribution], now: int) -> list[bytes]:
        """See `Store`."""
        with self._lock:
            return [self._add(one, now) for one in contributions]

    def _add(self, given: Contribution, now: int) -> bytes:
        kept = self._kept.setdefault(given.collection, [])
        outcome = Outcome()
        for item in given.items:
            earlier = [one for one in kept if one.row.id == item.id]
            same = [one for one in earlier if one.row.version == item.version]
            if same and same[0].row.body == item.body:
                outcome.successes.append((item.id, item.version))
            elif any(one.member != given.member for one in earlier):
                outcome.failures.append((item.id, TAKEN))
            elif same:
                outcome.failures.append((item.id, DIFFERS))
            else:
                outcome.successes.append((item.id, item.version))
                row = self._row(given.collection, item, now)
                kept.append(_Kept(row, item.type, given.member))
        body = status_body(given, outcome)
        self._statuses[given.status] = _Status(given.member, given.requested, body)
        return body

    def _row(self, collection: str, item: Item, now: int) -> Row:
        added = max(now, self._last.get(collection, 0) + 1)
        self._last[collection] = added
        return Row(added, item.id, item.version, item.spec_version, item.body, item.seal)

    def status(self, identifier: str, member: str) -> bytes | None:
        """See `Store`."""
        found = self._statuses.get(identifier)
        return found.body if found is not None and found.member == member else None

    def page(self, query: Query, limit: int) -> Page:
        """See `Store`."""
        with self._lock:
            rows = [one.row for one in self._asked(query)]
        start = bisect_right(rows, query.after, key=lambda row: row.added)
        return Page(rows[start : start + limit], len(rows) > start + limit)

    def _asked(self, query: Query) -> list[_Kept]:
        kept = self._kept.get(query.collection, [])
        last: dict[str, int] = {}
        first: dict[str, int] = {}
        for one in kept:
            last[one.row.id] = max(one.row.version, last.get(one.row.id, one.row.version))
            first[one.row.id] = min(one.row.version, first.get(one.row.id, one.row.version))

        def asked(one: _Kept) -> bool:
            row = one.row
            by_version = (
                Version.ALL in query.words
                or (Version.LAST in query.words and row.version == last[row.id])
                or (Version.FIRST in query.words and row.version == first[row.id])
                or row.version in query.versions
            )
            return (
                by_version
                and (not query.ids or row.id in query.ids)
                and (not query.types or one.type in query.types)
                and (not query.spec_versions or row.spec_version in query.spec_versions)
            )

        return [one for one in kept if asked(one)]

    def has(self, collection: str, identifier: str) -> bool:
        """See `Store`."""
        return any(one.row.id == identifier for one in self._kept.get(collection, []))

    def remove(self, query: Query, member: str | None) -> int:
        """See `Store`."""
        with self._lock:
            asked = self._asked(query)
            gone = {one.row.added for one in asked if member in {None, one.member}}
            kept = self._kept.get(query.collection, [])
            self._kept[query.collection] = [one for one in kept if one.row.added not in gone]
            return len(gone)

    def forget(self, before: datetime) -> int:
        """See `Store`."""
        with self._lock:
            old = [k for k, one in self._statuses.items() if one.requested < micros(before)]
            for key in old:
                del self._statuses[key]
            return len(old)

    def close(self) -> None:
        """See `Store`."""
