"""A proof in a file that anybody can check without the log, in the form of C2SP tlog-proof v1.

It holds the index of a leaf, its inclusion proof and the cosigned checkpoint; what the leaf stands
for is shown beside it, by an opening.
"""

import re
from typing import Final, NamedTuple

from stillwatch.errors import IntegrityError
from stillwatch.share.transparency import merkle, notes
from stillwatch.share.transparency.checkpoint import Accepted, Policy
from stillwatch.share.transparency.commitment import Opening

MAX_PATH: Final = 63
"""Hashes that an inclusion proof can have."""

_HEADER: Final = "c2sp.org/tlog-proof@v1"
_INDEX: Final = re.compile(r"index (0|[1-9][0-9]{0,18})", re.ASCII)


class LeafProof(NamedTuple):
    """That a leaf is in a log.

    Attributes:
        leaf_index: From 0.
        path: From `verify.check_leaf`.
        note: The cosigned checkpoint, as it was served.
    """

    leaf_index: int
    path: tuple[bytes, ...]
    note: str

    def __str__(self) -> str:
        hashes = "".join(f"{notes.to_base64(one)}\n" for one in self.path)
        return f"{_HEADER}\nindex {self.leaf_index}\n{hashes}\n{self.note}"


def parse(data: bytes) -> LeafProof:
    """Read a proof as `str` writes it; a line of extra data is not used here and refused.

    Raises:
        IntegrityError: It is malformed.
    """
    if len(data) > 2 * notes.MAX_NOTE:
        raise IntegrityError("A proof of a leaf is too long.")
    try:
        head, blank, note = data.decode().partition("\n\n")
        header, numbered, *hashes = head.split("\n")
        path = tuple(map(notes.from_base64, hashes))
    except ValueError as error:
        raise IntegrityError("A proof of a leaf is malformed.") from error
    found = _INDEX.fullmatch(numbered)
    if not blank or header != _HEADER or found is None or len(path) > MAX_PATH:
        raise IntegrityError("A proof of a leaf is malformed.")
    return LeafProof(int(found[1]), path, note)


def verify(proof: LeafProof, opening: Opening, policy: Policy, *, now: int) -> Accepted:
    """Check that what an opening shows is in a log.

    Args:
        proof: From anybody.
        opening: Of the leaf, from anybody.
        policy: Whose digital signatures count.
        now: POSIX seconds.

    Returns:
        The checkpoint; its times say until when the leaf was logged at the latest.

    Raises:
        IntegrityError: It is not shown.
    """
    accepted = policy.accept(proof.note.encode(), now=now)
    tree = accepted.checkpoint
    leaf = merkle.leaf_hash(opening.commitment())
    merkle.verify_inclusion(leaf, proof.leaf_index, tree.size, proof.path, tree.root)
    return accepted
