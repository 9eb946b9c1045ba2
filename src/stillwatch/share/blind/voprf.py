"""RFC 9497: an oblivious pseudorandom function that can be verified, over ristretto255-SHA512.

A client blinds inputs, a server multiplies them by its key and proves it, the client removes the
blinds. The client learns the function's values and nothing of the key, the server learns only how
many there were. This is the mode VOPRF (1). The mode OPRF (0), which has no proof, differs in its
context alone; the mode POPRF (2), with an input that both see, is not used and not here.
"""

from collections.abc import Sequence
from hashlib import sha512
from typing import Final, NamedTuple

from stillwatch.errors import ConfigError, InputError, IntegrityError
from stillwatch.share.blind import dleq, group
from stillwatch.share.blind.group import ZERO, Element, Randomness, Scalar

OUTPUT_BYTES: Final = 64
"""Length of a value of the function."""
MAX_INPUT: Final = 2**16 - 1
"""Bytes that an input can have: its length is hashed in two."""
OPRF_CONTEXT: Final = b"OPRFV1-\x00-ristretto255-SHA512"
"""Context of the mode without proofs."""

INPUT_DOMAIN: Final = b"HashToGroup-" + dleq.CONTEXT
"""Domain in which the mode VOPRF hashes inputs."""

_FINAL: Final = b"Finalize"


class Blinded(NamedTuple):
    """An input as the server sees it, and the secret that hides it."""

    blind: Scalar
    element: Element


class Evaluation(NamedTuple):
    """Elements times the key, in order, and the proof of it."""

    elements: list[Element]
    proof: bytes


def derive_key(seed: bytes, info: bytes, context: bytes = dleq.CONTEXT) -> Scalar:
    """Derive a key from a seed (`DeriveKeyPair`).

    Args:
        seed: 32 secret random bytes.
        info: What the key is for; public, at most 65,535 bytes.
        context: Of the mode.

    Raises:
        ConfigError: The seed has another length, or no key could be derived.
    """
    if len(seed) != 32:
        raise ConfigError("The seed of a key must have 32 bytes.")
    message = seed + len(info).to_bytes(2, "big") + info
    for counter in range(256):
        key = group.hash_to_scalar(message + bytes([counter]), b"DeriveKeyPair" + context)
        if key != ZERO:
            return key
    raise ConfigError("No key follows from this seed: take another.")


def blind(
    inputs: Sequence[bytes], randomness: Randomness, context: bytes = dleq.CONTEXT
) -> list[Blinded]:
    """Hide inputs, each behind a scalar of its own.

    Raises:
        InputError: An input is longer than `MAX_INPUT`, or hashes to the identity.
    """
    hidden = []
    for text in inputs:
        if len(text) > MAX_INPUT:
            raise InputError(f"An input has more than {MAX_INPUT} bytes: give a shorter one.")
        point = group.hash_to_element(text, b"HashToGroup-" + context)
        if point == ZERO:
            raise InputError("An input hashes to the identity: leave it out.")
        factor = group.random_scalar(randomness)
        hidden.append(Blinded(factor, group.multiply(factor, point)))
    return hidden


def multiply_all(key: Scalar, elements: Sequence[bytes]) -> list[Element]:
    """Multiply blinded elements by the key, without a proof (`BlindEvaluate` of the mode OPRF).

    Raises:
        IntegrityError: An element is no canonical encoding, or is the identity.
    """
    return [group.multiply(key, point) for point in elements]


def evaluate(
    key: Scalar, public: Element, elements: Sequence[bytes], randomness: Randomness
) -> Evaluation:
    """Multiply blinded elements by the key and prove it (`BlindEvaluate`).

    Args:
        key: The server's secret.
        public: `key` times the generator.
        elements: 1 to 65,535 elements from a client.
        randomness: Source of the proof's nonce.

    Raises:
        IntegrityError: An element is no canonical encoding, or is the identity, or there are none
            or too many.
    """
    if not 0 < len(elements) <= dleq.MAX_BATCH:
        raise IntegrityError(f"A batch must have 1 to {dleq.MAX_BATCH} elements.")
    products = multiply_all(key, elements)
    return Evaluation(products, dleq.prove(key, public, elements, products, randomness))


def finalize(
    inputs: Sequence[bytes],
    blinded: Sequence[Blinded],
    evaluation: Evaluation,
    public: bytes,
) -> list[bytes]:
    """Verify what a server sent and remove the blinds (`Finalize`): the function's values.

    Raises:
        IntegrityError: The proof does not fit.
    """
    before = [hidden.element for hidden in blinded]
    dleq.verify(public, before, evaluation.elements, evaluation.proof)
    return unblind(inputs, blinded, evaluation.elements)


def unblind(
    inputs: Sequence[bytes], blinded: Sequence[Blinded], products: Sequence[bytes]
) -> list[bytes]:
    """Remove the blinds from elements that were verified, or need no proof.

    Raises:
        IntegrityError: An element is no canonical encoding, or is the identity.
    """
    inverses = group.invert_all([hidden.blind for hidden in blinded])
    return [
        _output(text, group.multiply(inverse, point))
        for text, inverse, point in zip(inputs, inverses, products, strict=True)
    ]


def value(key: Scalar, text: bytes, context: bytes = dleq.CONTEXT) -> bytes:
    """The function of one input by who has the whole key (`Evaluate`); the reference for tests."""
    return _output(
        text, group.multiply(key, group.hash_to_element(text, b"HashToGroup-" + context))
    )


def _output(text: bytes, point: Element) -> bytes:
    size = len(text).to_bytes(2, "big")
    return sha512(size + text + len(point).to_bytes(2, "big") + point + _FINAL).digest()
