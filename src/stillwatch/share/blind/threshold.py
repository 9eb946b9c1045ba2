"""A key that nobody has: dealt in shares, of which `threshold` together evaluate.

The holders make it together (Pedersen 1991, with Feldman's commitments and the proofs of possession
of Komlo and Goldberg 2020), so there is no dealer who knows it:

| step | who | does | when it fails |
|---|---|---|---|
| deal | each holder | `deal`: publishes its `Deal`, sends each holder its share in private | |
| receive | each holder | `receive`: checks every deal and the shares it was sent | the error names the dealer: a complaint. The dealer publishes that one share, all check it with `check_share`; is it wrong or withheld, all begin anew without the dealer |
| agree | everyone | `agree`: the public half of the key, and an id of all that was dealt | ids that differ: somebody said different things to different parties; all begin anew |

A holder who deals last can choose among keys it does not know (Gennaro and others 2007). That biases
the public half; it helps nobody to compute the function.
"""  # noqa: E501 - a table row is one line

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from hashlib import sha512
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from stillwatch.errors import InputError, IntegrityError
from stillwatch.share.blind import dleq, group, voprf
from stillwatch.share.blind.committee import Bytes32, Committee, Roster
from stillwatch.share.blind.group import BYTES, ORDER, ZERO, Element, Randomness, Scalar
from stillwatch.share.blind.voprf import Evaluation

_POSSESSION_DOMAIN: Final = b"stillwatch/blind/possession/1"
_KEY_DOMAIN: Final = b"stillwatch/blind/key/1"


class Deal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one holder publishes when a key is made.

    Attributes:
        dealer: Its index.
        commitments: The coefficients of its polynomial times the generator, constant first.
        possession: Proof that it knows the constant, 64 bytes: nobody can deal the negative of what
            others dealt.
    """

    dealer: int
    commitments: tuple[Bytes32, ...]
    possession: Annotated[bytes, Meta(min_length=64, max_length=64)]


@dataclass(frozen=True, slots=True)
class Dealing:
    """A holder's deal with the shares that it sends, each to one holder alone, by index."""

    deal: Deal
    shares: Mapping[int, Scalar] = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeyShare:
    """A holder's share of a key: a secret."""

    key_id: bytes
    index: int
    public: Element
    secret: Scalar = field(repr=False)


def deal(roster: Roster, dealer: int, randomness: Randomness) -> Dealing:
    """Choose a polynomial and deal its values.

    Args:
        roster: The holders of the key to be made.
        dealer: The index of who deals.
        randomness: Source of the polynomial.

    Raises:
        InputError: No holder has that index.
    """
    roster.holder(dealer)
    coefficients = [group.random_scalar(randomness) for _ in range(roster.threshold)]
    commitments = tuple(group.multiply_base(coefficient) for coefficient in coefficients)
    nonce = group.random_scalar(randomness)
    challenge = _possession(roster, dealer, commitments[0], group.multiply_base(nonce))
    product = group.multiply_scalars(challenge, coefficients[0])
    possession = challenge + group.subtract_scalars(nonce, product)
    shares = {
        holder.index: _value_at(coefficients, group.small(holder.index))
        for holder in roster.holders
    }
    return Dealing(Deal(dealer, commitments, possession), shares)


def check_deal(roster: Roster, deal: Deal) -> None:
    """Check what a holder published.

    Raises:
        IntegrityError: It is not what a dealer of this roster publishes; names the party.
    """
    party = roster.holder(deal.dealer).party
    fits = len(deal.commitments) == roster.threshold
    try:
        fits = fits and _proves_possession(roster, deal)
    except IntegrityError:
        fits = False
    if not fits:
        raise IntegrityError(
            f"The deal of {party} is wrong: begin without it. It has another number of commitments "
            "than the threshold, one that is no element, or no proof of possession."
        )


def check_share(roster: Roster, deal: Deal, index: int, share: bytes) -> Scalar:
    """Check a share against its dealer's commitments; also how a complaint is settled.

    Args:
        roster: The holders.
        deal: What the dealer published, accepted by `check_deal`.
        index: Whose share it is.
        share: What the dealer sent.

    Raises:
        IntegrityError: It does not fit; names the dealer's party.
    """
    party = roster.holder(deal.dealer).party
    complaint = f"The share that {party} dealt to holder {index} does not fit: complain."
    try:
        secret = group.scalar(share)
    except IntegrityError as error:
        raise IntegrityError(complaint) from error
    if group.multiply_base(secret) != _committed_at(deal.commitments, index):
        raise IntegrityError(complaint)
    return secret


def agree(roster: Roster, deals: Iterable[Deal]) -> Committee:
    """Add up the deals of all holders; anyone can, and all who saw the same get the same.

    Args:
        roster: The holders.
        deals: One of each holder, in any order.

    Raises:
        InputError: A deal is missing or there are two of one holder.
        IntegrityError: A deal is wrong; names the party.
    """
    ordered = sorted(deals, key=lambda deal: deal.dealer)
    if [deal.dealer for deal in ordered] != [holder.index for holder in roster.holders]:
        raise InputError("Each holder of the roster must have dealt once: collect the deals anew.")
    for one in ordered:
        check_deal(roster, one)
    columns = zip(*(one.commitments for one in ordered), strict=True)
    sums = [reduce(group.add, map(Element, column)) for column in columns]
    if ZERO in sums:
        raise IntegrityError("The deals add up to the identity: begin anew.")
    transcript = msgspec.msgpack.encode((roster, ordered))
    return Committee(
        roster=roster,
        key_id=sha512(_KEY_DOMAIN + transcript).digest()[:BYTES],
        public=sums[0],
        shares=tuple(_committed_at(sums, holder.index) for holder in roster.holders),
    )


def receive(
    roster: Roster, deals: Iterable[Deal], index: int, shares: Mapping[int, bytes]
) -> tuple[Committee, KeyShare]:
    """Check all that a holder was dealt and add up its share.

    Args:
        roster: The holders.
        deals: One of each holder.
        index: Of the holder who receives.
        shares: What each dealer sent to it, by the dealer's index, its own included.

    Raises:
        InputError: A deal or a share is missing.
        IntegrityError: A deal or a share is wrong; names the dealer's party.
    """
    known = list(deals)
    committee = agree(roster, known)
    if set(shares) != {one.dealer for one in known}:
        raise InputError("A share of a dealer is missing: ask the dealer for it, or complain.")
    checked = [check_share(roster, one, index, shares[one.dealer]) for one in known]
    secret = reduce(group.add_scalars, checked)
    return committee, KeyShare(committee.key_id, index, group.multiply_base(secret), secret)


def evaluate(share: KeyShare, elements: Sequence[bytes], randomness: Randomness) -> Evaluation:
    """Multiply blinded elements by a share and prove it, as RFC 9497 does with a whole key.

    Raises:
        IntegrityError: An element is no canonical encoding, or is the identity.
    """
    return voprf.evaluate(share.secret, share.public, elements, randomness)


def check_part(
    committee: Committee, index: int, elements: Sequence[bytes], part: Evaluation
) -> None:
    """Check what one holder evaluated against its public share.

    Raises:
        IntegrityError: The proof does not fit; names the party.
    """
    try:
        dleq.verify(committee.public_share(index), elements, part.elements, part.proof)
    except IntegrityError as error:
        party = committee.roster.holder(index).party
        raise IntegrityError(
            f"The answer of {party} is wrong: ask another holder. {error}"
        ) from error


def combine(committee: Committee, parts: Mapping[int, Sequence[bytes]]) -> list[Element]:
    """Combine checked parts to what the whole key would have given.

    Args:
        committee: Of the key.
        parts: Elements that `check_part` accepted, by the holder's index; the first `threshold`
            are used.

    Raises:
        InputError: There are fewer than the threshold.
        IntegrityError: An element is no canonical encoding, or is the identity.
    """
    needed = committee.roster.threshold
    if len(parts) < needed:
        raise InputError(f"{len(parts)} of {needed} answers are there: ask more holders.")
    quorum = sorted(parts)[:needed]
    factors = [_weight_at_zero(index, quorum) for index in quorum]
    columns = zip(*(parts[index] for index in quorum), strict=True)
    return [group.weighted_sum(factors, column) for column in columns]


def _value_at(coefficients: Sequence[Scalar], place: Scalar) -> Scalar:
    """The polynomial's value, by Horner's rule, in constant time."""
    return reduce(
        lambda total, coefficient: group.add_scalars(
            group.multiply_scalars(total, place), coefficient
        ),
        reversed(coefficients),
    )


def _committed_at(commitments: Sequence[bytes], index: int) -> Element:
    """The polynomial's value times the generator, from the commitments alone."""
    powers = [group.small(pow(index, k, ORDER)) for k in range(len(commitments))]
    return group.weighted_sum(powers, commitments)


def _weight_at_zero(index: int, quorum: Sequence[int]) -> Scalar:
    """Lagrange's factor of one holder; the indices are no secret."""
    above, below = 1, 1
    for other in quorum:
        if other != index:
            above, below = above * other % ORDER, below * (other - index) % ORDER
    return group.small(above * pow(below, -1, ORDER))


def _proves_possession(roster: Roster, deal: Deal) -> bool:
    commitments = [group.element(raw) for raw in deal.commitments]
    constant = commitments[0]
    challenge = group.scalar(deal.possession[:BYTES])
    answer = group.multiply_base(group.scalar(deal.possession[BYTES:]))
    nonce = group.add(answer, group.multiply(challenge, constant))
    return challenge == _possession(roster, deal.dealer, constant, nonce)


def _possession(roster: Roster, dealer: int, constant: Element, nonce: Element) -> Scalar:
    transcript = msgspec.msgpack.encode((roster, dealer, constant, nonce))
    return group.hash_to_scalar(transcript, _POSSESSION_DOMAIN)
