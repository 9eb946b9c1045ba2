"""Commitments: which tags a member will test in a window, bound beforehand and not shown.

A commitment is the root of a Merkle tree (RFC 6962, hashes with a prefix of their own for leaves
and nodes) whose leaves are salted hashes of tags. Opening one leaf tells nothing of the others. The
number of leaves is a power of two, with padding that looks the same; as a path has exactly as many
steps as the tree is high, no member can open more leaves than it said.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from hashlib import sha512
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from stillwatch.errors import InputError
from stillwatch.share.blind.committee import Bytes32, Party
from stillwatch.share.blind.group import Randomness
from stillwatch.share.blind.messages import Tag, digest
from stillwatch.share.pooling.rules import LEAST_TAGS, MOST_TAGS, Window

_TAG: Final = "stillwatch/pooling/tag/1"
_LEAF: Final = "stillwatch/pooling/leaf/1"
_NODE: Final = b"stillwatch/pooling/node/1\1"
_FEWEST_VALUE_BYTES: Final = 32


class Commitment(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="commitment/1"):
    """What a member sends before a window starts.

    Attributes:
        window: Its id.
        member: Who commits.
        root: Of the tree.
        size: Leaves, a power of two, padding included: the tests that the member corrects for.
    """

    window: Bytes32
    member: Party
    root: Bytes32
    size: Annotated[int, Meta(ge=LEAST_TAGS, le=MOST_TAGS)]


class Proof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """That a tag is a leaf of a commitment.

    Attributes:
        place: Of the leaf, from 0.
        salt: Of the leaf.
        path: What the leaf is hashed with, from the bottom.
    """

    place: Annotated[int, Meta(ge=0, lt=MOST_TAGS)]
    salt: Bytes32
    path: Annotated[tuple[Bytes32, ...], Meta(max_length=16)]


@dataclass(frozen=True, slots=True)
class Committed:
    """A commitment and what opens it; the proofs are the member's secrets until it publishes."""

    commitment: Commitment
    proofs: Mapping[bytes, Proof] = field(repr=False)


def pooling_tag(window: Window, value: bytes) -> bytes:
    """What stands for a feature in a window: 16 bytes, the same for all members.

    Tags of two windows do not show what they have in common.

    Args:
        window: The window.
        value: Of blind matching's function for the feature, under the window's key
            (`matching.Values`): a plain hash could be guessed.

    Raises:
        InputError: The value is too short to come from that function.
    """
    if len(value) < _FEWEST_VALUE_BYTES:
        raise InputError("A tag is made of a value of the blind-matching key, never of a feature.")
    return digest(_TAG, window.key_id, window.id, value)[:16]


def commit_to(
    window: Window, member: str, tags: Collection[bytes], randomness: Randomness
) -> Committed:
    """Commit to the tags that a member will test.

    Args:
        window: The window.
        member: The member's name.
        tags: From `pooling_tag`, chosen without a look at the window's traffic.
        randomness: Source of salts, padding and order.

    Raises:
        InputError: There is no tag, or more than the rules allow.
    """
    chosen = sorted(set(tags))
    if not 0 < len(chosen) <= window.rules.most_tags:
        raise InputError(
            f"A member commits to 1 to {window.rules.most_tags} tags, not to {len(chosen)}: "
            "leave the weakest for a later window."
        )
    size = max(LEAST_TAGS, 1 << (len(chosen) - 1).bit_length())
    salted = [(tag, randomness(32)) for tag in chosen]
    leaves: list[tuple[bytes, bytes, bytes]] = [
        (_leaf(window.id, member, tag, salt), tag, salt) for tag, salt in salted
    ]
    leaves += [(randomness(32), b"", b"") for _ in range(size - len(chosen))]
    leaves.sort()  # by hash: the order tells nothing of tags or padding
    levels = [[leaf for leaf, _, _ in leaves]]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append([_node(*below[at : at + 2]) for at in range(0, len(below), 2)])
    proofs = {
        tag: Proof(place, salt, tuple(row[place >> up ^ 1] for up, row in enumerate(levels[:-1])))
        for place, (_, tag, salt) in enumerate(leaves)
        if tag
    }
    return Committed(Commitment(window.id, member, levels[-1][0], size), proofs)


def opens(commitment: Commitment, tag: Tag, proof: Proof) -> bool:
    """Whether a tag is a leaf of a commitment."""
    if proof.place >= commitment.size or 1 << len(proof.path) != commitment.size:
        return False
    node = _leaf(commitment.window, commitment.member, tag, proof.salt)
    for up, beside in enumerate(proof.path):
        pair = (beside, node) if proof.place >> up & 1 else (node, beside)
        node = _node(*pair)
    return node == commitment.root


def _leaf(window: bytes, member: str, tag: bytes, salt: bytes) -> bytes:
    return digest(_LEAF, window, member, tag, salt)


def _node(left: bytes, right: bytes) -> bytes:
    return sha512(_NODE + left + right).digest()[:32]
