"""`next`: a position in one question, which the hub gives out and need not remember.

| the request brings `next` and | answer |
|---|---|
| it was not given by this hub, or to another member | refused |
| it belongs to another collection or resource | it is ignored: the first page |
| other `match` filters than it was given with | refused |
| another `added_after` | refused |
| no `added_after` | the next page: the position implies it |
| another `limit` | the next page, with that limit |

The second row is for a client that keeps `next` from one collection to the next, as OpenCTI's
connector does: it repeats nothing and misses nothing. The last is for taxii2-client, which sets
the limit to the number of objects that came.
"""

import base64
import binascii
import struct
from dataclasses import replace
from hashlib import blake2b
from hmac import compare_digest
from typing import Final

from stillwatch.errors import InputError
from stillwatch.share.hub.model import Query

_PARTS: Final = struct.Struct(">Q8s8s8s16s")
"""Position, resource, filters, `added_after`, and the digest that authenticates them."""
_SMALL: Final = 8
_MAC: Final = 16


def issue(key: bytes, member: str, resource: str, query: Query, position: int) -> str:
    """Return a `next` that leads past a position.

    Args:
        key: Secret of the hub, 32 bytes.
        member: Id of the member that may use it.
        resource: What is paged through, such as `objects`.
        query: The question, with the `after` that the client gave.
        position: `added` of the last row that it has seen.
    """
    parts = (position, *_about(resource, query))
    mac = _authenticate(key, member, parts)
    return base64.urlsafe_b64encode(_PARTS.pack(*parts, mac)).rstrip(b"=").decode()


def follow(key: bytes, member: str, resource: str, query: Query, given: str) -> Query:
    """Return the question that goes on where a `next` says.

    Raises:
        InputError: The `next` cannot be used with this question.
    """
    position, where, filters, after, mac = _unpack(given)
    parts = (position, where, filters, after)
    if not compare_digest(mac, _authenticate(key, member, parts)):
        raise InputError("next was not given to you by this hub: begin without it")
    this_where, this_filters, this_after = _about(resource, query)
    if where != this_where:
        return query
    if filters != this_filters or (query.after and after != this_after):
        raise InputError("the filters are not those that next was given with: keep them")
    return replace(query, after=position)


def _unpack(given: str) -> tuple[int, bytes, bytes, bytes, bytes]:
    try:
        raw = base64.b64decode(given + "=" * (-len(given) % 4), altchars=b"-_", validate=True)
        position, where, filters, after, mac = _PARTS.unpack(raw)
    except (binascii.Error, struct.error, ValueError):
        raise InputError("next was not given to you by this hub: begin without it") from None
    return position, where, filters, after, mac


def _about(resource: str, query: Query) -> tuple[bytes, bytes, bytes]:
    filters = repr(
        (
            sorted(query.ids),
            sorted(query.types),
            sorted(query.spec_versions),
            sorted(query.words),
            sorted(query.versions),
        )
    )
    return (
        _digest(f"{resource}\0{query.collection}"),
        _digest(filters),
        _digest(str(query.after)),
    )


def _digest(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=_SMALL).digest()


def _authenticate(key: bytes, member: str, parts: tuple[int, bytes, bytes, bytes]) -> bytes:
    position, *digests = parts
    message = b"".join((position.to_bytes(8, "big"), *digests, member.encode()))
    return blake2b(message, key=key, digest_size=_MAC, person=b"hub next").digest()
