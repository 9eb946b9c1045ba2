"""The calls of TAXII 2.1: each takes a request of somebody known and returns an answer."""

import asyncio
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple, TypeVar

from stillwatch.errors import InputError
from stillwatch.share.hub import filters, paging, resources
from stillwatch.share.hub.admission import Gate, UnfitError, read_envelope
from stillwatch.share.hub.commits import Commits
from stillwatch.share.hub.http import Answer, Refused, Request, check_content
from stillwatch.share.hub.model import (
    WRITING,
    Collection,
    Contribution,
    Item,
    Principal,
    Query,
    Role,
    Row,
    Trust,
    Version,
    micros,
)
from stillwatch.share.hub.settings import HubSettings
from stillwatch.share.hub.store import Store

_T = TypeVar("_T")
_LARGE: Final = 64 * 1024
"""Bytes from which a body is read in a thread."""
_OF_OBJECT: Final = frozenset({"version", "spec_version"})


class _Pages(NamedTuple):
    """A resource that comes in pages: its name, how it is written, what `match` may name."""

    name: str
    write: Callable[[Sequence[Row], str | None], bytes]
    known: frozenset[str] = filters.MATCHES


_MANIFEST: Final = _Pages("manifest", resources.manifest)
_OBJECTS: Final = _Pages("objects", resources.envelope)
_OBJECT: Final = _Pages("object", resources.envelope, _OF_OBJECT)
_VERSIONS: Final = _Pages("versions", resources.versions, frozenset({"spec_version"}))


class Taxii:
    """TAXII 2.1 over a store."""

    def __init__(
        self,
        store: Store,
        settings: HubSettings,
        gate: Gate,
        commits: Commits,
        threads: ThreadPoolExecutor,
    ) -> None:
        self._store, self._settings, self._gate = store, settings, gate
        self._commits, self._threads = commits, threads

    async def answer(self, request: Request, who: Principal, trust: Trust) -> Answer:
        """Answer a request.

        Raises:
            Refused: It cannot be answered as it asks.
        """
        match [part for part in request.path.split("/") if part]:
            case ["taxii2"]:
                _only(request, "GET")
                return self._discovery(trust)
            case [root]:
                _only(request, "GET")
                return self._root(root, trust)
            case [root, "status", identifier]:
                _only(request, "GET")
                _root_of(root, trust)
                return await self._status(identifier, who)
            case [root, "collections", *rest]:
                _root_of(root, trust)
                return await self._below(request, who, trust, root, rest)
            case _:
                raise _not_found()

    async def _below(
        self, request: Request, who: Principal, trust: Trust, root: str, rest: Sequence[str]
    ) -> Answer:
        match rest:
            case []:
                _only(request, "GET")
                found = [
                    resources.collection(one, who) for one in trust.collections if one.root == root
                ]
                return Answer(resources.encode({"collections": found} if found else {}))
            case [name]:
                _only(request, "GET")
                one = _collection_of(root, name, trust)
                return Answer(resources.encode(resources.collection(one, who)))
            case [name, *what]:
                return await self._in(request, who, _collection_of(root, name, trust), what)
        raise _not_found()

    async def _in(
        self, request: Request, who: Principal, one: Collection, what: Sequence[str]
    ) -> Answer:
        match what:
            case ["manifest"]:
                _only(request, "GET")
                return await self._page(request, who, one, _MANIFEST)
            case ["objects"] if request.method == "POST":
                return await self._add(request, who, one)
            case ["objects"]:
                _only(request, "GET", "POST")
                return await self._page(request, who, one, _OBJECTS)
            case ["objects", identifier] if request.method == "DELETE":
                return await self._remove(request, who, one, identifier)
            case ["objects", identifier]:
                _only(request, "GET", "DELETE")
                return await self._page(request, who, one, _OBJECT, identifier)
            case ["objects", identifier, "versions"]:
                _only(request, "GET")
                return await self._page(request, who, one, _VERSIONS, identifier)
            case _:
                raise _not_found()

    def _discovery(self, trust: Trust) -> Answer:
        given = self._settings
        return Answer(
            resources.discovery(
                trust, given.title, given.description, given.contact, given.default_root
            )
        )

    def _root(self, name: str, trust: Trust) -> Answer:
        _root_of(name, trust)
        root = next(one for one in trust.roots if one.name == name)
        return Answer(resources.api_root(root, self._settings.most_bytes))

    async def _status(self, identifier: str, who: Principal) -> Answer:
        body = await self.reading(lambda: self._store.status(identifier, who.member))
        if body is None:
            raise _not_found()
        return Answer(body)

    async def _page(
        self,
        request: Request,
        who: Principal,
        one: Collection,
        what: _Pages,
        identifier: str | None = None,
    ) -> Answer:
        """Answer with a page of objects, of one object's versions, or of what is said of them."""
        if not who.may_read(one):
            raise _forbidden("read", one)
        fields = request.query()
        query = filters.read_query(one.id, fields, what.known)
        if identifier is not None:
            words = frozenset({Version.ALL}) if what is _VERSIONS else query.words
            query = _of_object(query, identifier, words)
        resource = f"{what.name}/{identifier or ''}"
        limit = filters.read_limit(fields, self._settings.page, self._settings.largest_page)
        asked = query
        if "next" in fields:
            asked = paging.follow(self._settings.key, who.member, resource, query, fields["next"])
        page = await self.reading(lambda: self._store.page(asked, limit))
        if identifier is not None and not page.rows:
            await self._check_there(one, identifier)
        following = None
        if page.more:
            last = page.rows[-1].added
            following = paging.issue(self._settings.key, who.member, resource, query, last)
        rows = [row for row in page.rows if self._gate.lets_out(row)]
        return Answer(what.write(rows, following), headers=resources.dates(rows))

    async def _check_there(self, one: Collection, identifier: str) -> None:
        if not await self.reading(lambda: self._store.has(one.id, identifier)):
            raise _not_found()

    async def _add(self, request: Request, who: Principal, one: Collection) -> Answer:
        if not who.may_write(one):
            raise _forbidden("write to", one)
        check_content(request.headers)
        requested = micros(self._settings.clock())
        data = await request.body(self._settings.most_bytes)
        if len(data) > _LARGE:
            loop = asyncio.get_running_loop()
            items, failures = await loop.run_in_executor(self._threads, self._taken, data)
        else:
            items, failures = self._taken(data)
        given = Contribution(one.id, who.member, str(uuid.uuid4()), requested, items, failures)
        return Answer(await self._commits.add(given), 202)

    def _taken(self, data: bytes) -> tuple[list[Item], list[tuple[str, str]]]:
        try:
            return self._gate.take(read_envelope(data))
        except UnfitError as error:
            raise Refused(422, "the envelope cannot be taken", str(error)) from None
        except InputError as error:
            raise Refused(400, "the body cannot be read", str(error)) from None

    async def _remove(
        self, request: Request, who: Principal, one: Collection, identifier: str
    ) -> Answer:
        """Delete versions: a contributor its member's own, an operator anyone's."""
        operates = Role.OPERATOR in who.roles
        if not operates and (WRITING.isdisjoint(who.roles) or not one.writable):
            raise _forbidden("delete from", one)
        fields = request.query()
        query = filters.read_query(one.id, fields, _OF_OBJECT)
        # TAXII deletes every version where none is named.
        words = query.words if "match[version]" in fields else frozenset({Version.ALL})
        query = _of_object(query, identifier, words)
        owner = None if operates else who.member
        if not await self.writing(lambda: self._store.remove(query, owner)):
            await self._check_there(one, identifier)
            others = await self.reading(lambda: self._store.page(query, 1))
            if not operates and others.rows:
                raise Refused(403, "another member contributed this object")
            raise _not_found()
        return Answer(b"{}")

    async def reading(self, job: Callable[[], _T]) -> _T:
        """Read from the store, in a thread where that may take long."""
        if self._store.local:
            return job()
        return await asyncio.get_running_loop().run_in_executor(self._threads, job)

    async def writing(self, job: Callable[[], _T]) -> _T:
        """Write to the store in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, job)


def _of_object(query: Query, identifier: str, words: frozenset[Version]) -> Query:
    return Query(
        query.collection, query.after, (identifier,), (), query.spec_versions, words,
        query.versions,
    )  # fmt: skip


def _only(request: Request, *methods: str) -> None:
    if request.method not in methods:
        allowed = ", ".join(methods)
        raise Refused(405, "this resource does not know the method", f"use {allowed}",
                      {"allow": allowed})  # fmt: skip


def _root_of(name: str, trust: Trust) -> None:
    if all(root.name != name for root in trust.roots):
        raise _not_found()


def _collection_of(root: str, name: str, trust: Trust) -> Collection:
    found = trust.collection(root, name)
    if found is None:
        raise _not_found()
    return found


def _not_found() -> Refused:
    return Refused(404, "there is no such resource, or none that you may see")


def _forbidden(what: str, one: Collection) -> Refused:
    return Refused(403, f"your credential may not {what} this collection", f"collection {one.id}")
