"""What a leaf says to those who may know, and to those who may not."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.errors import InputError, IntegrityError
from stillwatch.share.transparency.commitment import (
    COMMITMENT_BYTES,
    LeafType,
    Opening,
    verify_opening,
)

SALT = bytes(range(32))
openings = st.builds(
    Opening,
    st.sampled_from(LeafType),
    st.binary(min_size=32, max_size=32),
    st.binary(max_size=200),
)


def test_what_is_committed_to_is_written_down():
    """The form is public: another implementation must come to the same."""
    message = b"stillwatch/transparency/commitment/1\nopinion\ntext"
    expected = hmac.new(SALT, message, hashlib.sha256).digest()
    assert Opening(LeafType.OPINION, SALT, b"text").commitment() == expected


@given(openings)
def test_who_has_the_opening_can_show_it(opening):
    verify_opening(opening.commitment(), opening)


@given(openings, openings)
def test_two_openings_have_two_commitments(one, other):
    assert (one == other) == (one.commitment() == other.commitment())
    if one != other:
        with pytest.raises(IntegrityError, match="do not open"):
            verify_opening(one.commitment(), other)


def test_type_and_content_do_not_run_into_each_other():
    one = Opening(LeafType.OBJECT, SALT, b"x\ny")
    assert one.commitment() != Opening(LeafType.OBJECT, SALT, b"x").commitment()
    forms = {Opening(kind, SALT, b"x").commitment() for kind in LeafType}
    assert len(forms) == len(LeafType)


def test_the_length_of_the_content_does_not_show():
    for content in (b"", b"x" * 10_000):
        assert len(Opening(LeafType.OBJECT, SALT, content).commitment()) == COMMITMENT_BYTES


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_salt_has_one_length(length):
    with pytest.raises(InputError, match="32 random bytes"):
        Opening(LeafType.OBJECT, bytes(length), b"x")


def test_neither_salt_nor_content_gets_into_a_log_file():
    shown = repr(Opening(LeafType.OBJECT, SALT, b"secret text"))
    assert "secret" not in shown
    assert "salt" not in shown
