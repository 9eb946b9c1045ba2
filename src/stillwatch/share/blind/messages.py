"""What members and holders send each other: sizes are limited, unknown fields refused."""

from hashlib import sha512
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta

from stillwatch.errors import PeerError
from stillwatch.share.blind.committee import Bytes32, Epoch, Party

BATCH: Final = 1024
"""Elements of a question at most; larger questions are asked in several."""
TAG_BYTES: Final = 16
"""Length of a published tag: of 10 million tags against a million asked, one in 3e25 agrees by
chance, and a value that a question gives cannot be read from it."""
MAX_TAGS: Final = 2**22
"""Tags of a published set at most."""
MAX_MESSAGE: Final = 128 * 2**20
"""Bytes of a message at most; they are refused before they are parsed."""

Count = Annotated[int, Meta(ge=1, le=2**31)]
Tag = Annotated[bytes, Meta(min_length=TAG_BYTES, max_length=TAG_BYTES)]
Elements = Annotated[tuple[Bytes32, ...], Meta(min_length=1, max_length=BATCH)]


class Attestation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The asker's word that every account is of an extraction or relay campaign of its own.

    Attributes:
        campaigns: How many campaigns the accounts are of.
        elements: How many elements the question has; padding counts.
        commitment: Digest of the `Opening`, which an auditor can ask for.
    """

    campaigns: Count
    elements: Annotated[int, Meta(ge=1, le=BATCH)]
    commitment: Bytes32


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="question/1"):
    """Blinded accounts, from a member to the holders.

    Attributes:
        epoch: Of the key.
        key_id: Of the key.
        asker: Name of the member.
        attestation: What the asker vouches for.
        elements: Blinded identifiers and padding, in ascending order, so that order tells nothing.
    """

    epoch: Epoch
    key_id: Bytes32
    asker: Party
    attestation: Attestation
    elements: Elements


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="answer/1"):
    """A holder's part of the evaluation.

    Attributes:
        question: Digest of the question.
        key_id: Of the key.
        holder: Index of the holder.
        elements: Those of the question times the holder's share, in order.
        proof: That they are, 64 bytes.
    """

    question: Bytes32
    key_id: Bytes32
    holder: Annotated[int, Meta(ge=1, le=255)]
    elements: Elements
    proof: Annotated[bytes, Meta(min_length=64, max_length=64)]


class TagSet(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="tags/1"):
    """What a member publishes of its campaign accounts under an epoch's key.

    Attributes:
        epoch: Of the key.
        key_id: Of the key.
        owner: Name of the member.
        number: Counts the member's sets of this epoch from 0.
        tags: In ascending order, padding among them.
    """

    epoch: Epoch
    key_id: Bytes32
    owner: Party
    number: Annotated[int, Meta(ge=0, lt=2**31)]
    tags: Annotated[tuple[Tag, ...], Meta(min_length=1, max_length=MAX_TAGS)]


class OpeningRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One element of a question; padding has no campaign and no account."""

    campaign_id: str
    account_id: str
    identifier: bytes
    blind: Bytes32


class Opening(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an auditor, and nobody else, may be shown of a question.

    Attributes:
        salt: 32 random bytes.
        rows: One for each element, in the question's order.
    """

    salt: Bytes32
    rows: Annotated[tuple[OpeningRow, ...], Meta(min_length=1, max_length=BATCH)]


Message = TypeVar("Message", bound=msgspec.Struct)


def encode(message: msgspec.Struct) -> bytes:
    """Encode a message as MessagePack; the same message gives the same bytes."""
    return msgspec.msgpack.encode(message)


def decode(data: bytes, kind: type[Message]) -> Message:
    """Read a message from elsewhere.

    Raises:
        PeerError: It is too large, not of that kind, or breaks a limit.
    """
    if len(data) > MAX_MESSAGE:
        raise PeerError(f"A message has more than {MAX_MESSAGE} bytes: it is not read.")
    try:
        return msgspec.msgpack.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise PeerError(f"A message is no valid {kind.__name__}: {error}.") from error


def digest(*parts: Any) -> bytes:
    """32 bytes that stand for messages or values, in order."""
    return sha512(msgspec.msgpack.encode(parts)).digest()[:32]
