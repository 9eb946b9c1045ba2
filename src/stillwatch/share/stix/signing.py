"""Digital signatures over STIX objects: who says it, where, to whom, until when.

A digital signature stands in the object that it is over, as a property extension, so that any TAXII
client carries it. It is detached in that the object without it is whole: Ed25519 (RFC 8032) over
the canonical form (RFC 8785) of the object, with the statement in it and the signature left out.
A hub that changes the object, its marking, its audience, its collection or its expiry breaks it.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from stillwatch.errors import InputError, IntegrityError
from stillwatch.share.signatures.model import Tlp
from stillwatch.share.stix import extension, tlp
from stillwatch.share.stix.bundle import Stix, write

EXTENSION: Final = "extension-definition--b0f2d9a4-37c5-4e1b-8a66-5d1c9e7f2a03"
"""Id of the extension definition of digital signatures."""
EVERYONE: Final = "all"
"""The audience of an object that every member may see."""
MOST_AUDIENCE: Final = 100
"""Groups and members that one object can name."""

_CONTEXT: Final = b"stillwatch object v1\n"
"""Precedes what is signed: a digital signature over anything else never counts as one over this."""
_UUID: Final = "[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
_SHAPES: Final = {
    "contributor": re.compile(f"identity--{_UUID}"),
    "collection": re.compile(_UUID),
    "key": re.compile("[0-9a-f]{16}"),
    "member of the audience": re.compile(f"{EVERYONE}|(?:group|identity)--{_UUID}"),
}
_BYTES: Final = 64
_PROPERTY: Final = "property-extension"

DEFINITION: Final[dict[str, Any]] = {
    **extension.DEFINITION,
    "id": EXTENSION,
    "name": "Digital signatures of shared objects",
    "description": (
        "Adds who contributed an object to which collection, for whom and until when, and an "
        "Ed25519 signature over all of it."
    ),
    "extension_types": [_PROPERTY],
}
"""The extension definition; a member publishes it once."""


class Statement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a contributor signs besides the object.

    Attributes:
        contributor: STIX id of the identity that speaks: a member's or, of a delegated object, the
            forum's.
        collection: Id of the TAXII collection that the object is for.
        audience: `all`, or STIX ids of groups and identities, in ascending order.
        tlp: Level of the object; its marking must say the same.
        expires: When the object ends to hold, in UTC.
    """

    contributor: str
    collection: str
    audience: tuple[str, ...]
    tlp: Tlp
    expires: datetime

    def __post_init__(self) -> None:
        """Refuse a statement that could be written in two ways, or is without meaning."""
        audience = self.audience
        _shaped("contributor", self.contributor)
        _shaped("collection", self.collection)
        for one in audience:
            _shaped("member of the audience", one)
        if not 1 <= len(audience) <= MOST_AUDIENCE or list(audience) != sorted(set(audience)):
            raise InputError(f"name 1 to {MOST_AUDIENCE} of the audience, each once, in order")
        if EVERYONE in audience and len(audience) > 1:
            raise InputError(f"an audience of {EVERYONE} names nobody else")
        if self.expires.utcoffset() != timedelta(0):
            raise InputError("an expiry is in UTC: convert it")


class _Signed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The extension as it stands in an object."""

    extension_type: str
    statement: Statement
    key: str
    value: str


def key_id(public: Ed25519PublicKey) -> str:
    """Return the name of a key: the first eight bytes of its SHA-256, in hexadecimal."""
    return hashlib.sha256(public.public_bytes_raw()).hexdigest()[:16]


def sign(thing: Stix, statement: Statement, private: Ed25519PrivateKey) -> Stix:
    """Return an object with a digital signature over it; one that is there already is replaced.

    Raises:
        InputError: The marking and the statement disagree, or a number has no canonical form.
    """
    if not _marked(thing, statement):
        raise InputError(f"the object is not marked TLP:{statement.tlp.upper()}: mark it so")
    signed = _with(unsigned(thing), statement, key_id(private.public_key()))
    value = base64.urlsafe_b64encode(private.sign(_CONTEXT + write(signed))).decode()
    signed["extensions"][EXTENSION]["value"] = value
    return signed


def verify(thing: Stix, keys: Mapping[str, tuple[str, Ed25519PublicKey]]) -> Statement:
    """Return what the contributor of an object stated.

    Whether the statement still holds, and names the collection and the reader at hand, is the
    caller's to ask.

    Args:
        thing: The object, with its digital signature.
        keys: By key id: the identity that a key speaks for, and the key.

    Raises:
        IntegrityError: There is no digital signature, its key is not among those given or speaks
            for somebody else, or anything in the object is not as it was signed.
    """
    found = _signed(thing)
    known = keys.get(found.key)
    if known is None:
        raise IntegrityError("an object is signed with an unknown key: register the key first")
    identity, public = known
    if identity != found.statement.contributor:
        raise IntegrityError("an object is signed with the key of somebody else: sign it anew")
    body = _with(unsigned(thing), found.statement, found.key)
    try:
        public.verify(_decoded(found.value), _CONTEXT + write(body))
    except (InvalidSignature, InputError):
        raise IntegrityError("an object is not as it was signed: ask for it anew") from None
    if not _marked(thing, found.statement):
        raise IntegrityError("an object is marked otherwise than its contributor states")
    return found.statement


def unsigned(thing: Stix) -> Stix:
    """Return an object without its digital signature; the same object where it has none."""
    extensions = thing.get("extensions")
    if not isinstance(extensions, dict) or EXTENSION not in extensions:
        return thing
    rest = {name: value for name, value in extensions.items() if name != EXTENSION}
    bare = {name: value for name, value in thing.items() if name != "extensions"}
    return {**bare, "extensions": rest} if rest else bare


def _with(thing: Stix, statement: Statement, key: str) -> Stix:
    said = {
        "extension_type": _PROPERTY,
        "statement": _builtins(statement),
        "key": key,
    }
    return {**thing, "extensions": {**thing.get("extensions", {}), EXTENSION: said}}


def _builtins(value: msgspec.Struct) -> Any:
    """Return a struct as JSON values."""
    return msgspec.json.decode(msgspec.json.encode(value))


def _signed(thing: Stix) -> _Signed:
    extensions = thing.get("extensions")
    said = extensions.get(EXTENSION) if isinstance(extensions, dict) else None
    if said is None:
        raise IntegrityError("an object has no digital signature: sign it")
    try:
        found = msgspec.convert(said, _Signed)
    except (msgspec.ValidationError, InputError):
        found = None
    # What reads the same but is written otherwise would leave bytes that nobody signed.
    if found is None or _builtins(found) != said or found.extension_type != _PROPERTY:
        raise IntegrityError("the digital signature of an object is malformed: sign it anew")
    return found


def _decoded(value: str) -> bytes:
    """Read a signature in the one form that stands for it."""
    try:
        data = base64.b64decode(value, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise InvalidSignature from None
    if len(data) != _BYTES or base64.urlsafe_b64encode(data).decode() != value:
        raise InvalidSignature
    return data


def _marked(thing: Stix, statement: Statement) -> bool:
    """Whether an object has the marking that its contributor states, and no other."""
    return bool(thing.get("object_marking_refs") == [tlp.IDS[statement.tlp]])


def _shaped(what: str, value: str) -> None:
    if not _SHAPES[what].fullmatch(value):
        raise InputError(f"a statement names no {what} in the form that is asked for")
