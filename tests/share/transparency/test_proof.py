"""A proof in a file is checked without the log."""

import pytest

from stillwatch.errors import IntegrityError
from stillwatch.share.transparency import checkpoint, proof, verify
from stillwatch.share.transparency.proof import LeafProof
from tests.share.transparency.logs import ALONE, NOW, QUORUM, WITNESSES, Log, opening


@pytest.fixture(scope="module")
def made():
    log = Log(300)
    accepted = verify.follow(ALONE, None, log.signed, log.files.get, now=NOW)
    lines = [checkpoint.cosign(accepted, witness, time=NOW - 9) for witness in WITNESSES[:2]]
    path = verify.check_leaf(accepted, 42, opening(42), log.files.get)
    return LeafProof(42, tuple(path), str(checkpoint.attach(accepted.note, lines)))


def test_the_form_is_that_of_the_specification(made):
    lines = str(made).split("\n")
    assert lines[:2] == ["c2sp.org/tlog-proof@v1", "index 42"]
    assert [len(line) for line in lines[2:11]] == [44] * 9
    assert lines[11:14] == ["", "forum.example/log", "300"]


def test_it_comes_back_and_proves(made):
    read = proof.parse(str(made).encode())
    assert read == made
    assert proof.verify(read, opening(42), QUORUM, now=NOW).seen == NOW - 9


def test_it_proves_nothing_else(made):
    for one, shown in (
        (made, opening(41)),
        (made._replace(leaf_index=43), opening(42)),
        (made._replace(leaf_index=300), opening(42)),
        (made._replace(path=made.path[:-1]), opening(42)),
        (made._replace(note=str(Log(301).note())), opening(42)),
    ):
        with pytest.raises(IntegrityError):
            proof.verify(one, shown, QUORUM, now=NOW)


def test_each_changed_bit_is_refused(made):
    data = str(made).encode()
    for bit in range(len(data) * 8):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(IntegrityError):
            proof.verify(proof.parse(bytes(changed)), opening(42), QUORUM, now=NOW)


def test_a_tree_of_one_leaf_has_an_empty_path():
    one = LeafProof(0, (), str(Log(1).note()))
    assert proof.parse(str(one).encode()) == one
    proof.verify(one, opening(0), ALONE, now=NOW)


@pytest.mark.parametrize(
    "change",
    [
        lambda _: "",
        lambda text: text.replace("@v1", "@v2"),
        lambda text: text.replace("index 42", "index 042"),
        lambda text: text.replace("index 42", "index -1"),
        lambda text: text.replace("index 42", "index  42"),
        lambda text: text.replace("index 42", "extra AAAA\nindex 42"),
        lambda text: text.replace("index 42", "index 42\nAAAA="),
        lambda text: text.replace("index 42\n", "index 42\n" + "AAAA\n" * 64),
        lambda text: text[:100],
        lambda text: text + "x" * 2_000_000,
    ],
)
def test_what_is_written_otherwise_is_no_proof(made, change):
    with pytest.raises(IntegrityError):
        proof.parse(change(str(made)).encode())


def test_a_proof_is_utf_8():
    with pytest.raises(IntegrityError, match="malformed"):
        proof.parse(b"\xff")
