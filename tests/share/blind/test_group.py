"""ristretto255 against known answers of RFC 9496 and RFC 9380, and against plain integers."""

import secrets
from hashlib import sha512

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.errors import ConfigError, IntegrityError
from stillwatch.share.blind import dleq, group, voprf
from tests.share.blind import naive

MULTIPLES = [
    "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76",
    "6a493210f7499cd17fecb510ae0cea23a110e8d5b901f8acadd3095c73a3b919",
    "94741f5d5d52755ece4f23f044ee27d5d1ea1e2bd196b462166b16152a9d0259",
    "da80862773358b466ffadfe0b3293ab3d9fd53c5ea6c955358f568322daf6a57",
    "e882b131016b52c1d3337080187cf768423efccbb517bb495ab812c4160ff44e",
    "f64746d3c92b13050ed8d80236a7f0007c3b3f962f5ba793d19a601ebb1df403",
    "44f53520926ec81fbd5a387845beb7df85a96a24ece18738bdcfa6a7822a176d",
]
"""RFC 9496, A.1: 1 to 7 times the generator."""
BAD = [
    "00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ed57ffd8c914fb201471d1c3d245ce3c746fcbe63a3679d51b6a516ebebe0e20",
    "c34c4e1826e5d403b78e246e88aa051c36ccf0aafebffe137d148a2bf9104562",
    "26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371",
    "2810e5cbc2cc4d4eece54f61c6f69758e289aa7ab440b3cbeaa21995c2f4232b",
    "3eb858e78f5a7254d8c9731174a94f76755fd3941c0ac93735c07ba14579630e",
    "445425117cb8c90edcbc7c1cc0e74f747f2c1efa5630a967c64f287792a48a4b",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "00" * 32,
    "e2f2ae0a",
]
"""RFC 9496, A.2, each sort: not canonical, negative, not square, negative xy, s = -1; and ours."""
EXPANDED = {
    (b"", 32): "6b9a7312411d92f921c6f68ca0b6380730a1a4d982c507211a90964c394179ba",
    (b"abc", 32): "0da749f12fbe5483eb066a5f595055679b976e93abe9be6f0f6318bce7aca8dc",
    (b"abc", 128): (
        "7f1dddd13c08b543f2e2037b14cefb255b44c83cc397c1786d975653e36a6b11bdd7732d8b38adb4a0edc26a"
        "0cef4bb45217135456e58fbca1703cd6032cb1347ee720b87972d63fbf232587043ed2901bce7f22610c0419"
        "751c065922b488431851041310ad659e4b23520e1772ab29dcdeb2002222a363f0c2b1c972b3efe1"
    ),
}
"""RFC 9380, K.3: expand_message_xmd with SHA-512, by message and length."""

numbers = st.integers(1, group.ORDER - 1)
scalars = numbers.map(group.small)


def test_multiples_of_the_generator_are_those_of_the_rfc():
    for factor, encoding in enumerate(MULTIPLES, 1):
        assert group.multiply_base(group.small(factor)).hex() == encoding
        assert naive.encode(naive.multiply(factor, naive.BASE)).hex() == encoding


@pytest.mark.parametrize("encoding", BAD)
def test_what_encodes_no_element_is_refused_everywhere(encoding):
    raw = bytes.fromhex(encoding)
    for refuse in (group.element, lambda raw: group.multiply(group.small(5), raw)):
        with pytest.raises(IntegrityError, match="RFC 9496"):
            refuse(raw)
    assert raw == group.ZERO or naive.decode(raw) is None


@pytest.mark.parametrize("number", [0, group.ORDER, group.ORDER + 1, 2**255, 2**256 - 1])
def test_a_scalar_that_is_zero_or_not_reduced_is_refused(number):
    with pytest.raises(IntegrityError, match="scalar"):
        group.scalar(number.to_bytes(32, "little"))


@given(number=st.integers(0, 2**256 - 1))
def test_a_scalar_is_accepted_exactly_if_it_is_canonical(number):
    raw = number.to_bytes(32, "little")
    if 0 < number < group.ORDER:
        assert group.scalar(raw) == raw
    else:
        with pytest.raises(IntegrityError):
            group.scalar(raw)


@given(st.binary().map(lambda seed: sha512(seed).digest()), numbers)
@settings(max_examples=25, deadline=None)
def test_mapping_and_multiplying_agree_with_plain_integers(wide, factor):
    point = naive.from_hash(wide)
    element = group.element(naive.encode(point))
    assert group._sodium().crypto_core_ristretto255_from_hash(wide) == element
    assert group.multiply(group.small(factor), element) == naive.encode(
        naive.multiply(factor, naive.decode(element))
    )
    assert group.add(element, group.multiply_base(group.small(1))) == naive.encode(
        naive.add(point, naive.BASE)
    )


@given(st.integers(1, naive.ORDER - 1), st.binary(max_size=40))
@settings(max_examples=10, deadline=None)
def test_the_function_agrees_with_plain_integers(key, text):
    assert voprf.value(group.small(key), text) == naive.value(key, text)


@given(st.lists(scalars, max_size=9))
def test_many_inversions_are_one(values):
    inverses = group.invert_all(values)
    assert [group.multiply_scalars(*pair) for pair in zip(values, inverses, strict=True)] == [
        group.small(1)
    ] * len(values)


@pytest.mark.parametrize(("message", "length"), EXPANDED)
def test_messages_expand_as_the_rfc_says(message, length):
    tag = b"QUUX-V01-CS02-with-expander-SHA512-256"
    assert group.expand_message(message, tag, length).hex() == EXPANDED[message, length]


@given(st.binary(max_size=300), st.binary(min_size=1, max_size=255))
def test_the_expansion_that_hashing_uses_agrees_with_the_plain_one(message, tag):
    assert group.expand_message(message, tag, 64) == naive.expand(message, tag)


def test_a_source_of_randomness_that_gives_zero_is_refused():
    with pytest.raises(ConfigError, match="randomness"):
        group.random_scalar(bytes)


def make(count, key=None):
    key = key or group.random_scalar(secrets.token_bytes)
    before = [group.hash_to_element(bytes([i]), b"test") for i in range(count)]
    public = group.multiply_base(key)
    return public, before, voprf.evaluate(key, public, before, secrets.token_bytes)


@given(st.integers(1, 5))
@settings(max_examples=10, deadline=None)
def test_a_right_proof_verifies_and_folding_both_sides_equals_the_fast_way(count):
    key = group.small(7)
    public, before, (after, proof) = make(count, key)
    dleq.verify(public, before, after, proof)
    weights = dleq.weights(public, before, after)
    folded = group.weighted_sum(weights, before)
    assert group.multiply(key, folded) == group.weighted_sum(weights, after)


def swapped(public, before, after, proof):
    return public, before, [after[1], after[0], *after[2:]], proof


def other_key(public, before, after, proof):  # noqa: ARG001
    return group.multiply_base(group.small(99)), before, after, proof


def one_element_by_another_key(public, before, after, proof):
    return public, before, [*after[:-1], group.multiply(group.small(3), before[-1])], proof


def other_question(public, before, after, proof):
    return public, [*before[:-1], before[0]], after, proof


def identity(public, before, after, proof):
    return public, before, [*after[:-1], group.ZERO], proof


def too_few(public, before, after, proof):
    return public, before, after[:-1], proof


def no_elements(public, before, after, proof):  # noqa: ARG001 - one signature for all
    return public, [], [], proof


def proof_not_reduced(public, before, after, proof):
    response = int.from_bytes(proof[32:], "little") + group.ORDER
    return public, before, after, proof[:32] + response.to_bytes(32, "little")


def proof_of_zero(public, before, after, proof):  # noqa: ARG001
    return public, before, after, bytes(64)


def short_proof(public, before, after, proof):
    return public, before, after, proof[:-1]


FORGERIES = [
    swapped,
    other_key,
    one_element_by_another_key,
    other_question,
    identity,
    too_few,
    no_elements,
    proof_not_reduced,
    proof_of_zero,
    short_proof,
]


@pytest.mark.parametrize("forge", FORGERIES, ids=lambda forge: forge.__name__)
def test_a_forged_answer_is_refused(forge):
    public, before, (after, proof) = make(4)
    with pytest.raises(IntegrityError):
        dleq.verify(*forge(public, before, after, proof))


@given(st.integers(0, 511))
def test_a_proof_with_one_bit_changed_is_refused(bit):
    public, before, (after, proof) = make(2, group.small(12345))
    changed = bytearray(proof)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(IntegrityError):
        dleq.verify(public, before, after, bytes(changed))


def test_an_empty_batch_and_a_bad_element_are_not_evaluated():
    key = group.small(5)
    public = group.multiply_base(key)
    for elements in ([], [group.ZERO], [public, b"\xff" * 32]):
        with pytest.raises(IntegrityError):
            voprf.evaluate(key, public, elements, secrets.token_bytes)


@given(st.lists(st.binary(max_size=30), min_size=1, max_size=4), scalars)
@settings(max_examples=20, deadline=None)
def test_blinding_changes_nothing_of_the_result(inputs, key):
    blinded = voprf.blind(inputs, secrets.token_bytes)
    public = group.multiply_base(key)
    evaluation = voprf.evaluate(
        key, public, [hidden.element for hidden in blinded], secrets.token_bytes
    )
    outputs = voprf.finalize(inputs, blinded, evaluation, public)
    assert outputs == [voprf.value(key, text) for text in inputs]


def test_equal_inputs_look_different_when_they_are_blinded():
    first, second = voprf.blind([b"same", b"same"], secrets.token_bytes)
    assert first.element != second.element


def test_a_key_follows_from_its_seed_and_purpose():
    seed = sha512(b"seed").digest()[:32]
    assert voprf.derive_key(seed, b"a") != voprf.derive_key(seed, b"b")
    with pytest.raises(ConfigError, match="32 bytes"):
        voprf.derive_key(seed[:-1], b"a")
