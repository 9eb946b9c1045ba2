"""Known trees, a naive twin, and every single changed bit."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.errors import InputError, IntegrityError
from stillwatch.share.transparency import merkle
from tests.share.transparency import naive

# The tree of eight leaves that implementations of RFC 6962 are commonly tested with.
LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
A = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
B = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
C = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
D = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
E = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
F = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"

sizes = st.integers(1, 70)


def entries(size):
    return [number.to_bytes(2) for number in range(size)]


def proof_of(old, new):
    return merkle.consistency_proof(naive.node(entries(new)), old, new)


@pytest.mark.parametrize("size", range(9))
def test_known_roots(size):
    assert merkle.root(naive.node(LEAVES), size).hex() == ROOTS[size]


@pytest.mark.parametrize(
    ("index", "size", "path"),
    [(0, 1, []), (0, 8, [A, B, C]), (5, 8, [D, E, ROOTS[4]]), (2, 3, [ROOTS[2]])],
)
def test_known_inclusion_proofs(index, size, path):
    made = merkle.inclusion_proof(naive.node(LEAVES), index, size)
    assert [one.hex() for one in made] == path
    leaf = merkle.leaf_hash(LEAVES[index])
    merkle.verify_inclusion(leaf, index, size, made, bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize(
    ("old", "new", "proof"),
    [(1, 1, []), (1, 8, [A, B, C]), (6, 8, [F, E, ROOTS[4]]), (2, 5, [B, D])],
)
def test_known_consistency_proofs(old, new, proof):
    made = merkle.consistency_proof(naive.node(LEAVES), old, new)
    assert [one.hex() for one in made] == proof
    roots = bytes.fromhex(ROOTS[old]), bytes.fromhex(ROOTS[new])
    merkle.verify_consistency(old, new, *roots, made)


@given(sizes)
def test_roots_are_those_of_the_rfc(size):
    assert merkle.root(naive.node(entries(size)), size) == naive.root(entries(size))


@given(st.data(), sizes)
def test_inclusion_proofs_are_those_of_the_rfc(data, size):
    index = data.draw(st.integers(0, size - 1))
    leaves = entries(size)
    path = merkle.inclusion_proof(naive.node(leaves), index, size)
    assert path == naive.path(index, leaves)
    leaf = merkle.leaf_hash(leaves[index])
    merkle.verify_inclusion(leaf, index, size, path, naive.root(leaves))


@given(st.data(), sizes)
def test_consistency_proofs_are_those_of_the_rfc(data, new):
    old = data.draw(st.integers(1, new))
    leaves = entries(new)
    proof = proof_of(old, new)
    assert proof == naive.proof(old, leaves)
    merkle.verify_consistency(old, new, naive.root(leaves[:old]), naive.root(leaves), proof)


def test_an_empty_tree_begins_every_tree():
    assert proof_of(0, 5) == []
    merkle.verify_consistency(0, 5, merkle.EMPTY_ROOT, naive.root(entries(5)), [])
    with pytest.raises(IntegrityError):
        merkle.verify_consistency(0, 5, bytes(32), naive.root(entries(5)), [])


def flips(data):
    """The bytes with each bit changed in turn."""
    for bit in range(len(data) * 8):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        yield bytes(changed)


@pytest.mark.parametrize("index", range(7))
def test_each_changed_bit_of_an_inclusion_proof_is_refused(index):
    leaves = entries(7)
    leaf, top = merkle.leaf_hash(leaves[index]), naive.root(leaves)
    path = naive.path(index, leaves)
    changed = [(one, path, top) for one in flips(leaf)]
    changed += [(leaf, path, one) for one in flips(top)]
    for place, hash_ in enumerate(path):
        for one in flips(hash_):
            changed.append((leaf, [*path[:place], one, *path[place + 1 :]], top))
    for bad_leaf, bad_path, bad_top in changed:
        with pytest.raises(IntegrityError):
            merkle.verify_inclusion(bad_leaf, index, 7, bad_path, bad_top)
    for other in range(-1, 9):
        if other != index:
            with pytest.raises(IntegrityError):
                merkle.verify_inclusion(leaf, other, 7, path, top)


@pytest.mark.parametrize("old", range(1, 7))
def test_each_changed_bit_of_a_consistency_proof_is_refused(old):
    leaves = entries(7)
    before, after = naive.root(leaves[:old]), naive.root(leaves)
    proof = naive.proof(old, leaves)
    changed = [(one, after, proof) for one in flips(before)]
    changed += [(before, one, proof) for one in flips(after)]
    for place, hash_ in enumerate(proof):
        for one in flips(hash_):
            changed.append((before, after, [*proof[:place], one, *proof[place + 1 :]]))
    for bad_before, bad_after, bad_proof in changed:
        with pytest.raises(IntegrityError):
            merkle.verify_consistency(old, 7, bad_before, bad_after, bad_proof)
    for other in range(-1, 9):
        if other != old:
            with pytest.raises(IntegrityError):
                merkle.verify_consistency(other, 7, before, after, proof)


@given(sizes, st.data())
def test_a_path_of_another_length_is_refused(size, data):
    index = data.draw(st.integers(0, size - 1))
    leaves = entries(size)
    leaf, top, path = merkle.leaf_hash(leaves[index]), naive.root(leaves), naive.path(index, leaves)
    longer = [*path, bytes(32)]
    shorter = path[:-1] if path else longer
    for bad in (longer, shorter, [*path[:-1], b""] if path else longer):
        with pytest.raises(IntegrityError):
            merkle.verify_inclusion(leaf, index, size, bad, top)


@given(sizes, st.data())
@settings(max_examples=200)
def test_no_proof_joins_two_histories(new, data):
    """A tree that differs in one early leaf is consistent with no old root but its own."""
    old = data.draw(st.integers(1, new))
    changed = entries(new)
    changed[data.draw(st.integers(0, old - 1))] = b"another"
    before, after = naive.root(entries(new)[:old]), naive.root(changed)
    for proof in (naive.proof(old, changed), naive.proof(old, entries(new))):
        with pytest.raises(IntegrityError):
            merkle.verify_consistency(old, new, before, after, proof)


def test_a_leaf_cannot_pass_for_a_node():
    pair = entries(2)
    joined = merkle.leaf_hash(pair[0]) + merkle.leaf_hash(pair[1])
    assert merkle.leaf_hash(joined) != naive.root(pair)


def test_proofs_outside_the_tree_cannot_be_asked_for():
    node = naive.node(entries(3))
    for index in (-1, 3):
        with pytest.raises(InputError, match="no leaf"):
            merkle.inclusion_proof(node, index, 3)
    for old in (-1, 4):
        with pytest.raises(InputError, match="cannot begin"):
            merkle.consistency_proof(node, old, 3)
