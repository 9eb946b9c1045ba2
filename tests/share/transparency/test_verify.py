"""A member finds out by itself what a log does wrong, and which of it."""

from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.errors import IntegrityError
from stillwatch.share.transparency import checkpoint, growth, merkle, verify
from stillwatch.share.transparency.commitment import LeafType, Opening
from stillwatch.share.transparency.growth import Frontier
from stillwatch.share.transparency.notes import Signer
from stillwatch.share.transparency.verify import Fault, LogError
from tests.share.transparency.logs import ALONE, LOG, NOW, QUORUM, WITNESSES, Log, opening


def take(log, last=None, policy=ALONE):
    return verify.follow(policy, last, log.signed, log.files.get, now=NOW)


def fault_of(action):
    with pytest.raises(LogError) as caught:
        action()
    return caught.value


@given(st.lists(st.integers(0, 600), min_size=1, max_size=5))
@settings(deadline=None)
def test_an_honest_log_is_followed(steps):
    log, last, frontier = Log(), None, Frontier()
    for step in steps:
        log.add(step)
        last = take(log, last)
        frontier = verify.audit(frontier, last, log.files.get)
        assert frontier == log.frontier
    for index in range(0, log.frontier.size, 97):
        proof = verify.check_leaf(last, index, opening(index), log.files.get)
        leaf = merkle.leaf_hash(opening(index).commitment())
        size, root = last.checkpoint.size, last.checkpoint.root
        merkle.verify_inclusion(leaf, index, size, proof, root)


@pytest.mark.parametrize("old", [2, 3, 256, 300, 511])
def test_a_log_that_changes_its_history_signs_the_evidence(old):
    last = take(Log(old))
    forked = Log(1, "b").add(old + 300)
    error = fault_of(lambda: take(forked, last))
    assert error.fault == Fault.SPLIT_VIEW
    # Anybody can check it, with the log's key alone.
    verify.verify_fork(LOG.verifier, error.fork)
    with pytest.raises(IntegrityError, match="did not fork"):
        verify.verify_fork(
            LOG.verifier, error.fork._replace(smaller=Log(1, "b").add(old - 1).note())
        )
    with pytest.raises(IntegrityError, match="not signed by the log"):
        verify.verify_fork(Signer(LOG.name, LOG.type, bytes(32)).verifier, error.fork)
    with pytest.raises(IntegrityError, match="not proven to begin"):
        verify.verify_fork(LOG.verifier, error.fork._replace(begins=bytes(32)))


def test_two_trees_of_one_size_are_a_split_view():
    error = fault_of(lambda: take(Log(5, "b"), take(Log(5))))
    assert error.fault == Fault.SPLIT_VIEW
    verify.verify_fork(LOG.verifier, error.fork)
    with pytest.raises(IntegrityError, match="did not fork"):
        verify.verify_fork(LOG.verifier, error.fork._replace(smaller=error.fork.larger))


def test_a_smaller_tree_is_a_rollback():
    last = take(Log(500))
    error = fault_of(lambda: take(Log(300), last))
    assert error.fault == Fault.ROLLBACK
    assert str(error) == ("Rollback: the checkpoint has 300 leaves, and 500 were seen before.")
    assert fault_of(lambda: take(Log(0), last)).fault == Fault.ROLLBACK


def test_a_smaller_tree_of_another_history_is_a_split_view_while_tiles_show_it():
    log, other = Log(500), Log(300, "b")
    last = take(log)
    error = fault_of(lambda: verify.follow(ALONE, last, other.signed, log.files.get, now=NOW))
    assert error.fault == Fault.SPLIT_VIEW
    assert error.fork[:2] == (other.note(), log.note())
    verify.verify_fork(LOG.verifier, error.fork)
    error = fault_of(lambda: verify.follow(ALONE, last, other.signed, {}.get, now=NOW))
    assert error.fault == Fault.ROLLBACK


def test_an_altered_leaf_is_told_from_bad_tiles():
    log = Log(700)
    accepted = take(log)
    other = Opening(LeafType.OBJECT, opening(5).salt, b"something else")
    error = fault_of(lambda: verify.check_leaf(accepted, 5, other, log.files.get))
    assert error.fault == Fault.ALTERED_LEAF
    error = fault_of(lambda: verify.check_leaf(accepted, 700, opening(700), log.files.get))
    assert error.fault == Fault.ALTERED_LEAF
    for files in ({}, Log(700, "b").files):
        error = fault_of(partial(verify.check_leaf, accepted, 5, opening(5), files.get))
        assert error.fault == Fault.BAD_TILES


def test_tiles_of_another_log_convict_nobody():
    last, log = take(Log(300)), Log(700)
    for files in ({}, Log(700, "b").files):
        error = fault_of(partial(verify.follow, ALONE, last, log.signed, files.get, now=NOW))
        assert error.fault == Fault.BAD_TILES


@given(st.data())
@settings(deadline=None, max_examples=150)
def test_no_changed_bit_of_a_file_makes_a_member_believe_anything_else(data):
    log = Log(300)
    last = take(log)
    log.add(223)
    files = dict(log.files)
    path = data.draw(st.sampled_from(sorted(files)))
    changed = bytearray(files[path])
    bit = data.draw(st.integers(0, len(changed) * 8 - 1))
    changed[bit // 8] ^= 1 << bit % 8
    files[path] = bytes(changed)
    index = data.draw(st.integers(0, 522))
    try:
        fresh = verify.follow(ALONE, last, log.signed, files.get, now=NOW)
        verify.check_leaf(fresh, index, opening(index), files.get)
    except LogError as error:
        assert error.fault == Fault.BAD_TILES  # noqa: PT017 - either is right, nothing else is
    with pytest.raises(LogError):
        verify.check_leaf(take(log), index, opening(index, "b"), files.get)


def test_an_audit_reads_every_entry():
    log = Log(1000)
    accepted = take(log)
    assert verify.audit(Frontier(), accepted, log.files.get) == log.frontier
    for path in ("tile/entries/000", "tile/entries/002", "tile/entries/003.p/232"):
        files = dict(log.files)
        files[path] = files[path][:-1] + b"?"
        error = fault_of(partial(verify.audit, Frontier(), accepted, files.get))
        assert error.fault == Fault.BAD_TILES
        take(log)  # tiles alone do not show it
        del files[path]
        error = fault_of(partial(verify.audit, Frontier(), accepted, files.get))
        assert error.fault == Fault.BAD_TILES
    error = fault_of(lambda: verify.audit(Log(1001).frontier, accepted, log.files.get))
    assert error.fault == Fault.ROLLBACK


def test_a_leaf_that_is_no_commitment_is_found():
    """Nothing but commitments may leave through the log."""
    log = Log(300)
    log.frontier, files = growth.grow(log.frontier, [b"a prompt, for instance", bytes(31)])
    log.files |= files
    error = fault_of(lambda: verify.audit(Frontier(), take(log), log.files.get))
    assert error.fault == Fault.ALTERED_LEAF
    assert str(error) == "Altered leaf: leaf 300 is no commitment."


def test_an_unsigned_or_foreign_checkpoint_never_becomes_the_last():
    foreign = Log(5).note(Signer(LOG.name, LOG.type, bytes(32)))
    with pytest.raises(IntegrityError, match="not signed by the log"):
        verify.follow(ALONE, None, str(foreign).encode(), {}.get, now=NOW)


def test_members_who_compare_through_witnesses_cannot_be_split():
    """Two of three witnesses must cosign, and each of them follows one history alone."""
    kept = dict.fromkeys((witness.name for witness in WITNESSES), None)

    def ask(log, witnesses):
        lines = []
        for witness in witnesses:
            try:
                kept[witness.name] = take(log, kept[witness.name])
            except LogError:
                continue
            lines.append(checkpoint.cosign(kept[witness.name], witness, time=NOW))
        return str(checkpoint.attach(log.note(), lines)).encode()

    one, other = Log(40), Log(40, "b")
    shown = ask(one, WITNESSES[:2])
    assert QUORUM.accept(shown, now=NOW).checkpoint.size == 40
    hidden = ask(other, WITNESSES)
    with pytest.raises(IntegrityError, match="1 witnesses have cosigned"):
        QUORUM.accept(hidden, now=NOW)


def test_erasure_leaves_every_proof():
    """Salt and content are dropped; what was said of the others still holds."""
    log, held = Log(300), {index: opening(index) for index in range(300)}
    last = take(log)
    del held[7]
    log.add(100)
    fresh = take(log, last)
    for index, one in held.items():
        verify.check_leaf(fresh, index, one, log.files.get)
    assert verify.audit(Frontier(), fresh, log.files.get) == log.frontier
