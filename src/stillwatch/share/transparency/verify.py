"""What a member checks by itself, from the checkpoint it kept and the tiles it can read.

| fault | what was seen | whom it convicts |
|---|---|---|
| `ROLLBACK` | a signed checkpoint that is smaller than one seen before, and not shown to be another tree | nobody by itself: an old copy looks the same; a log that stays so hides what came later |
| `SPLIT_VIEW` | two signed checkpoints, and the larger tree does not begin with the smaller | the log: it signed both; `verify_fork` shows it to anybody |
| `ALTERED_LEAF` | the signed tree has another leaf at an index than the member was told, or one that is no commitment | in the first case whoever told it, in the second the log |
| `BAD_TILES` | tiles that do not lead to the signed root, or are missing | nobody by itself: fetch again, elsewhere |

Keep what `follow` returns: it is both the memory and, should the log fork, half of the evidence.
"""  # noqa: E501 - a table row is one line

from collections.abc import Iterator
from enum import StrEnum
from itertools import islice
from typing import NamedTuple

from stillwatch.errors import IntegrityError
from stillwatch.share.transparency import growth, merkle
from stillwatch.share.transparency.checkpoint import Accepted, Checkpoint, Policy
from stillwatch.share.transparency.commitment import COMMITMENT_BYTES, Opening
from stillwatch.share.transparency.growth import Frontier
from stillwatch.share.transparency.notes import Note, Verifier
from stillwatch.share.transparency.tiles import TILE_WIDTH, Read, TileReader


class Fault(StrEnum):
    """What is wrong with a log."""

    ROLLBACK = "rollback"
    SPLIT_VIEW = "split view"
    ALTERED_LEAF = "altered leaf"
    BAD_TILES = "bad tiles"


class Fork(NamedTuple):
    """Evidence that a log signed two histories; `verify_fork` checks it, for anybody.

    Attributes:
        smaller: A signed checkpoint.
        larger: Another, of as many leaves or more.
        begins: Root that the larger tree had when it was as large as the smaller.
        proof: Consistency proof from there to the larger tree.
    """

    smaller: Note
    larger: Note
    begins: bytes
    proof: tuple[bytes, ...]


class LogError(IntegrityError):
    """A log is not what it said that it was.

    Attributes:
        fault: Which rule is broken.
        fork: Of a split view, the evidence.
    """

    def __init__(self, fault: Fault, message: str, fork: Fork | None = None) -> None:
        super().__init__(f"{fault.capitalize()}: {message}")
        self.fault = fault
        self.fork = fork


def follow(policy: Policy, last: Accepted | None, data: bytes, read: Read, *, now: int) -> Accepted:
    """Take up a log's newest checkpoint, if it goes on from the last.

    Args:
        policy: Whose digital signatures count.
        last: What this function returned before; None the first time, when nothing can be compared.
        data: The checkpoint as the log serves it.
        read: Where the log's tiles are.
        now: POSIX seconds.

    Raises:
        LogError: `ROLLBACK`, `SPLIT_VIEW` or `BAD_TILES`.
        IntegrityError: The checkpoint is not signed as the policy asks.
    """
    fresh = policy.accept(data, now=now)
    if last is not None:
        _check_growth(last, fresh, read)
    return fresh


def check_leaf(accepted: Accepted, index: int, opening: Opening, read: Read) -> list[bytes]:
    """Check that the log has, at an index, the commitment to what a member holds.

    Args:
        accepted: The log's checkpoint, from `follow`.
        index: Of the leaf, as the hub said.
        opening: Of what should be there.
        read: Where the log's tiles are.

    Returns:
        The inclusion proof.

    Raises:
        LogError: `ALTERED_LEAF` or `BAD_TILES`.
    """
    checkpoint = accepted.checkpoint
    if not 0 <= index < checkpoint.size:
        raise LogError(
            Fault.ALTERED_LEAF,
            f"the tree of {checkpoint.size} leaves has no leaf {index}.",
        )
    reader = TileReader(read, checkpoint.size)
    served, proof = _proven_leaf(reader, index, checkpoint.root)
    if served != merkle.leaf_hash(opening.commitment()):
        raise LogError(Fault.ALTERED_LEAF, f"leaf {index} is not what was to be there.")
    return proof


def audit(frontier: Frontier, accepted: Accepted, read: Read) -> Frontier:
    """Read every entry since the last audit and grow the tree from them.

    This finds what `follow` cannot: entries that do not fit their tiles, or are no commitments. It
    also counts: who asks all members what they contributed can tell whether a leaf is nobody's.

    Args:
        frontier: What this function returned last; `Frontier()` the first time.
        accepted: The log's checkpoint, from `follow`.
        read: Where the log's entry bundles are.

    Raises:
        LogError: `ROLLBACK`, where the checkpoint is smaller than the frontier; `BAD_TILES`; or
            `ALTERED_LEAF`, where an entry is no commitment.
    """
    checkpoint = accepted.checkpoint
    if checkpoint.size < frontier.size:
        raise _rollback(frontier.size, checkpoint.size)
    fresh = _entries(TileReader(read, checkpoint.size), frontier.size)
    foreign = None
    try:
        while batch := list(islice(fresh, 64 * TILE_WIDTH)):
            for index, entry in enumerate(batch, frontier.size):
                if len(entry) != COMMITMENT_BYTES and foreign is None:
                    foreign = index
            frontier = growth.grow(frontier, batch).frontier
    except IntegrityError as error:
        raise LogError(Fault.BAD_TILES, str(error)) from error
    if frontier.root() != checkpoint.root:
        raise LogError(Fault.BAD_TILES, "the entries do not lead to the signed root.")
    if foreign is not None:
        raise LogError(Fault.ALTERED_LEAF, f"leaf {foreign} is no commitment.")
    return frontier


def verify_fork(log: Verifier, fork: Fork) -> None:
    """Check evidence that a log signed two histories.

    Args:
        log: The log's key.
        fork: Of a `LogError`.

    Raises:
        IntegrityError: It does not show that.
    """
    # No witness is asked, so the time does not matter.
    smaller, larger = (
        Policy(log).accept(str(note).encode(), now=0).checkpoint for note in fork[:2]
    )
    merkle.verify_consistency(smaller.size, larger.size, fork.begins, larger.root, fork.proof)
    if fork.begins == smaller.root:
        raise IntegrityError("The larger tree begins with the smaller one: the log did not fork.")


def _check_growth(last: Accepted, fresh: Accepted, read: Read) -> None:
    """Check that the log goes on from the last checkpoint."""
    seen, size = last.checkpoint.size, fresh.checkpoint.size
    if size >= seen:
        _check_beginning(last, fresh, read)
        return
    # Tell an older tree from another tree, where the tiles still say which it is.
    try:
        _check_beginning(fresh, last, read)
    except LogError as error:
        if error.fault == Fault.SPLIT_VIEW:
            raise
    raise _rollback(seen, size)


def _check_beginning(smaller: Accepted, larger: Accepted, read: Read) -> None:
    """Check that a tree begins with one that is not larger."""
    old, new = smaller.checkpoint, larger.checkpoint
    begins, proof = _beginning(old.size, new, read)
    if begins != old.root:
        raise LogError(
            Fault.SPLIT_VIEW,
            f"the tree of {new.size} leaves does not begin with the signed one of {old.size}.",
            Fork(smaller.note, larger.note, begins, tuple(proof)),
        )


def _beginning(size: int, tree: Checkpoint, read: Read) -> tuple[bytes, list[bytes]]:
    """The root that a tree had at a smaller size, and the proof that it did."""
    if size in {0, tree.size}:
        return (tree.root if size else merkle.EMPTY_ROOT), []
    reader = TileReader(read, tree.size)
    try:
        begins = merkle.root(reader.node, size)
        proof = merkle.consistency_proof(reader.node, size, tree.size)
        merkle.verify_consistency(size, tree.size, begins, tree.root, proof)
    except IntegrityError as error:
        raise LogError(Fault.BAD_TILES, str(error)) from error
    return begins, proof


def _proven_leaf(reader: TileReader, index: int, root: bytes) -> tuple[bytes, list[bytes]]:
    """The hash of a leaf in the signed tree, and the proof that it is there."""
    try:
        leaf = reader.node(0, index)
        proof = merkle.inclusion_proof(reader.node, index, reader.size)
        merkle.verify_inclusion(leaf, index, reader.size, proof, root)
    except IntegrityError as error:
        raise LogError(Fault.BAD_TILES, str(error)) from error
    return leaf, proof


def _entries(reader: TileReader, start: int) -> Iterator[bytes]:
    """The entries from an index on."""
    first, skip = divmod(start, TILE_WIDTH)
    for index in range(first, -(-reader.size // TILE_WIDTH)):
        yield from reader.entries(index)[skip:]
        skip = 0


def _rollback(seen: int, size: int) -> LogError:
    return LogError(
        Fault.ROLLBACK, f"the checkpoint has {size} leaves, and {seen} were seen before."
    )
