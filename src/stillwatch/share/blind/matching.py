"""Asking and answering: what a member sends, what a holder answers, and how an answer is checked.

A member's session goes through these states; whatever is not here is refused and changes nothing:

| state | event | next |
|---|---|---|
| asked | a right answer of a holder that has not answered, not yet the last one needed | asked |
| asked | the last right answer needed | answered |
| answered | `values`: combine, unblind | answered |

Everything is a value. The transport carries the messages and says who sent them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from stillwatch.errors import InputError, IntegrityError, PeerError
from stillwatch.share.blind import group, threshold, voprf
from stillwatch.share.blind.committee import Committee
from stillwatch.share.blind.eligible import Candidate, Eligible
from stillwatch.share.blind.group import BYTES, Randomness
from stillwatch.share.blind.messages import (
    BATCH,
    Answer,
    Attestation,
    Opening,
    OpeningRow,
    Question,
    digest,
)
from stillwatch.share.blind.quota import Ledger, Quota
from stillwatch.share.blind.threshold import KeyShare
from stillwatch.share.blind.voprf import Blinded, Evaluation

MIN_PADDED: Final = 64
"""Elements of the smallest question."""
_PADDING: Final = b"stillwatch/padding/1\0"
_COMMITMENT: Final = b"stillwatch/blind/opening/1"


class State(StrEnum):
    """Where a session stands; the table is at the top of this file."""

    ASKED = "asked"
    ANSWERED = "answered"


@dataclass(frozen=True, slots=True)
class Session:
    """A member's side of one question; the opening and the blinds are secrets.

    Attributes:
        committee: Of the key.
        question: What is sent to the holders.
        opening: What an auditor may ask for.
        parts: Right answers so far, by the holder's index.
    """

    committee: Committee
    question: Question
    opening: Opening = field(repr=False)
    parts: Mapping[int, tuple[bytes, ...]] = field(
        default_factory=lambda: MappingProxyType({}), repr=False
    )

    @property
    def state(self) -> State:
        """Where the session stands."""
        enough = len(self.parts) >= self.committee.roster.threshold
        return State.ANSWERED if enough else State.ASKED


@dataclass(frozen=True, slots=True)
class Values:
    """The function's values of a member's candidates under one key: secrets of the member."""

    committee: Committee
    of: Mapping[Candidate, bytes] = field(repr=False)


def padded(count: int) -> int:
    """Elements that are sent for a count: the next power of two, from `BATCH` on whole batches."""
    if count > BATCH:
        return -(-count // BATCH) * BATCH
    return max(MIN_PADDED, 1 << (count - 1).bit_length())


def ask(
    candidates: Eligible, committee: Committee, asker: str, randomness: Randomness
) -> list[Session]:
    """Blind a member's candidates and vouch for them.

    Args:
        candidates: From `eligible`.
        committee: Of the epoch's key.
        asker: The member's name.
        randomness: Source of the blinds, the padding and the salts.

    Returns:
        One session for each batch.

    Raises:
        InputError: There is nothing to ask.
    """
    if not candidates:
        raise InputError("No account is to be asked about: a scan found no such campaign.")
    filler = padded(len(candidates)) - len(candidates)
    asked = [*candidates, *(Candidate("", "", _PADDING + randomness(BYTES)) for _ in range(filler))]
    # Padding goes anywhere among the batches: the last must not be known to be the padded one.
    asked.sort(key=lambda _: randomness(16))
    return [
        _session(asked[start : start + BATCH], committee, asker, randomness)
        for start in range(0, len(asked), BATCH)
    ]


def _session(
    asked: list[Candidate], committee: Committee, asker: str, randomness: Randomness
) -> Session:
    hidden = voprf.blind([candidate.identifier for candidate in asked], randomness)
    order = sorted(range(len(asked)), key=lambda place: hidden[place].element)
    rows = tuple(OpeningRow(*asked[place], blind=hidden[place].blind) for place in order)
    opening = Opening(salt=randomness(BYTES), rows=rows)
    campaigns = {row.campaign_id for row in rows} - {""}
    question = Question(
        epoch=committee.roster.epoch,
        key_id=committee.key_id,
        asker=asker,
        # A batch of padding alone counts one campaign, like a small one.
        attestation=Attestation(max(1, len(campaigns)), len(rows), _commit(opening)),
        elements=tuple(hidden[place].element for place in order),
    )
    return Session(committee, question, opening)


def answer(
    question: Question,
    *,
    sender: str,
    share: KeyShare,
    committee: Committee,
    quota: Quota,
    ledger: Ledger,
    now: datetime,
    randomness: Randomness,
) -> tuple[Answer, Ledger]:
    """Evaluate a question, if everything about it is right.

    Args:
        question: As decoded; sizes hold.
        sender: Who sent it, as the transport authenticated it.
        share: The holder's secret.
        committee: Of the holder's current key.
        quota: Of the sender.
        ledger: What was booked in this epoch.
        now: The time.
        randomness: Source of the proof's nonce.

    Returns:
        The answer, and the ledger to keep: store it before the answer is sent.

    Raises:
        PeerError: The question is not the sender's, of another key, vouches for another number of
            elements, or exceeds the quota.
        IntegrityError: An element is no canonical encoding, or is the identity.
    """
    for right, message in (
        (question.asker == sender, "The question bears another name than its sender's."),
        (
            committee.key_id == share.key_id == ledger.key_id == question.key_id
            and question.epoch == committee.roster.epoch,
            "The question is of another key than this epoch's: ask anew under the current one.",
        ),
        (
            question.attestation.elements == len(question.elements) <= BATCH,
            "The question vouches for another number of elements than it has, or has too many.",
        ),
        (
            list(question.elements) == sorted(set(question.elements)),
            "The elements of the question do not ascend.",
        ),
    ):
        if not right:
            raise PeerError(message)
    booked = ledger.spend(quota, sender, len(question.elements), now)
    products, proof = threshold.evaluate(share, question.elements, randomness)
    reply = Answer(
        question=digest(question),
        key_id=share.key_id,
        holder=share.index,
        elements=tuple(products),
        proof=proof,
    )
    return reply, booked


def accept(session: Session, reply: Answer) -> Session:
    """Check a holder's answer and take it in.

    Raises:
        PeerError: It is to another question, of another key, a second answer of that holder, or
            one more than is needed.
        IntegrityError: The holder did not use its share; names the party.
    """
    if reply.question != digest(session.question) or reply.key_id != session.committee.key_id:
        raise PeerError("The answer is to another question or of another key.")
    if session.state is State.ANSWERED:
        raise PeerError("The question is answered: no further answer is needed.")
    if reply.holder in session.parts:
        raise PeerError(f"Holder {reply.holder} has answered already.")
    part = Evaluation([*map(group.Element, reply.elements)], reply.proof)
    threshold.check_part(session.committee, reply.holder, session.question.elements, part)
    parts = MappingProxyType({**session.parts, reply.holder: reply.elements})
    return replace(session, parts=parts)


def values(sessions: list[Session]) -> Values:
    """Combine the answers of a member's sessions, and unblind them.

    Raises:
        InputError: A session lacks answers, or the sessions are of several keys.
    """
    if len({session.committee.key_id for session in sessions}) != 1:
        raise InputError("The sessions are of several keys, or there are none: take one epoch's.")
    found: dict[Candidate, bytes] = {}
    for session in sessions:
        rows = session.opening.rows
        products = threshold.combine(session.committee, session.parts)
        hidden = [
            Blinded(group.Scalar(row.blind), group.Element(element))
            for row, element in zip(rows, session.question.elements, strict=True)
        ]
        outputs = voprf.unblind([row.identifier for row in rows], hidden, products)
        for row, output in zip(rows, outputs, strict=True):
            if row.campaign_id:
                found[Candidate(row.campaign_id, row.account_id, row.identifier)] = output
    return Values(sessions[0].committee, MappingProxyType(found))


def audit(question: Question, opening: Opening) -> list[Candidate]:
    """Show an auditor what was asked: nothing else can have been.

    Returns:
        The accounts, to be compared with the evidence for their campaigns.

    Raises:
        IntegrityError: The opening is not the one that the question commits to, or other elements
            were asked.
    """
    if question.attestation.commitment != _commit(opening):
        raise IntegrityError("The opening is not the one that the question commits to.")
    elements = []
    for row in opening.rows:
        point = group.hash_to_element(row.identifier, voprf.INPUT_DOMAIN)
        elements.append(group.multiply(group.scalar(row.blind), point))
    if tuple(elements) != question.elements:
        raise IntegrityError("The opening names other accounts than were asked about.")
    asked = [row for row in opening.rows if not row.identifier.startswith(_PADDING)]
    if max(1, len({row.campaign_id for row in asked})) != question.attestation.campaigns:
        raise IntegrityError("The question vouches for another number of campaigns than it has.")
    return [Candidate(row.campaign_id, row.account_id, row.identifier) for row in asked]


def _commit(opening: Opening) -> bytes:
    return digest(_COMMITMENT, opening)
