"""What is read as a note, and what is not."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.errors import ConfigError, IntegrityError
from stillwatch.share.transparency import notes
from stillwatch.share.transparency.notes import KeyType, Line, Note, Signer, Verifier

# The example of the specification.
KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
NOTE = (
    "This is an example message.\n\n\u2014 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi"
    "2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
SIGNER = Signer("a.example", KeyType.LOG, bytes(32))


def signed(text="text\n"):
    return Note(text, (Line("a.example", SIGNER.verifier.key_id, SIGNER.sign(text.encode())),))


def test_the_example_of_the_specification_verifies():
    note = notes.parse(NOTE.encode())
    [(key, line)] = notes.known(note, [Verifier.parse(KEY)])
    key.check(note.text.encode(), line.value)
    assert str(note) == NOTE
    assert str(key) == KEY
    assert key.key_id.hex() == "530d903a"


def test_a_key_verifies_what_it_signed_and_nothing_else():
    key = SIGNER.verifier
    key.check(b"text", SIGNER.sign(b"text"))
    for message, signature in (
        (b"texts", SIGNER.sign(b"text")),
        (b"text", SIGNER.sign(b"text")[:-1]),
        (b"text", b""),
    ):
        with pytest.raises(IntegrityError, match=r"by a\.example does not verify"):
            key.check(message, signature)


def test_the_signature_is_that_of_rfc_8032():
    """Test 1 of section 7.1: an empty message."""
    seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
    signer = Signer("x", KeyType.LOG, bytes.fromhex(seed))
    public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert signer.verifier.public.hex() == public
    assert signer.sign(b"").hex().startswith("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "text\n",
        "text\n\n",
        "text\n\u2014 a.example AAAAAAA=\n",
        NOTE.removesuffix("\n"),
        NOTE + "\n",
        NOTE + "more\n",
        NOTE.replace("\u2014", "-"),
        NOTE.replace("\u2014 ", "\u2014"),
        NOTE.replace("\u2014 ", "\u2014  "),
        NOTE.replace("example.com/foo", ""),
        NOTE.replace("example.com/foo", "a+b"),
        NOTE.replace("example.com/foo", "a\u00a0b"),
        NOTE.replace("message", "mes\tsage"),
        NOTE.replace("message", "mes\rsage"),
        NOTE.replace("aQM=", "aQN="),
        NOTE.replace("aQM=", "aQM"),
        NOTE.replace("aQM=", "aQM= "),
        NOTE.replace("Uw2Q", "Uw2\u0664"),
        "text\n\n\u2014 a.example AAAAAA==\n",
    ],
)
def test_what_is_written_otherwise_is_no_note(text):
    with pytest.raises(IntegrityError):
        notes.parse(text.encode())


def test_a_note_is_utf_8():
    with pytest.raises(IntegrityError, match="UTF-8"):
        notes.parse(NOTE.encode() + b"\xff")


def test_the_text_may_have_empty_lines():
    note = signed("one\n\n\ntwo\n\n\u2014 a.example AAAAAAA=\n")
    assert notes.parse(str(note).encode()) == note


def test_sixteen_lines_at_least_and_a_hundred_at_most():
    line = str(Line("x", bytes(4), b"s"))
    assert len(notes.parse(f"text\n\n{line * notes.MAX_SIGNATURES}".encode()).lines) == 100
    with pytest.raises(IntegrityError, match="100 signature lines"):
        notes.parse(f"text\n\n{line * 101}".encode())


def test_the_length_is_limited():
    rest = f"\n\n{Line('x', bytes(4), b's')}"
    text = "x" * (notes.MAX_NOTE - len(rest.encode()))
    notes.parse((text + rest).encode())
    with pytest.raises(IntegrityError, match="1000000 bytes"):
        notes.parse(("x" + text + rest).encode())


def test_lines_of_unknown_keys_mean_nothing():
    """A shared name or a shared id alone is another key."""
    key = SIGNER.verifier
    [line] = signed().lines
    note = Note("text\n", (line._replace(name="b"), line._replace(key_id=bytes(4)), line))
    assert notes.known(note, [key]) == [(key, line)]


def test_every_line_of_a_known_key_is_given_out():
    key = SIGNER.verifier
    [line] = signed().lines
    twice = Note("text\n", (line, line._replace(value=b"bad")))
    assert len(notes.known(twice, [key, key])) == 2


def test_two_keys_with_one_name_and_id_are_refused(monkeypatch):
    other = Verifier("a.example", KeyType.LOG, bytes(32))
    monkeypatch.setattr(Verifier, "key_id", property(lambda _: b"same"))
    with pytest.raises(ConfigError, match="name one of them otherwise"):
        notes.known(signed(), [SIGNER.verifier, other])


def test_type_and_name_are_part_of_the_id():
    ids = {
        Verifier(name, kind, SIGNER.verifier.public).key_id
        for name in ("a", "b")
        for kind in KeyType
    }
    assert len(ids) == 4


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        KEY + "x",
        KEY.replace("530d903a", "530d903b"),
        KEY.replace("530d903a", "530D903A"),
        KEY.replace("foo", "bar"),
        KEY.replace("+Aek", "+Bek"),
        "a+00000000+" + base64.b64encode(b"\x02" + bytes(32)).decode(),
        "a+00000000+",
    ],
)
def test_other_texts_are_no_verifier_key(text):
    with pytest.raises(ConfigError):
        Verifier.parse(text)


def test_bad_names_and_keys_are_refused():
    for name in ("", "a b", "a+b", "a\u2003b", "a\nb"):
        with pytest.raises(ConfigError, match="leave out spaces"):
            Verifier(name, KeyType.LOG, bytes(32))
    with pytest.raises(ConfigError, match="must have 32 bytes"):
        Verifier("a", KeyType.LOG, bytes(31))
    with pytest.raises(ConfigError, match="must have 32 bytes"):
        Signer("a", KeyType.LOG, bytes(33))


def test_a_secret_is_not_shown():
    assert "seed" not in repr(SIGNER)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_note_or_an_error(data):
    try:
        note = notes.parse(data)
    except IntegrityError:
        return
    assert str(note).encode() == data


@given(st.text(st.sampled_from("\n\u2014 aA+=\t"), max_size=30))
def test_what_is_read_is_written_the_same(tail):
    data = f"{NOTE}{tail}".encode()
    try:
        note = notes.parse(data)
    except IntegrityError:
        return
    assert str(note).encode() == data
