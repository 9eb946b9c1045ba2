"""Ids of STIX objects: the same at every export of a thing, unguessable from what it stands for.

An id is an HMAC under a secret of the provider, in the shape of a random UUID (version 4), which is
what the specification asks for. Whoever lacks the secret can neither confirm a guess of a local id
nor tell that two providers hold the same one. Our observables have no properties that identify them
(two windows may hold the same counts), so the specification wants version 4 for them too.
"""

import hashlib
import hmac
import uuid
from dataclasses import dataclass, field
from typing import Self

import rfc8785


@dataclass(frozen=True)
class Ids:
    """Names things under the provider's secret; make it with `from_secret`."""

    secret: bytes = field(repr=False)

    @classmethod
    def from_secret(cls, secret: bytes) -> Self:
        """Derive the key of ids from a secret that serves other purposes too."""
        return cls(hmac.digest(secret, b"stillwatch ids of shared objects", hashlib.sha256))

    def of(self, type_: str, *parts: str) -> str:
        """Return the id of the object of a type that `parts` name.

        >>> Ids(bytes(32)).of("campaign", "a") == Ids(bytes(32)).of("campaign", "a")
        True
        >>> Ids(bytes(32)).of("campaign", "a") == Ids(b"x" * 32).of("campaign", "a")
        False
        """
        message = rfc8785.dumps(["stillwatch stix id", type_, *parts])
        digest = hmac.digest(self.secret, message, hashlib.sha256)
        return f"{type_}--{uuid.UUID(bytes=digest[:16], version=4)}"
