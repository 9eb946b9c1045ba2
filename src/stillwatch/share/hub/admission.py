"""What may come in and go out: objects are held against the allow-list both ways.

An object that passes is written in canonical form and sealed: a digest of that form under a key
that only the hub has, made for this edition of the allow-list. On the way out the seal is made
again. Where it is the same, the object is what was checked, and so may leave; where it is not,
because the list changed or somebody wrote to the database, the object is checked anew.
"""

import json
import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from hashlib import blake2b
from hmac import compare_digest
from typing import Any, Final

import msgspec

from stillwatch.errors import InputError
from stillwatch.share.hub.model import Item, Row, read_stamp
from stillwatch.share.stix import allowlist
from stillwatch.share.stix import bundle as bundles
from stillwatch.share.stix.bundle import Stix
from stillwatch.version import __version__

Check = Callable[[Stix], Sequence[str]]
"""Returns what of an object may not be shared: nothing where all may."""

MOST_OBJECTS: Final = 10_000
"""Objects of one request."""
MOST_STRUCTURE: Final = 400_000
"""Brackets, braces and commas of one request."""
MOST_ID: Final = 128
"""Characters of an id."""
_ID: Final = re.compile(
    rf"(?:{'|'.join(sorted(set(allowlist.OBJECTS) - {allowlist.RULE}))})"
    "--[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
)
"""Ids that a message may repeat."""
_SEAL: Final = 16
_REMEMBERED: Final = 100_000
"""Objects whose second check is remembered."""


def edition() -> bytes:
    """Return a digest of the allow-list: another list, another edition."""
    rules = {name: fields.schema() for name, fields in allowlist.OBJECTS.items()}
    whole = [__version__, rules, allowlist.FIXED]
    return blake2b(json.dumps(whole, sort_keys=True).encode()).digest()


def may_not_leave(thing: Stix) -> Sequence[str]:
    """Hold one object against the allow-list of `share`; see `allowlist.refusals`."""
    return allowlist.refusals_of(thing)


class UnfitError(InputError):
    """A body is JSON, but not what TAXII asks for, or too much of it."""


class Gate:
    """Takes objects in, and lets them out."""

    def __init__(self, key: bytes, check: Check, edition: bytes) -> None:
        """Make a gate.

        Args:
            key: Secret of the hub, 32 bytes.
            check: What decides.
            edition: Names the rules of `check`; another one makes all seals void.
        """
        self._check = check
        self._key = blake2b(edition, key=key, digest_size=32, person=b"hub seal").digest()
        self._passed: OrderedDict[bytes, bool] = OrderedDict()

    def seal(self, body: bytes) -> bytes:
        """Return the seal of an object in canonical form."""
        return blake2b(body, key=self._key, digest_size=_SEAL).digest()

    def take(self, objects: Sequence[Any]) -> tuple[list[Item], list[tuple[str, str]]]:
        """Check objects that came, and return those to keep, and ids and reasons of the others."""
        items: list[Item] = []
        failures: list[tuple[str, str]] = []
        for thing in objects:
            try:
                items.append(self._item(thing))
            except InputError as error:
                failures.append((_speakable_id(thing), str(error)))
        return items, failures

    def _item(self, thing: Any) -> Item:
        if not isinstance(thing, dict):
            raise InputError("this is no JSON object")
        found = self._check(thing)
        if found:
            more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
            raise InputError(f"{found[0]}{more}")
        identifier, type_ = thing.get("id"), thing.get("type")
        if not isinstance(identifier, str) or not 0 < len(identifier) <= MOST_ID:
            raise InputError("id must be a text of a STIX id")
        if not isinstance(type_, str) or not 0 < len(type_) <= MOST_ID:
            raise InputError("type must be a text")
        body = canonical(thing)
        spec = thing.get("spec_version", "2.1")
        return Item(identifier, type_, _version_of(thing), str(spec), body, self.seal(body))

    def lets_out(self, row: Row) -> bool:
        """Whether an object may leave: it is what was checked, or passes now."""
        seal = self.seal(row.body)
        if compare_digest(seal, row.seal):
            return True
        if seal not in self._passed:
            self._passed[seal] = self._passes(row.body)
            if len(self._passed) > _REMEMBERED:
                self._passed.popitem(last=False)
        return self._passed[seal]

    def _passes(self, body: bytes) -> bool:
        try:
            thing = bundles.parse(body)
        except InputError:
            return False
        return isinstance(thing, dict) and not self._check(thing)


def read_envelope(data: bytes) -> list[Any]:
    """Return the objects of a TAXII envelope.

    Raises:
        UnfitError: It is none, or beyond the limits.
        InputError: It is no JSON.
    """
    structure = sum(data.count(one) for one in (b"{", b"[", b","))
    if structure > MOST_STRUCTURE:
        raise UnfitError(f"the envelope has more than {MOST_STRUCTURE:,} values: split it")
    value = bundles.parse(data, "envelope")
    objects = value.get("objects") if isinstance(value, dict) else None
    if not isinstance(objects, list) or not objects:
        raise UnfitError("this is no TAXII envelope: give a JSON object with a list objects")
    if len(objects) > MOST_OBJECTS:
        raise UnfitError(f"the envelope has more than {MOST_OBJECTS:,} objects: split it")
    return objects


def canonical(thing: Stix) -> bytes:
    """Write an object in the canonical form of RFC 8785.

    Where it holds no fraction and no large number, a fast encoder writes the same bytes.

    Raises:
        InputError: It holds a number that has no canonical form.
    """
    return msgspec.json.encode(thing, order="sorted") if _plain(thing) else bundles.write(thing)


def _plain(value: Any) -> bool:
    """Whether the fast encoder writes a value as RFC 8785 does."""
    if isinstance(value, dict):
        return all(name.isascii() and _plain(inner) for name, inner in value.items())
    if isinstance(value, list):
        return all(_plain(inner) for inner in value)
    if isinstance(value, str):
        # Lone surrogates are an error of their own; the slow encoder says so.
        return value.isascii()
    return value is None or isinstance(value, bool) or (type(value) is int and abs(value) < 2**53)


def _version_of(thing: Stix) -> int:
    """Return the version: `modified`, else `created`, else the beginning of time."""
    for name in ("modified", "created"):
        if name in thing:
            value = thing[name]
            if not isinstance(value, str):
                raise InputError(f"{name} must be a time")
            return read_stamp(value)
    return 0


def _speakable_id(thing: Any) -> str:
    """Return the id of an object where it can hold nothing but an id."""
    given = thing.get("id") if isinstance(thing, dict) else None
    return given if isinstance(given, str) and _ID.fullmatch(given) else "unknown"
