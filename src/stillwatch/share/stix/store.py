"""An edge: bundles, identities and signatures as files."""

from pathlib import Path
from typing import Final

import msgspec

from stillwatch.errors import InputError
from stillwatch.share.signatures.model import Signature
from stillwatch.share.stix import bundle as bundles
from stillwatch.share.stix.bundle import Stix
from stillwatch.share.stix.disclosure import Producer
from stillwatch.share.stix.ids import Ids
from stillwatch.share.stix.incoming import Incoming

BUNDLE: Final = "bundle.json"
"""Everything that came, in canonical form."""
SIGNATURES: Final = "signatures.jsonl"
"""The signatures that were understood."""
SUMMARY: Final = "import.json"
"""Campaigns that were understood, what was skipped and why, what was kept."""


def read_bundle(path: Path) -> Stix:
    """Read a bundle.

    Raises:
        InputError: It cannot be read, is none, or is beyond the limits.
    """
    try:
        if path.stat().st_size > bundles.MOST_BYTES:
            raise InputError(f"{path} is larger than {bundles.MOST_BYTES:,} bytes: split it")
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    return bundles.read(data)


def read_signatures(folder: Path) -> list[Signature]:
    """Read the signatures of a folder.

    Raises:
        InputError: There is none, or a line is no signature.
    """
    path = folder / SIGNATURES
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}): give the folder of signatures"
        ) from error
    try:
        return list(msgspec.json.Decoder(Signature).decode_lines(data))
    except msgspec.DecodeError:
        raise InputError(f"{path} holds a line that is no signature: remove it") from None


def producer(created_by: str, ids: Ids) -> Producer:
    """Return who shares: a name, or a file with a STIX identity.

    Raises:
        InputError: The file holds no identity.
    """
    path = Path(created_by)
    if path.suffix != ".json":
        return Producer(ids.of("identity", created_by), created_by)
    try:
        return msgspec.json.decode(path.read_bytes(), type=Producer)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    except msgspec.DecodeError:
        raise InputError(f"{path} is no STIX identity: it needs an id and a name") from None


def write_import(folder: Path, bundle: Stix, found: Incoming) -> None:
    """Write what came into a new folder: all of it, and what was understood.

    Raises:
        InputError: The folder is not empty.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is not empty; give --out a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / BUNDLE).write_bytes(bundles.write(bundle))
    lines = b"".join(msgspec.json.encode(one) + b"\n" for one in found.signatures)
    (folder / SIGNATURES).write_bytes(lines)
    summary = msgspec.json.encode(found, order="deterministic")
    (folder / SUMMARY).write_bytes(msgspec.json.format(summary, indent=1) + b"\n")
