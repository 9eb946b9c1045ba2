"""Credentials: how they are made, read from a request and proven.

A secret is 32 random bytes and is shown once. The hub keeps its argon2 digest. One that was proven
is remembered for a short time under a digest with a key of this process, so that argon2, which is
slow on purpose, does not run at each request. Any change of members or credentials empties that
memory, in every process of the hub, before the next request is answered.
"""

import base64
import binascii
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final, NamedTuple

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from stillwatch.errors import InputError
from stillwatch.share.hub.model import Credential, Principal, Role, Trust

LONGEST: Final = 512
"""Characters of a header that proves something."""
_REMEMBERED: Final = 10_000
API_KEY: Final = b"x-api-key"


class Proof(NamedTuple):
    """What a request brings: the name of a credential and its secret."""

    name: str
    secret: str


@dataclass(frozen=True, slots=True)
class Issued:
    """A new credential, and the only copy of its secret.

    `token` is what stands after `Bearer` or `Token`, or in `X-API-Key`.
    """

    credential: Credential
    secret: str

    @property
    def token(self) -> str:
        """Name and secret in one."""
        return f"{self.credential.id}.{self.secret}"


def issue(
    member: str,
    holder: str,
    roles: frozenset[Role],
    now: datetime,
    *,
    life: timedelta | None = None,
    hasher: PasswordHasher | None = None,
) -> Issued:
    """Make a credential with a random name and secret.

    Raises:
        InputError: It has no role.
    """
    if not roles:
        raise InputError("a credential needs a role: reader, contributor, approver, auditor, "
                         "operator")  # fmt: skip
    secret = secrets.token_urlsafe(32)
    digest = (hasher or PasswordHasher()).hash(secret)
    name = secrets.token_hex(8)
    expires = now + life if life is not None else None
    return Issued(Credential(name, member, holder, roles, digest, now, expires), secret)


def proof_of(headers: Mapping[bytes, bytes]) -> Proof | None:
    """Read what a request proves itself with: None where it brings nothing that can be read."""
    raw = headers.get(b"authorization")
    key = headers.get(API_KEY)
    if raw is None and key is None:
        return None
    scheme, _, value = ("token", "", key) if raw is None else _split(raw)
    if value is None or len(value) > LONGEST:
        return None
    try:
        if scheme == "basic":
            value = base64.b64decode(value, validate=True)
            name, _, secret = value.decode().partition(":")
        elif scheme in {"bearer", "token"}:
            name, _, secret = value.strip().decode().partition(".")
        else:
            return None
    except (binascii.Error, UnicodeDecodeError):
        return None
    return Proof(name, secret) if name and secret else None


def _split(raw: bytes) -> tuple[str, str, bytes]:
    scheme, _, value = raw.strip().partition(b" ")
    return scheme.decode("latin-1").lower(), "", value.strip()


class Verifier:
    """Proves credentials against the members and credentials of a moment."""

    def __init__(self, hasher: PasswordHasher, keep_s: float) -> None:
        """Make a verifier.

        Args:
            hasher: argon2 with the parameters of new digests.
            keep_s: How long a proof is remembered, in seconds.
        """
        self._hasher = hasher
        self._keep_s = keep_s
        self._key = secrets.token_bytes(32)
        # Who names a credential that is not there must wait as long as who guesses a secret.
        self._nobody = hasher.hash(secrets.token_urlsafe(32))
        self._proven: OrderedDict[bytes, tuple[str, float]] = OrderedDict()
        self._version = -1
        self._lock = threading.Lock()

    def remembered(self, proof: Proof, trust: Trust, now: float) -> str | None:
        """Return the digest of a proof that was proven a short time ago; None where it was not."""
        if trust.version != self._version:
            with self._lock:
                self._proven.clear()
                self._version = trust.version
        found = self._proven.get(self._digest(proof))
        return found[0] if found is not None and found[1] > now else None

    def prove(self, proof: Proof, trust: Trust, now: float) -> str | None:
        """Run argon2; return the digest that it matched, None where the secret is wrong."""
        known = self.remembered(proof, trust, now)
        if known is not None:  # a request that came just before has proven it
            return known
        credential = trust.credentials.get(proof.name)
        digest = credential.digest if credential is not None else self._nobody
        try:
            self._hasher.verify(digest, proof.secret)
        except (Argon2Error, InvalidHashError):
            return None
        if credential is None:
            return None
        with self._lock:
            self._proven[self._digest(proof)] = (digest, now + self._keep_s)
            if len(self._proven) > _REMEMBERED:
                self._proven.popitem(last=False)
        return digest

    def _digest(self, proof: Proof) -> bytes:
        both = f"{proof.name}\0{proof.secret}".encode()
        return blake2b(both, key=self._key, digest_size=32).digest()


def principal_of(proof: Proof, digest: str, trust: Trust, now: datetime) -> Principal | None:
    """Return who that is now: None where credential or member was revoked, changed or expired."""
    credential = trust.credentials.get(proof.name)
    if credential is None or credential.revoked or credential.digest != digest:
        return None
    if credential.expires is not None and credential.expires <= now:
        return None
    member = trust.members.get(credential.member)
    if member is None or member.revoked:
        return None
    return Principal(credential.id, member.id, credential.roles)


Clock = Callable[[], datetime]
"""Returns the time in UTC."""
