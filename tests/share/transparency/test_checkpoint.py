"""What a log signs, and who must have cosigned it."""

import pytest

from stillwatch.errors import ConfigError, IntegrityError
from stillwatch.share.transparency import checkpoint
from stillwatch.share.transparency.checkpoint import SKEW, Checkpoint, Policy
from stillwatch.share.transparency.notes import KeyType, Line, Note, Signer
from tests.share.transparency.logs import ALONE, LOG, NOW, QUORUM, WITNESSES, Log

TREE = Checkpoint("forum.example/log", 20_852_163, bytes(range(32)))


def cosigned(times, note=None):
    """A checkpoint cosigned by the first witnesses at these times."""
    note = note or Log(3).note()
    accepted = ALONE.accept(str(note).encode(), now=NOW)
    lines = [
        checkpoint.cosign(accepted, witness, time=time)
        for witness, time in zip(WITNESSES, times, strict=False)
    ]
    return checkpoint.attach(note, lines)


def accept(note, policy=QUORUM, now=NOW):
    return policy.accept(str(note).encode(), now=now)


def test_the_form_of_the_text():
    root = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    assert TREE.text == f"forum.example/log\n20852163\n{root}\n"
    assert checkpoint.parse(TREE.text) == TREE
    more = TREE._replace(extensions=("one", "two"))
    assert checkpoint.parse(more.text) == more


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("forum.example/log\n", "\n"),
        ("20852163", ""),
        ("20852163", "020852163"),
        ("20852163", "+1"),
        ("20852163", "-1"),
        ("20852163", "1_0"),
        ("20852163", "٣"),
        ("20852163", str(2**63)),
        ("20852163", "1" * 20),
        ("Hh8=", "Hg=="),
        ("Hh8=", "Hh9="),
        ("Hh8=\n", "Hh8="),
        ("Hh8=\n", "Hh8=\n\n"),
        ("Hh8=\n", "Hh8=\n\nmore\n"),
    ],
)
def test_what_is_written_otherwise_is_no_checkpoint(old, new):
    assert old in TREE.text
    with pytest.raises(IntegrityError):
        checkpoint.parse(TREE.text.replace(old, new))


def test_the_largest_and_the_empty_tree():
    for size in (0, 2**63 - 1):
        assert checkpoint.parse(TREE._replace(size=size).text).size == size


def test_a_log_signs_for_itself_alone():
    for signer in (WITNESSES[0], Signer("other.example", KeyType.LOG, bytes(32))):
        with pytest.raises(ConfigError, match="does not sign for"):
            checkpoint.sign(TREE, signer)
    with pytest.raises(ConfigError, match="does not cosign"):
        checkpoint.cosign(accept(Log(1).note(), ALONE), LOG, time=NOW)


def test_a_quorum_and_when_it_was_seen():
    note = cosigned([NOW - 50, NOW - 10, NOW - 30])
    accepted = accept(note)
    assert accepted.checkpoint == checkpoint.parse(note.text)
    assert accepted.times == {
        "ash.example": NOW - 50,
        "birch.example": NOW - 10,
        "cedar.example": NOW - 30,
    }
    assert accepted.seen == NOW - 30
    assert accept(note, ALONE).seen == 0


def test_what_a_witness_signs_is_as_the_specification_says():
    [line] = cosigned([NOW]).lines[1:]
    key = WITNESSES[0].verifier
    message = f"cosignature/v1\ntime {NOW}\n{Log(3).note().text}".encode()
    assert line.value[:8] == NOW.to_bytes(8)
    key.check(message, line.value[8:])


def test_too_few_witnesses_are_no_quorum():
    with pytest.raises(IntegrityError, match="2 must have"):
        accept(cosigned([NOW]))


def test_a_witness_counts_once():
    note = cosigned([NOW])
    again = cosigned([NOW - 5])
    both = Note(note.text, (*note.lines, *again.lines[1:]))
    with pytest.raises(IntegrityError, match="1 witnesses"):
        accept(both)
    assert accept(both, Policy(QUORUM.log, QUORUM.witnesses, 1)).seen == NOW
    assert checkpoint.attach(note, again.lines[1:]).lines[1:] == again.lines[1:]


def test_a_stranger_does_not_count_and_does_no_harm():
    stranger = Signer("ash.example", KeyType.WITNESS, bytes([9]) * 32)
    line = checkpoint.cosign(accept(Log(3).note(), ALONE), stranger, time=NOW)
    with pytest.raises(IntegrityError, match="1 witnesses"):
        accept(checkpoint.attach(cosigned([NOW]), [line]))
    assert len(accept(checkpoint.attach(cosigned([NOW, NOW]), [line])).times) == 2


def test_a_bad_line_of_a_known_key_spoils_the_note():
    note = cosigned([NOW, NOW, NOW])
    [bad] = cosigned([NOW], Log(4).note()).lines[1:]
    with pytest.raises(IntegrityError, match=r"by ash\.example does not verify"):
        accept(Note(note.text, (*note.lines, bad)))


def test_the_log_must_have_signed():
    note = cosigned([NOW, NOW])
    with pytest.raises(IntegrityError, match="not signed by the log"):
        accept(Note(note.text, note.lines[1:]))


def test_another_origin_under_the_same_key_is_refused():
    text = TREE._replace(origin="other.example/log").text
    line = Line(LOG.name, LOG.verifier.key_id, LOG.sign(text.encode()))
    with pytest.raises(IntegrityError, match="not signed by the log"):
        accept(Note(text, (line,)), ALONE)


def test_a_cosignature_of_the_future_is_refused():
    note = cosigned([NOW + SKEW, NOW])
    assert accept(note).seen == NOW
    with pytest.raises(IntegrityError, match="of the future"):
        accept(note, now=NOW - 1)


def test_each_changed_bit_of_a_cosigned_checkpoint_is_refused():
    data = str(cosigned([NOW, NOW])).encode()
    QUORUM.accept(data, now=NOW)
    for bit in range(len(data) * 8):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(IntegrityError):
            QUORUM.accept(bytes(changed), now=NOW)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda log, ash, _: Policy(log, (ash,), 2), "quorum of 2"),
        (lambda log, ash, _: Policy(log, (ash,), -1), "quorum of -1"),
        (lambda _, ash, __: Policy(ash), "no key of a log"),
        (lambda log, ash, _: Policy(log, (ash, log)), "no key of a witness"),
        (lambda log, ash, _: Policy(log, (ash, ash), 2), "key of their own"),
        (lambda log, _, hub: Policy(log, (hub,), 1), "key of their own"),
    ],
)
def test_a_policy_that_says_less_than_it_seems_is_refused(make, message):
    ash = WITNESSES[0].verifier
    hub = Signer("hub.example", KeyType.WITNESS, LOG.seed).verifier
    with pytest.raises(ConfigError, match=message):
        make(LOG.verifier, ash, hub)
