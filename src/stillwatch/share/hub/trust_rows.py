"""Members, credentials, roots and collections as rows, and back."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from stillwatch.share.hub.model import (
    EPOCH,
    MICROSECOND,
    Collection,
    Credential,
    Member,
    Role,
    Root,
    micros,
)


def member(row: sa.RowMapping) -> Member:
    """Read a member."""
    return Member(row["id"], row["name"], row["revoked"])


def of_member(value: Member) -> dict[str, Any]:
    """Write a member."""
    return {"id": value.id, "name": value.name, "revoked": value.revoked}


def credential(row: sa.RowMapping) -> Credential:
    """Read a credential."""
    return Credential(
        row["id"],
        row["member"],
        row["holder"],
        frozenset(Role(one) for one in row["roles"].split()),
        row["digest"],
        _moment(row["created"]),
        None if row["expires"] is None else _moment(row["expires"]),
        row["revoked"],
    )


def of_credential(value: Credential) -> dict[str, Any]:
    """Write a credential."""
    return {
        "id": value.id,
        "member": value.member,
        "holder": value.holder,
        "roles": " ".join(sorted(value.roles)),
        "digest": value.digest,
        "created": micros(value.created),
        "expires": None if value.expires is None else micros(value.expires),
        "revoked": value.revoked,
    }


def root(row: sa.RowMapping) -> Root:
    """Read an API root."""
    return Root(row["name"], row["title"], row["description"])


def of_root(value: Root) -> dict[str, Any]:
    """Write an API root."""
    return {"name": value.name, "title": value.title, "description": value.description}


def collection(row: sa.RowMapping) -> Collection:
    """Read a collection."""
    return Collection(
        row["id"],
        row["root"],
        row["title"],
        row["description"],
        row["alias"],
        row["readable"],
        row["writable"],
        tuple(row["media_types"].split()),
    )


def of_collection(value: Collection) -> dict[str, Any]:
    """Write a collection."""
    return {
        "id": value.id,
        "root": value.root,
        "title": value.title,
        "description": value.description,
        "alias": value.alias,
        "readable": value.readable,
        "writable": value.writable,
        "media_types": " ".join(value.media_types),
    }


def _moment(value: int) -> datetime:
    return EPOCH + value * MICROSECOND
