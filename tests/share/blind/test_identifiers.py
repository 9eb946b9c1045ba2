"""One form for the same identifier, another for another, and no identifier in errors."""

import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.errors import InputError
from stillwatch.share.blind.identifiers import IdentifierKind, canonical

SAME = [
    ("email", "Jane.Doe@Example.org", "jane.doe@example.org"),
    ("email", " jane@example.org\n", "jane@example.org"),
    ("email", "jane@EXAMPLE.org.", "jane@example.org"),
    ("email", "j.a.n.e+x@gmail.com", "jane@googlemail.com"),
    ("email", "jane+trial1@outlook.com", "jane@outlook.com"),
    ("email", "jane@me.com", "jane@icloud.com"),
    ("email", "ｊａｎｅ@example.org", "jane@example.org"),
    ("email", "jane@bücher.example", "jane@xn--bcher-kva.example"),
    ("email", "jane@BÜCHER.example", "jane@bücher.example"),
    ("email", "cafe\u0301@example.org", "caf\u00e9@example.org"),
    ("phone", "+49 (0)30 901820", "+4930901820"),
    ("phone", "＋49 30 901820", "+4930901820"),
    ("card", "5555 5555 5555 4444", "5555555555554444"),
    ("imei", "49-015420-323751-8", "490154203237518"),
    ("uuid", "6F9619FF8B86D011B42D00CF4FC964FF", "6f9619ff-8b86-d011-b42d-00cf4fc964ff"),
    ("idfa", "EA7583CD-A667-48BC-B806-42ECB2B48606", "ea7583cd-a667-48bc-b806-42ecb2b48606"),
    ("android-id", "A10C9B2E5F6D7C8", "0a10c9b2e5f6d7c8"),
]
DIFFERENT = [
    ("email", "strasse@example.org", "straße@example.org"),
    ("email", "jane.doe@example.org", "janedoe@example.org"),
    ("email", "jane+a@example.org", "jane@example.org"),
    ("email", "jane.doe@outlook.com", "janedoe@outlook.com"),
    ("email", "jane@example.org", "jane@example.com"),
    ("phone", "+4930901820", "+4930901821"),
]
REFUSED = [
    ("email", "", "it is empty"),
    ("email", "   ", "it is empty"),
    ("email", "secret.example.org", "name@domain"),
    ("email", "@example.org", "name@domain"),
    ("email", '"se cret"@example.org', "name@domain"),
    ("email", "secret@a@example.org", "name@domain"),
    ("email", "s" * 65 + "@example.org", "name@domain"),
    ("email", "secret@localhost", "domain"),
    ("email", "secret@exa_mple.org", "domain"),
    ("email", "secret@[192.0.2.1]", "domain"),
    ("email", "secret@" + "a" * 64 + ".org", "domain"),
    ("email", "+secret@gmail.com", "nothing is left"),
    ("phone", "030901820", "region"),
    ("phone", "+49", "no telephone"),
    ("phone", "+1 000 000 0000", "no telephone"),
    ("phone", "+secret", "no telephone"),
    ("phone", "+49 30 901820 ext. 77", "extension"),
    ("card", "4111111111111112", "12 to 19 digits"),
    ("card", "0000000000000000", "12 to 19 digits"),
    ("card", "411111111", "12 to 19 digits"),
    ("card", "4111-secret", "12 to 19 digits"),
    ("imei", "490154203237519", "15 digits"),
    ("imei", "4901542032375", "15 digits"),
    ("uuid", "6f9619ff-8b86-d011-b42d", "UUID"),
    ("uuid", "6f9619ff8b86-d011-b42d00cf4fc964ff", "UUID"),
    ("idfa", "00000000-0000-0000-0000-000000000000", "many devices"),
    ("gaid", "ffffffff-ffff-ffff-ffff-ffffffffffff", "many devices"),
    ("android-id", "9774d56d682e549c", "many devices"),
    ("android-id", "secret", "hexadecimal"),
]


@pytest.mark.parametrize(("kind", "left", "right"), SAME)
def test_what_is_the_same_has_one_form(kind, left, right):
    assert canonical(kind, left) == canonical(kind, right)


@pytest.mark.parametrize(("kind", "left", "right"), DIFFERENT)
def test_what_may_differ_stays_apart(kind, left, right):
    assert canonical(kind, left) != canonical(kind, right)


def test_a_national_number_needs_its_region():
    assert canonical("phone", "030 901820", region="DE") == canonical("phone", "+4930901820")
    assert canonical("phone", "(415) 555-2671", region="US") != canonical("phone", "+4930901820")


@pytest.mark.parametrize(("kind", "value", "words"), REFUSED)
def test_what_is_no_identifier_is_refused_without_being_quoted(kind, value, words):
    with pytest.raises(InputError, match=words) as refusal:
        canonical(kind, value)
    shown = "".join(traceback.format_exception(refusal.value, chain=True))
    messages = [str(refusal.value), str(refusal.value.__cause__), str(refusal.value.__context__)]
    for sensitive in {value.strip(), "secret"} - {"", "+49"}:
        assert not any(sensitive in message for message in messages), shown


def test_an_unknown_kind_is_refused_with_those_that_exist():
    with pytest.raises(InputError, match="'mail' is no kind of identifier: use email, phone"):
        canonical("mail", "jane@example.org")


def test_kinds_are_domains_of_their_own():
    number = "6f9619ff-8b86-d011-b42d-00cf4fc964ff"
    assert len({canonical(kind, number) for kind in ("uuid", "idfa", "gaid")}) == 3


@given(st.sampled_from(list(IdentifierKind)), st.text(max_size=40))
def test_a_form_is_its_own_form(kind, value):
    try:
        form = canonical(kind, value)
    except InputError:
        return
    again = form.rpartition(b"\0")[2].decode()
    assert canonical(kind, again) == form


names = st.text("abcdefghijklmnopqrstuvwxyz0123456789.-_+", min_size=1, max_size=20)


@given(names, st.sampled_from(["gmail.com", "example.org", "outlook.com", "bücher.example"]))
def test_addresses_have_one_form_whatever_their_case(name, domain):
    try:
        form = canonical("email", f"{name}@{domain}")
    except InputError:
        return
    assert canonical("email", f"{name.upper()}@{domain.upper()}") == form
    assert canonical("email", form.rpartition(b"\0")[2].decode()) == form
