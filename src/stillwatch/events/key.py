"""The key that makes fingerprints unguessable to whoever lacks it."""

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Final, Self

import numpy as np

from stillwatch.errors import ConfigError
from stillwatch.events.kernels.hashing import siphash_bytes
from stillwatch.events.kernels.types import U64s

MIN_SECRET_BYTES: Final = 16


@dataclass(frozen=True)
class Key:
    """A secret from which each fingerprint column derives its own 128-bit SipHash key.

    Fingerprints made with the same key can be compared; without the key a guess of a prompt or an
    identifier cannot be checked against them. Make one with `from_secret` or `public`.
    """

    master: bytes = field(repr=False)

    @classmethod
    def public(cls) -> Self:
        """Return the all-zero key: anyone can check a guess; for tests and demonstrations only."""
        return cls(bytes(32))

    @classmethod
    def from_secret(cls, secret: bytes) -> Self:
        """Derive a key from a secret of at least 16 bytes.

        Raises:
            ConfigError: The secret is too short.
        """
        if len(secret) < MIN_SECRET_BYTES:
            raise ConfigError(
                f"The fingerprint secret has {len(secret)} bytes; give at least {MIN_SECRET_BYTES}."
            )
        return cls(hmac.digest(b"stillwatch fingerprint key", secret, hashlib.sha256))

    @property
    def id(self) -> str:
        """A public name of the key, 16 hexadecimal digits, that does not reveal it."""
        return hmac.digest(self.master, b"id", hashlib.sha256)[:8].hex()

    def subkey(self, purpose: str) -> U64s:
        """Return the two 64-bit words of the SipHash key of one purpose, such as a column name."""
        digest = hmac.digest(self.master, b"subkey " + purpose.encode(), hashlib.sha256)
        return np.frombuffer(digest[:16], dtype="<u8").astype(np.uint64)

    def sign(self, text: str, column: str) -> int:
        """Return the keyed 64-bit hash that `column` holds for an identifier.

        Equal to the fingerprint columns `client`, `conversation`, `api_key` and `end_user`.

        >>> Key.public().sign("account", "api_key") == Key.public().sign("account", "end_user")
        False
        """
        data = np.frombuffer(text.encode(), dtype=np.uint8)
        return int(siphash_bytes(data, 0, len(data), self.subkey(column)))
