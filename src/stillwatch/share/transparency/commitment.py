"""What a leaf says: a salted commitment to something that the hub took.

A commitment is HMAC-SHA-256 under a salt of 32 random bytes. Who has salt and content can show what
a leaf stands for, and nothing else; who lacks the salt cannot confirm a guess of the content, and
does not even see its type or length. To erase what a leaf stands for, drop salt and content
wherever they are: the leaf stays, and with it every root and proof.
"""

import hmac
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from stillwatch.errors import InputError, IntegrityError

SALT_BYTES: Final = 32
"""Length of a salt."""
COMMITMENT_BYTES: Final = 32
"""Length of a commitment, which is the whole entry of a leaf."""

_DOMAIN: Final = b"stillwatch/transparency/commitment/1"


class LeafType(StrEnum):
    """What a leaf stands for."""

    OBJECT = "object"
    OPINION = "opinion"
    REVOCATION = "revocation"
    MEMBERSHIP = "membership"


@dataclass(frozen=True, slots=True)
class Opening:
    """What opens a commitment; goes to those alone who may see the content.

    Attributes:
        type: What it is.
        salt: 32 random bytes, drawn for this leaf alone; `secrets.token_bytes(32)`. Whoever
            contributes may draw it.
        content: What was taken, in the canonical form that is digitally signed.

    Raises:
        InputError: The salt has another length.
    """

    type: LeafType
    salt: bytes = field(repr=False)
    content: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """A salt of another length would let one leaf be opened in two ways, or be guessed."""
        if len(self.salt) != SALT_BYTES:
            raise InputError(f"The salt of a commitment must have {SALT_BYTES} random bytes.")

    def commitment(self) -> bytes:
        """The commitment that this opens: the entry of the log, 32 bytes."""
        message = b"\n".join((_DOMAIN, self.type.encode(), self.content))
        return hmac.digest(self.salt, message, "sha256")


def verify_opening(commitment: bytes, opening: Opening) -> None:
    """Check that an opening fits a commitment.

    Raises:
        IntegrityError: It does not.
    """
    if not hmac.compare_digest(commitment, opening.commitment()):
        raise IntegrityError("The salt and content do not open this commitment.")
