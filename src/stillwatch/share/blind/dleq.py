"""Proofs that many elements were multiplied by one secret scalar (RFC 9497, section 2.2).

The elements are folded into one pair, with weights that the hash of all of them gives. Who knows
the scalar folds only one side and multiplies it once (`ComputeCompositesFast`); the verifier folds
both.
"""

from collections.abc import Sequence
from hashlib import sha512
from typing import Final

from stillwatch.errors import IntegrityError
from stillwatch.share.blind import group
from stillwatch.share.blind.group import BYTES, Element, Randomness, Scalar

CONTEXT: Final = b"OPRFV1-\x01-ristretto255-SHA512"
"""Separates this mode and suite from all others (RFC 9497, section 3.1)."""
MAX_BATCH: Final = 2**16 - 1
"""Elements that one proof can cover: their number is hashed in two bytes."""

_HASH_DOMAIN: Final = b"HashToScalar-" + CONTEXT
_SEED_DOMAIN: Final = b"Seed-" + CONTEXT
_SIZE: Final = BYTES.to_bytes(2, "big")


def prove(
    key: Scalar,
    public: Element,
    before: Sequence[bytes],
    after: Sequence[bytes],
    randomness: Randomness,
) -> bytes:
    """Prove that every element of `after` is `key` times that of `before`.

    Args:
        key: The secret.
        public: `key` times the generator.
        before: At most `MAX_BATCH` elements.
        after: As many.
        randomness: Source of the proof's nonce; a nonce used twice gives the key away.

    Returns:
        64 bytes: challenge and response.

    Raises:
        IntegrityError: An element of `before` is no canonical encoding, or is the identity.
    """
    folded = group.weighted_sum(weights(public, before, after), before)
    product = group.multiply(key, folded)
    nonce = group.random_scalar(randomness)
    commitments = group.multiply_base(nonce), group.multiply(nonce, folded)
    challenge = _challenge(public, folded, product, *commitments)
    response = group.subtract_scalars(nonce, group.multiply_scalars(challenge, key))
    return challenge + response


def verify(public: bytes, before: Sequence[bytes], after: Sequence[bytes], proof: bytes) -> None:
    """Check a proof of `prove`.

    Raises:
        IntegrityError: The proof is wrong, or an element, scalar or number of elements is.
    """
    if len(before) != len(after) or not 0 < len(before) <= MAX_BATCH or len(proof) != 2 * BYTES:
        raise IntegrityError("A proof, or the number of elements under it, has the wrong size.")
    challenge, response = group.scalar(proof[:BYTES]), group.scalar(proof[BYTES:])
    factors = weights(public, before, after)
    folded, product = group.weighted_sum(factors, before), group.weighted_sum(factors, after)
    first = group.add(group.multiply_base(response), group.multiply(challenge, public))
    second = group.add(group.multiply(response, folded), group.multiply(challenge, product))
    if challenge != _challenge(public, folded, product, first, second):
        raise IntegrityError("A proof does not fit: an element was not made with the key it names.")


def weights(public: bytes, before: Sequence[bytes], after: Sequence[bytes]) -> list[Scalar]:
    """The factor of each pair, as `ComputeComposites` of RFC 9497 takes them from all pairs."""
    size = len(_SEED_DOMAIN).to_bytes(2, "big")
    seed = sha512(_SIZE + public + size + _SEED_DOMAIN).digest()
    head = len(seed).to_bytes(2, "big") + seed
    return [
        group.hash_to_scalar(
            head + number.to_bytes(2, "big") + _SIZE + left + _SIZE + right + b"Composite",
            _HASH_DOMAIN,
        )
        for number, (left, right) in enumerate(zip(before, after, strict=True))
    ]


def _challenge(*parts: bytes) -> Scalar:
    """Challenge of the public half, the folded pair and the two commitments."""
    transcript = b"".join(_SIZE + part for part in parts) + b"Challenge"
    return group.hash_to_scalar(transcript, _HASH_DOMAIN)
