"""The group ristretto255 (RFC 9496) and hashing into it (RFC 9380), on libsodium by way of rbcl.

Elements and scalars are 32 bytes in their one canonical encoding. What comes from elsewhere goes
through `element` or `scalar`, which refuse any other encoding, the identity and zero. libsodium's
addition gives the identity for an element that is none, and rbcl does not say so: only products and
checked elements are added here.

libsodium computes with scalars in constant time. Python does not: the length of a batch and whether
an input was refused can be timed, and bytes that Python copied stay in memory until it reuses it.
"""

import hmac
from collections.abc import Callable, Sequence
from functools import cache, reduce
from hashlib import sha512
from itertools import accumulate
from typing import Any, Final, NewType

from stillwatch.errors import ConfigError, IntegrityError

Element = NewType("Element", bytes)
"""A canonical encoding of a group element that is not the identity."""
Scalar = NewType("Scalar", bytes)
"""A canonical encoding, little-endian, of a number modulo `ORDER`."""
Randomness = Callable[[int], bytes]
"""Gives that many random bytes; `secrets.token_bytes` outside tests."""

ORDER: Final = 2**252 + 27742317777372353535851937790883648493
"""Number of elements of the group, a prime."""
BYTES: Final = 32
"""Length of an element and of a scalar."""
ZERO: Final = bytes(BYTES)
"""Encodes both zero and the identity; neither is accepted from elsewhere."""

_WIDE: Final = 64
_BLOCK: Final = 128


@cache
def _sodium() -> Any:
    """libsodium; rbcl unpacks it into the folder for temporary files when it is imported."""
    try:
        import rbcl  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigError("Blind matching needs rbcl: pip install 'stillwatch[share]'.") from error
    except OSError as error:
        raise ConfigError(
            "rbcl cannot unpack libsodium: let TMPDIR name a folder with space from which "
            "libraries may be loaded."
        ) from error
    return rbcl


def element(raw: bytes) -> Element:
    """Accept an element from elsewhere.

    Raises:
        IntegrityError: It is not a canonical encoding, or is the identity.
    """
    if (
        len(raw) != BYTES
        or raw == ZERO
        or not _sodium().crypto_core_ristretto255_is_valid_point(raw)
    ):
        raise IntegrityError("A group element is not encoded as RFC 9496 asks, or is the identity.")
    return Element(raw)


def scalar(raw: bytes) -> Scalar:
    """Accept a scalar from elsewhere, in constant time.

    Raises:
        IntegrityError: It is not a canonical encoding, or is zero.
    """
    if len(raw) != BYTES or not _is_scalar(raw):
        raise IntegrityError("A scalar is zero or not reduced modulo the order of the group.")
    return Scalar(raw)


def _is_scalar(raw: bytes) -> bool:
    reduced = reduce_wide(raw + bytes(_WIDE - BYTES))
    return hmac.compare_digest(reduced, raw) and not hmac.compare_digest(raw, ZERO)


def small(number: int) -> Scalar:
    """Encode a number that is no secret, modulo `ORDER`."""
    return Scalar((number % ORDER).to_bytes(BYTES, "little"))


def reduce_wide(wide: bytes) -> Scalar:
    """Reduce 64 bytes, little-endian, modulo `ORDER`."""
    return Scalar(_sodium().crypto_core_ristretto255_scalar_reduce(wide))


def random_scalar(randomness: Randomness) -> Scalar:
    """Draw a scalar from 64 random bytes, so that no value is favoured by more than 2^-259.

    Raises:
        ConfigError: The source gave bytes that make zero: it is not random.
    """
    drawn = reduce_wide(randomness(_WIDE))
    if drawn == ZERO:
        raise ConfigError("The source of randomness gave zero: give one that is random.")
    return drawn


def add_scalars(left: Scalar, right: Scalar) -> Scalar:
    """Add modulo `ORDER`."""
    return Scalar(_sodium().crypto_core_ristretto255_scalar_add(left, right))


def subtract_scalars(left: Scalar, right: Scalar) -> Scalar:
    """Subtract modulo `ORDER`."""
    return Scalar(_sodium().crypto_core_ristretto255_scalar_sub(left, right))


def multiply_scalars(left: Scalar, right: Scalar) -> Scalar:
    """Multiply modulo `ORDER`."""
    return Scalar(_sodium().crypto_core_ristretto255_scalar_mul(left, right))


def invert_all(scalars: Sequence[Scalar]) -> list[Scalar]:
    """Invert many with one inversion (Montgomery's trick): 20 times as fast as one by one.

    Args:
        scalars: None may be zero.
    """
    if not scalars:
        return []
    products = list(accumulate(scalars, multiply_scalars))
    inverse = Scalar(_sodium().crypto_core_ristretto255_scalar_invert(products[-1]))
    inverses = []
    for before, own in zip(reversed(products[:-1]), reversed(scalars[1:]), strict=True):
        inverses.append(multiply_scalars(inverse, before))
        inverse = multiply_scalars(inverse, own)
    return [inverse, *reversed(inverses)]


def multiply(factor: Scalar, point: bytes) -> Element:
    """Multiply an element by a scalar; the element is checked on the way, at no cost.

    Raises:
        IntegrityError: The element is no canonical encoding, or the product is the identity.
    """
    try:
        return Element(_sodium().crypto_scalarmult_ristretto255(factor, point))
    except (RuntimeError, ValueError):
        raise IntegrityError(
            "A group element is not encoded as RFC 9496 asks, or is the identity."
        ) from None


def multiply_base(factor: Scalar) -> Element:
    """Multiply the generator by a scalar that is not zero."""
    return Element(_sodium().crypto_scalarmult_ristretto255_base(factor))


def add(left: Element, right: Element) -> Element:
    """Add two elements that were checked or computed here; the sum may be the identity."""
    return Element(_sodium().crypto_core_ristretto255_add(left, right))


def weighted_sum(factors: Sequence[Scalar], points: Sequence[bytes]) -> Element:
    """Add elements, each times its scalar; at least one.

    One multiplication each is the fastest way here: libsodium decodes and encodes at each
    addition, so that the many additions of Pippenger's method cost more than they save.

    Raises:
        IntegrityError: An element is no canonical encoding, or is the identity.
    """
    return reduce(add, map(multiply, factors, points))


def expand_message(message: bytes, domain: bytes, length: int) -> bytes:
    """Spread a message over uniform bytes: expand_message_xmd of RFC 9380 with SHA-512.

    Args:
        message: Of any length.
        domain: Keeps this use apart from others, 1 to 255 bytes.
        length: Bytes wanted, at most 255 times 64.
    """
    suffix = domain + bytes([len(domain)])
    first = sha512(bytes(_BLOCK) + message + length.to_bytes(2, "big") + b"\0" + suffix).digest()
    block = sha512(first + b"\1" + suffix).digest()
    blocks = [block]
    for number in range(2, -(-length // _WIDE) + 1):
        mixed = bytes(a ^ b for a, b in zip(first, block, strict=True))
        block = sha512(mixed + bytes([number]) + suffix).digest()
        blocks.append(block)
    return b"".join(blocks)[:length]


def hash_to_scalar(message: bytes, domain: bytes) -> Scalar:
    """Hash a message to a scalar; RFC 9497, section 4.1."""
    return reduce_wide(expand_message(message, domain, _WIDE))


def hash_to_element(message: bytes, domain: bytes) -> Element:
    """Hash a message to an element of which nobody knows the logarithm; RFC 9380, appendix B."""
    return Element(
        _sodium().crypto_core_ristretto255_from_hash(expand_message(message, domain, _WIDE))
    )
