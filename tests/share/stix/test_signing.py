import base64
import copy
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.errors import InputError, IntegrityError
from stillwatch.share.signatures.model import Tlp
from stillwatch.share.stix import signing, tlp
from stillwatch.share.stix.bundle import write
from stillwatch.share.stix.signing import Statement, key_id, sign, unsigned, verify

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
MEMBER = "identity--1af385fe-b64f-47fc-808f-661ae77c15f2"
FORUM = "identity--b3a6f0d4-6e0b-4f0e-9a51-0d7b6e2f9c14"
GROUP = "group--6e0a7c52-1f2b-4d09-8c11-0a9b8c7d6e5f"
KEYS = {
    key_id(PRIVATE.public_key()): (MEMBER, PRIVATE.public_key()),
    key_id(OTHER.public_key()): (FORUM, OTHER.public_key()),
}
STATEMENT = Statement(
    contributor=MEMBER,
    collection="91a7b528-80eb-42ed-a74d-c6fbd5a26116",
    audience=(GROUP, FORUM),
    tlp=Tlp.AMBER,
    expires=datetime(2027, 2, 20, 4, tzinfo=UTC),
)
THING: dict[str, Any] = {
    "type": "campaign",
    "spec_version": "2.1",
    "id": "campaign--18bc87cc-f758-46de-85b1-2c8236ab27d0",
    "created_by_ref": MEMBER,
    "created": "2026-03-09T11:00:00.000Z",
    "modified": "2026-11-22T03:33:20.000Z",
    "name": "Extraction campaign ivory valley",
    "confidence": 85,
    "object_marking_refs": [tlp.IDS[Tlp.AMBER]],
    "extensions": {"extension-definition--x": {"extension_type": "property-extension", "q": 1e-6}},
}


def test_what_was_signed_is_stated_and_the_object_stays_as_it_was() -> None:
    signed = sign(THING, STATEMENT, PRIVATE)
    assert verify(signed, KEYS) == STATEMENT
    assert unsigned(signed) == THING
    assert sign(signed, STATEMENT, PRIVATE) == signed


def test_a_signature_outlives_other_writings_of_the_same_json() -> None:
    signed = sign(THING, STATEMENT, PRIVATE)
    turned = json.loads(json.dumps(dict(reversed(signed.items())), ensure_ascii=True, indent=3))
    assert verify(turned, KEYS) == STATEMENT


def test_an_object_without_extensions_gets_none_that_stays() -> None:
    bare = {name: value for name, value in THING.items() if name != "extensions"}
    signed = sign(bare, STATEMENT, PRIVATE)
    assert verify(signed, KEYS) == STATEMENT
    assert unsigned(signed) == bare


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every leaf of a JSON value."""
    if isinstance(value, dict):
        return [p for name, inner in value.items() for p in _places(inner, (*path, name))]
    if isinstance(value, list):
        return [p for place, inner in enumerate(value) for p in _places(inner, (*path, place))]
    return [path]


SIGNED = sign(THING, STATEMENT, PRIVATE)


@pytest.mark.parametrize("path", _places(SIGNED), ids=lambda path: ".".join(map(str, path))[-40:])
def test_nothing_in_it_can_be_altered(path: tuple[Any, ...]) -> None:
    altered = copy.deepcopy(SIGNED)
    holder = altered
    for step in path[:-1]:
        holder = holder[step]
    old = holder[path[-1]]
    for new in (f"{old[:-1]}{chr(ord(old[-1]) ^ 1)}" if isinstance(old, str) else old + 1, None):
        holder[path[-1]] = new
        with pytest.raises(IntegrityError):
            verify(altered, KEYS)


@pytest.mark.parametrize("path", _places(SIGNED), ids=lambda path: ".".join(map(str, path))[-40:])
def test_nothing_in_it_can_be_left_out_or_added(path: tuple[Any, ...]) -> None:
    altered = copy.deepcopy(SIGNED)
    holder = altered
    for step in path[:-1]:
        holder = holder[step]
    if isinstance(holder, dict):
        added = copy.deepcopy(altered)
        inner = added
        for step in path[:-1]:
            inner = inner[step]
        inner["x"] = 1
        with pytest.raises(IntegrityError):
            verify(added, KEYS)
    del holder[path[-1]]
    with pytest.raises(IntegrityError):
        verify(altered, KEYS)


def test_the_hub_cannot_pass_a_members_object_off_as_its_own() -> None:
    said = sign(THING, STATEMENT, PRIVATE)["extensions"][signing.EXTENSION]
    for change in ({"key": key_id(OTHER.public_key())}, {"key": "0" * 16}):
        other = {**THING, "extensions": {**THING["extensions"], signing.EXTENSION: said | change}}
        with pytest.raises(IntegrityError):
            verify(other, KEYS)
    with pytest.raises(IntegrityError, match="somebody else"):
        verify(sign(THING, STATEMENT, OTHER), KEYS)


def test_a_signature_over_something_else_is_none_over_an_object() -> None:
    other = copy.deepcopy(SIGNED)
    said = other["extensions"][signing.EXTENSION]
    del said["value"]
    # The same bytes, signed for another purpose.
    said["value"] = base64.urlsafe_b64encode(PRIVATE.sign(write(other))).decode()
    with pytest.raises(IntegrityError, match="not as it was signed"):
        verify(other, KEYS)


@pytest.mark.parametrize("name", ["\ud800", float("nan"), 2**53 + 1])
def test_what_has_no_canonical_form_is_refused(name: Any) -> None:
    with pytest.raises(IntegrityError):
        verify({**SIGNED, "name": name}, KEYS)
    with pytest.raises(InputError):
        sign({**THING, "name": name}, STATEMENT, PRIVATE)


def test_a_delegated_object_is_the_forums_alone() -> None:
    delegated = {**unsigned(SIGNED), "created_by_ref": FORUM}
    statement = Statement(FORUM, STATEMENT.collection, ("all",), Tlp.AMBER, STATEMENT.expires)
    again = sign(delegated, statement, OTHER)
    assert verify(again, KEYS).contributor == FORUM
    assert MEMBER not in write(again).decode()
    assert key_id(PRIVATE.public_key()) not in write(again).decode()


@pytest.mark.parametrize(
    "change",
    [
        {"contributor": "Example Labs"},
        {"collection": "indicators"},
        {"audience": ()},
        {"audience": ("all", GROUP)},
        {"audience": (FORUM, GROUP)},
        {"audience": (GROUP, GROUP)},
        {"audience": tuple(f"group--6e0a7c52-1f2b-4d09-8c11-{n:012x}" for n in range(101))},
        {"audience": ("*",)},
        {"expires": datetime(2027, 1, 1)},  # noqa: DTZ001
        {"expires": datetime(2027, 1, 1, tzinfo=timezone(timedelta(hours=1)))},
    ],
)
def test_a_statement_says_one_thing_in_one_way(change: dict[str, Any]) -> None:
    given = {name: getattr(STATEMENT, name) for name in STATEMENT.__struct_fields__}
    with pytest.raises(InputError):
        Statement(**given | change)


def test_what_is_marked_otherwise_is_not_signed() -> None:
    with pytest.raises(InputError, match="TLP:AMBER"):
        sign({**THING, "object_marking_refs": [tlp.IDS[Tlp.CLEAR]]}, STATEMENT, PRIVATE)
    with pytest.raises(InputError):
        sign({k: v for k, v in THING.items() if k != "object_marking_refs"}, STATEMENT, PRIVATE)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)


@given(JSON, JSON)
def test_hostile_extensions_are_refused_and_never_a_crash(extensions: Any, said: Any) -> None:
    for found in (extensions, {signing.EXTENSION: said}):
        with pytest.raises(IntegrityError):
            verify({**THING, "extensions": found}, KEYS)
