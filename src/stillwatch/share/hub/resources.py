"""Resources of TAXII 2.1 as JSON. Pages are put together from bytes, not encoded anew."""

import json
from collections.abc import Sequence
from typing import Any

from stillwatch.share.hub.model import (
    Collection,
    Principal,
    Root,
    Row,
    Trust,
    stamp,
    version_stamp,
)


def encode(value: Any) -> bytes:
    """Write JSON without spaces."""
    return json.dumps(value, separators=(",", ":")).encode()


def discovery(
    trust: Trust, title: str, description: str, contact: str | None, default: str | None
) -> bytes:
    """Write the discovery resource. API roots are paths: no header of a request is repeated."""
    roots = [_path(root.name) for root in trust.roots]
    resource: dict[str, Any] = {"title": title, "description": description, "api_roots": roots}
    if contact:
        resource["contact"] = contact
    if default and _path(default) in roots:
        resource["default"] = _path(default)
    return encode(resource)


def _path(root: str) -> str:
    return f"/{root}/"


def api_root(root: Root, most_bytes: int) -> bytes:
    """Write the resource of an API root."""
    resource = {
        "title": root.title,
        "description": root.description,
        "versions": ["application/taxii+json;version=2.1"],
        "max_content_length": most_bytes,
    }
    return encode({name: value for name, value in resource.items() if value != ""})


def collection(one: Collection, who: Principal) -> dict[str, Any]:
    """Return the resource of a collection, as one who asks may use it."""
    resource = {
        "id": one.id,
        "title": one.title,
        "description": one.description,
        "alias": one.alias,
        "can_read": who.may_read(one),
        "can_write": who.may_write(one),
        "media_types": list(one.media_types),
    }
    return {name: value for name, value in resource.items() if value not in ("", None)}


def envelope(rows: Sequence[Row], following: str | None) -> bytes:
    """Write an envelope of objects; `following` is the `next` of a page that has one."""
    return _page(b"objects", [row.body for row in rows], following)


def manifest(rows: Sequence[Row], following: str | None) -> bytes:
    """Write a manifest."""
    return _page(b"objects", [encode(_record(row)) for row in rows], following)


def versions(rows: Sequence[Row], following: str | None) -> bytes:
    """Write the versions of an object."""
    return _page(b"versions", [encode(_version(row)) for row in rows], following)


def _page(name: bytes, parts: list[bytes], following: str | None) -> bytes:
    # `more: true` without `next` sends a client into an endless loop, so they come together.
    more = b'"more":false' if following is None else b'"more":true,"next":' + encode(following)
    if not parts:
        return b"{" + more + b"}"
    return b"".join((b"{", more, b',"', name, b'":[', b",".join(parts), b"]}"))


def _record(row: Row) -> dict[str, str]:
    return {
        "id": row.id,
        "date_added": stamp(row.added),
        "version": _version(row),
        "media_type": f"application/stix+json;version={row.spec_version}",
    }


def _version(row: Row) -> str:
    """An object without times of its own has the time at which it was added."""
    return version_stamp(row.version or row.added)


def dates(rows: Sequence[Row]) -> dict[str, str]:
    """Return the headers that say which times a page spans."""
    if not rows:
        return {}
    return {
        "x-taxii-date-added-first": stamp(rows[0].added),
        "x-taxii-date-added-last": stamp(rows[-1].added),
    }
