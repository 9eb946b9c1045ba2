"""What the hub keeps: members, credentials, collections, objects; and what is asked of it."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from stillwatch.errors import InputError

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_STAMP: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,12}))?Z"
)
MICROSECOND: Final = timedelta(microseconds=1)


class Role(StrEnum):
    """What a credential may do. The roles do not contain each other."""

    READER = "reader"
    CONTRIBUTOR = "contributor"
    APPROVER = "approver"
    AUDITOR = "auditor"
    OPERATOR = "operator"


READING: Final = frozenset({Role.READER, Role.CONTRIBUTOR, Role.APPROVER, Role.AUDITOR})
"""Roles that may read objects. Who operates the hub need not see what members share."""
WRITING: Final = frozenset({Role.CONTRIBUTOR})
"""Roles that may add objects and delete their member's own."""


@dataclass(frozen=True, slots=True)
class Member:
    """A provider that takes part in the forum."""

    id: str
    name: str
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Credential:
    """What one user or machine of a member proves itself with.

    Attributes:
        id: Public name; the user name of Basic authentication.
        member: Id of its member.
        holder: The user or machine that has it.
        roles: What it may do.
        digest: argon2 digest of the secret; the secret is nowhere.
        created: When it was made.
        expires: When it ends, if ever.
        revoked: Whether it was revoked.
    """

    id: str
    member: str
    holder: str
    roles: frozenset[Role]
    digest: str
    created: datetime
    expires: datetime | None = None
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Collection:
    """A TAXII collection of an API root."""

    id: str
    root: str
    title: str
    description: str = ""
    alias: str | None = None
    readable: bool = True
    writable: bool = True
    media_types: tuple[str, ...] = ("application/stix+json;version=2.1",)


@dataclass(frozen=True, slots=True)
class Root:
    """A TAXII API root: a path of the hub, and collections under it."""

    name: str
    title: str
    description: str = ""


@dataclass(frozen=True)
class Trust:
    """All that decides who may do what, at one moment."""

    version: int
    members: Mapping[str, Member]
    credentials: Mapping[str, Credential]
    roots: tuple[Root, ...]
    collections: tuple[Collection, ...]

    def collection(self, root: str, name: str) -> Collection | None:
        """Find a collection of an API root by id or alias."""
        for one in self.collections:
            if one.root == root and name in {one.id, one.alias}:
                return one
        return None


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks, once that is proven."""

    credential: str
    member: str
    roles: frozenset[Role]

    def may_read(self, collection: Collection) -> bool:
        """Whether it may read objects of a collection."""
        return collection.readable and not READING.isdisjoint(self.roles)

    def may_write(self, collection: Collection) -> bool:
        """Whether it may add objects to a collection."""
        return collection.writable and not WRITING.isdisjoint(self.roles)


class Item(NamedTuple):
    """One version of an object, ready to be kept.

    `version` is in microseconds since 1970; `body` is the canonical form of the object; `seal`
    says that the hub held just this body against the allow-list.
    """

    id: str
    type: str
    version: int
    spec_version: str
    body: bytes
    seal: bytes


class Row(NamedTuple):
    """One version of an object as it is kept. `added` is unique in its collection and rises."""

    added: int
    id: str
    version: int
    spec_version: str
    body: bytes
    seal: bytes


@dataclass(frozen=True)
class Contribution:
    """What one request adds to a collection.

    Attributes:
        collection: Id of the collection.
        member: Id of the contributor.
        status: Id of the status resource.
        requested: When the request came, in microseconds since 1970.
        items: What passed the allow-list, in order.
        failures: What did not: id and reason; the reason quotes nothing.
    """

    collection: str
    member: str
    status: str
    requested: int
    items: Sequence[Item]
    failures: Sequence[tuple[str, str]] = ()


class Version(StrEnum):
    """Versions that `match[version]` names by a word."""

    LAST = "last"
    FIRST = "first"
    ALL = "all"


@dataclass(frozen=True)
class Query:
    """A question for objects of one collection.

    Attributes:
        collection: Id of the collection.
        after: Only what was added after it, in microseconds since 1970; exclusive.
        ids: Only these ids; all where empty.
        types: Only these types; all where empty.
        spec_versions: Only these versions of the specification; all where empty.
        words: Versions by word.
        versions: Versions by time, in microseconds since 1970.
    """

    collection: str
    after: int = 0
    ids: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    spec_versions: tuple[str, ...] = ()
    words: frozenset[Version] = frozenset({Version.LAST})
    versions: tuple[int, ...] = ()


@dataclass(frozen=True)
class Page:
    """Rows in the order in which they were added, and whether there are more."""

    rows: Sequence[Row]
    more: bool


EMPTY_TRUST: Final = Trust(0, MappingProxyType({}), MappingProxyType({}), (), ())


@dataclass
class Outcome:
    """What became of each object of a contribution."""

    successes: list[tuple[str, int]] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)


def micros(moment: datetime) -> int:
    """Return a time as microseconds since 1970."""
    return (moment - EPOCH) // MICROSECOND


def stamp(moment: int) -> str:
    """Write microseconds since 1970 as a STIX timestamp with six decimals.

    >>> stamp(1_700_000_000_000_001)
    '2023-11-14T22:13:20.000001Z'
    """
    return (EPOCH + moment * MICROSECOND).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def version_stamp(moment: int) -> str:
    """Write a version as STIX writes it: milliseconds, or microseconds where there are any.

    >>> version_stamp(1_700_000_000_001_000)
    '2023-11-14T22:13:20.001Z'
    """
    text = stamp(moment)
    return f"{text[:-4]}Z" if text.endswith("000Z") else text


def read_stamp(text: str) -> int:
    """Read a STIX timestamp into microseconds since 1970; finer digits are cut off.

    Raises:
        InputError: It is none.
    """
    found = _STAMP.fullmatch(text)
    try:
        if found is not None:
            moment = datetime.fromisoformat(found[1]).replace(tzinfo=UTC)
            return micros(moment) + int(((found[2] or "") + "000000")[:6])
    except ValueError:
        pass
    raise InputError("a time must look like 2026-01-31T12:00:00.000Z")


def status_body(given: Contribution, outcome: Outcome) -> bytes:
    """Write the status resource of a contribution that was worked off."""
    # Version 0: an object without times has no version of its own to name.
    successes = [
        {"id": i, "version": version_stamp(v)} if v else {"id": i} for i, v in outcome.successes
    ]
    failures = [{"id": i, "message": why} for i, why in [*given.failures, *outcome.failures]]
    resource = {
        "id": given.status,
        "status": "complete",
        "request_timestamp": stamp(given.requested),
        "total_count": len(successes) + len(failures),
        "success_count": len(successes),
        "successes": successes,
        "failure_count": len(failures),
        "failures": failures,
        "pending_count": 0,
    }
    return json.dumps(resource, separators=(",", ":")).encode()
