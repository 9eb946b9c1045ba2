"""Merkle trees of RFC 6962, section 2.1: hashes, roots, and proofs that are made and checked.

A *node* is the hash of a perfect subtree: the node at (height, index) covers the 2**height leaves
from index * 2**height on. Roots and proofs are made of nodes, wherever these come from. They are
checked as RFC 9162 says, sections 2.1.3.2 and 2.1.4.2, in the form in which the two parts of a path
are told apart by arithmetic: the *inner* part, up to where it joins the tree's right border, has
siblings on both sides, the rest on the left alone.

A path of inclusion does not fix the size of the tree: one path may fit several. Take size and root
from one signed checkpoint.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final

from stillwatch.errors import InputError, IntegrityError

Node = Callable[[int, int], bytes]
"""Gives the node at (height, index)."""

HASH_BYTES: Final = 32
"""Length of a hash, SHA-256."""
EMPTY_ROOT: Final = sha256(b"").digest()
"""Root of a tree without leaves."""


def leaf_hash(entry: bytes) -> bytes:
    """Hash of a leaf, from the bytes of its entry."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of what stands above two hashes."""
    return sha256(b"\x01" + left + right).digest()


def fold(hashes: Sequence[bytes]) -> bytes:
    """The node above a power of two of neighbouring nodes of one height."""
    row = list(hashes)
    while len(row) > 1:
        pairs = iter(row)
        row = [
            sha256(b"\x01" + left + right).digest()
            for left, right in zip(pairs, pairs, strict=True)
        ]
    return row[0]


def rows(hashes: Sequence[bytes]) -> list[list[bytes]]:
    """All nodes above neighbouring nodes of one height, row by row from these up."""
    above = [list(hashes)]
    while len(above[-1]) > 1:
        pairs = iter(above[-1])
        # An odd one at the end has no node above it yet.
        above.append([node_hash(left, right) for left, right in zip(pairs, pairs, strict=False)])
    return above


def root(node: Node, size: int) -> bytes:
    """Root of the tree of the first `size` leaves."""
    return _range_hash(node, 0, size) if size else EMPTY_ROOT


def inclusion_proof(node: Node, index: int, size: int) -> list[bytes]:
    """Path from a leaf to the root, the leaf's sibling first (RFC 6962, section 2.1.1).

    Raises:
        InputError: The tree has no such leaf.
    """
    if not 0 <= index < size:
        raise InputError(f"A tree of {size} leaves has no leaf {index}: give a smaller index.")
    path = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_range_hash(node, middle, end))
            end = middle
        else:
            path.append(_range_hash(node, start, middle))
            start = middle
    return path[::-1]


def consistency_proof(node: Node, old: int, new: int) -> list[bytes]:
    """Proof that the tree of `new` leaves begins with that of `old` (RFC 6962, section 2.1.2).

    It is empty where there is nothing to prove: of equal sizes, and for an empty old tree.

    Raises:
        InputError: `old` is negative or larger than `new`.
    """
    if not 0 <= old <= new:
        raise InputError(f"A tree of {new} leaves cannot begin with one of {old}: swap the sizes.")
    if old == 0:
        return []
    path = []
    start, end = 0, new
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_range_hash(node, middle, end))
            end = middle
        else:
            path.append(_range_hash(node, start, middle))
            start = middle
    if start:
        path.append(_range_hash(node, start, end))
    return path[::-1]


def root_over(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """Root that a path of inclusion leads to.

    Args:
        leaf: Hash of the leaf.
        index: Of the leaf, from 0.
        size: Leaves of the tree.
        path: From `inclusion_proof`.

    Raises:
        IntegrityError: The path has another length than index and size ask for, or a hash another
            than 32 bytes, or the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise IntegrityError(f"An inclusion proof names leaf {index} of {size}: there is none.")
    inner, border = _parts(index, size)
    _check_shape("inclusion", path, inner + border)
    return _climb(leaf, index, path, inner)


def roots_over(old: int, new: int, old_root: bytes, proof: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Roots of the old and the new tree that a consistency proof leads to.

    Args:
        old: Leaves of the old tree.
        new: Leaves of the new tree.
        old_root: Root that the old tree is said to have; the proof builds on it where `old` is a
            power of two.
        proof: From `consistency_proof`.

    Raises:
        IntegrityError: The proof has another length than the sizes ask for, a hash another than
            32 bytes, or the sizes do not ascend from 1.
    """
    if not 0 < old < new:
        raise IntegrityError(f"A consistency proof leads from {old} to {new} leaves: it must grow.")
    shift = (old & -old).bit_length() - 1
    inner, border = _parts(old - 1, new)
    inner -= shift
    power_of_two = old == 1 << shift
    _check_shape("consistency", proof, inner + border + (not power_of_two))
    seed, path = (old_root, proof) if power_of_two else (proof[0], proof[1:])
    index = (old - 1) >> shift
    left_only = [hash_ for n, hash_ in enumerate(path) if n >= inner or index >> n & 1]
    return _climb(seed, 0, left_only, 0), _climb(seed, index, path, inner)


def verify_inclusion(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], tree_root: bytes
) -> None:
    """Check that a leaf stands at an index of a tree.

    Raises:
        IntegrityError: It is not proven.
    """
    if root_over(leaf, index, size, path) != tree_root:
        raise IntegrityError(f"The inclusion proof of leaf {index} does not lead to the root.")


def verify_consistency(
    old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that a tree begins with an older one.

    Raises:
        IntegrityError: It is not proven.
    """
    if old in {0, new}:
        _check_shape("consistency", proof, 0)
        fits = old_root == (new_root if old == new else EMPTY_ROOT)
    else:
        fits = roots_over(old, new, old_root, proof) == (old_root, new_root)
    if not fits:
        raise IntegrityError(f"The tree of {new} leaves is not proven to begin with that of {old}.")


def _climb(value: bytes, index: int, path: Sequence[bytes], inner: int) -> bytes:
    """Hash upwards along a path whose first `inner` siblings stand on the side that index says."""
    for height, sibling in enumerate(path):
        if height < inner and not index >> height & 1:
            value = node_hash(value, sibling)
        else:
            value = node_hash(sibling, value)
    return value


def _parts(index: int, size: int) -> tuple[int, int]:
    """Lengths of the inner and the border part of a leaf's path."""
    inner = (index ^ (size - 1)).bit_length()
    return inner, (index >> inner).bit_count()


def _check_shape(what: str, path: Sequence[bytes], length: int) -> None:
    if len(path) != length or any(len(one) != HASH_BYTES for one in path):
        raise IntegrityError(f"The {what} proof must have {length} hashes of {HASH_BYTES} bytes.")


def _range_hash(node: Node, start: int, end: int) -> bytes:
    """Hash of the leaves from start to end, where start is a multiple of what they round up to."""
    peaks = []
    while start < end:
        height = (end - start).bit_length() - 1
        peaks.append(node(height, start >> height))
        start += 1 << height
    value = peaks.pop()
    while peaks:
        value = node_hash(peaks.pop(), value)
    return value


def _split(size: int) -> int:
    """The largest power of two below size."""
    return 1 << (size - 1).bit_length() - 1
