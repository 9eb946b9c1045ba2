"""Signed notes, in the form of C2SP signed-note v1: a text, and lines that digitally sign it.

```
text, which ends in a newline

— name base64(key id, signature)
```

A key is its name, its id and its type together; the id is four bytes of a digest of all three
parts. Lines of keys that the reader does not know mean nothing and are passed over. A line of a key
that it knows must verify, or the note is refused. Two types of key are used: `LOG` signs the text
as it stands, `WITNESS` signs it with a time (C2SP tlog-cosignature; see `checkpoint`).
"""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cache
from hashlib import sha256
from types import ModuleType
from typing import Final, NamedTuple, Self

from stillwatch.errors import ConfigError, IntegrityError

MAX_NOTE: Final = 1_000_000
"""Bytes that a note can have."""
MAX_SIGNATURES: Final = 100
"""Signature lines that a note can have; the specification asks for at least 16."""
SEED_BYTES: Final = 32
"""Length of a secret key."""

_KEY_BYTES: Final = 32
_ID_BYTES: Final = 4
_DASH: Final = "\u2014"


class KeyType(IntEnum):
    """What a key signs; part of its id."""

    LOG = 1
    WITNESS = 4


class Line(NamedTuple):
    """A signature line.

    Attributes:
        name: Of the key.
        key_id: Of the key, 4 bytes.
        value: The signature, at least 1 byte.
    """

    name: str
    key_id: bytes
    value: bytes

    def __str__(self) -> str:
        return f"{_DASH} {self.name} {to_base64(self.key_id + self.value)}\n"


class Note(NamedTuple):
    """A note as it was read; nothing in it is to be believed before `verify`."""

    text: str
    lines: tuple[Line, ...]

    def __str__(self) -> str:
        return f"{self.text}\n{''.join(map(str, self.lines))}"


@dataclass(frozen=True, slots=True)
class Verifier:
    """A key that checks.

    Attributes:
        name: Of the key, such as `forum.example/log`.
        type: What it signs.
        public: 32 bytes, as RFC 8032 encodes a public key.

    Raises:
        ConfigError: The name is empty or has a space, a plus or a control character, or the key
            has another length.
    """

    name: str
    type: KeyType
    public: bytes

    def __post_init__(self) -> None:
        """Refuse what could not be written into a note."""
        if not _is_name(self.name):
            raise ConfigError(f"{self.name!r} cannot name a key: leave out spaces and plus signs.")
        if len(self.public) != _KEY_BYTES:
            raise ConfigError(f"The public key of {self.name} must have {_KEY_BYTES} bytes.")

    @property
    def key_id(self) -> bytes:
        """Digest of name, type and public key, 4 bytes."""
        named = self.name.encode() + b"\n" + bytes([self.type]) + self.public
        return sha256(named).digest()[:_ID_BYTES]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{to_base64(bytes([self.type]) + self.public)}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a verifier key as `str` writes it: name, id in hex, type and key in base64.

        Raises:
            ConfigError: It is none, its id does not fit, or its type is not used here.
        """
        name, _, rest = text.partition("+")
        key_id, _, encoded = rest.partition("+")
        try:
            material = from_base64(encoded)
            key = cls(name, KeyType(material[0]), material[1:])
        except (ValueError, IndexError) as error:
            raise ConfigError(f"{text!r} is no verifier key of type 1 or 4.") from error
        if key.key_id.hex() != key_id:
            raise ConfigError(
                f"The id of the verifier key {text!r} does not fit: ask for it again."
            )
        return key

    def check(self, message: bytes, signature: bytes) -> None:
        """Check a bare Ed25519 signature.

        Raises:
            IntegrityError: It does not verify.
        """
        crypto = _ed25519()
        try:
            crypto.Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except Exception as error:
            raise IntegrityError(
                f"A digital signature by {self.name} does not verify: the text was changed or "
                "never signed."
            ) from error


@dataclass(frozen=True, slots=True)
class Signer:
    """A key that signs: a secret.

    Attributes:
        name: Of the key.
        type: What it signs. Use one seed for one name and type.
        seed: 32 secret random bytes, the private key of RFC 8032.

    Raises:
        ConfigError: The seed has another length.
    """

    name: str
    type: KeyType
    seed: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse a seed that is none."""
        if len(self.seed) != SEED_BYTES:
            raise ConfigError(f"The secret key of {self.name} must have {SEED_BYTES} bytes.")

    @property
    def verifier(self) -> Verifier:
        """The key that checks what this one signs."""
        private = _ed25519().Ed25519PrivateKey.from_private_bytes(self.seed)
        return Verifier(self.name, self.type, private.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """The bare Ed25519 signature of a message, 64 bytes."""
        signed: bytes = _ed25519().Ed25519PrivateKey.from_private_bytes(self.seed).sign(message)
        return signed


def parse(data: bytes) -> Note:
    """Read a note, and accept one way only of writing it.

    Raises:
        IntegrityError: It is longer than `MAX_NOTE`, has more lines than `MAX_SIGNATURES` or none,
            or is not written as the specification says.
    """
    if len(data) > MAX_NOTE:
        raise IntegrityError(f"A note has more than {MAX_NOTE} bytes.")
    try:
        whole = data.decode()
    except UnicodeDecodeError as error:
        raise IntegrityError("A note is not in UTF-8.") from error
    if any(sign < " " and sign != "\n" for sign in whole):
        raise IntegrityError("A note has a control character.")
    text, blank, signed = whole.rpartition("\n\n")
    if not blank or not signed.endswith("\n"):
        raise IntegrityError("A note must be a text, an empty line, and lines that sign it.")
    lines = signed[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise IntegrityError(f"A note has more than {MAX_SIGNATURES} signature lines.")
    return Note(text + "\n", tuple(map(parse_line, lines)))


def parse_line(text: str) -> Line:
    """Read a signature line, without its newline.

    Raises:
        IntegrityError: It is not written as the specification says.
    """
    parts = text.split(" ")
    try:
        dash, name, encoded = parts
        value = from_base64(encoded)
    except ValueError as error:
        raise IntegrityError("A signature line of a note is malformed.") from error
    if dash != _DASH or not _is_name(name) or len(value) <= _ID_BYTES:
        raise IntegrityError("A signature line of a note is malformed.")
    return Line(name, value[:_ID_BYTES], value[_ID_BYTES:])


def known(note: Note, keys: Iterable[Verifier]) -> list[tuple[Verifier, Line]]:
    """The lines of known keys, in the note's order; the caller checks them.

    Raises:
        ConfigError: Two of the keys have one name and id, so a line could be of either.
    """
    by_name: dict[tuple[str, bytes], Verifier] = {}
    for key in keys:
        if by_name.setdefault((key.name, key.key_id), key) != key:
            raise ConfigError(f"Two keys of {key.name} have one id: name one of them otherwise.")
    return [(by_name[line[:2]], line) for line in note.lines if line[:2] in by_name]


def _is_name(name: str) -> bool:
    """Whether a key can have that name."""
    return bool(name) and not any(sign.isspace() or sign < " " or sign == "+" for sign in name)


def to_base64(data: bytes) -> str:
    """Encode in base64 (RFC 4648, section 4)."""
    return base64.b64encode(data).decode()


def from_base64(text: str) -> bytes:
    """Decode base64 in its one canonical form.

    Raises:
        ValueError: It is not in that form.
    """
    data = base64.b64decode(text, validate=True)
    if to_base64(data) != text:
        raise binascii.Error("not canonical")
    return data


@cache
def _ed25519() -> ModuleType:
    try:
        from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigError(
            "Digital signatures need cryptography: pip install 'stillwatch[share]'."
        ) from error
    return ed25519
