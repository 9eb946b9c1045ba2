"""An edge: bundles, identities and signatures as files."""

from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from stillwatch.errors import InputError
from stillwatch.share.signatures.model import Signature, State
from stillwatch.share.signatures.store import SignatureStore
from stillwatch.share.stix import bundle as bundles
from stillwatch.share.stix.bundle import Stix
from stillwatch.share.stix.disclosure import Producer
from stillwatch.share.stix.ids import Ids
from stillwatch.share.stix.incoming import Incoming

BUNDLE: Final = "bundle.json"
"""Everything that came, in canonical form."""
SIGNATURES: Final = "signatures"
"""A folder of the signatures that were understood."""
SUMMARY: Final = "import.json"
"""Campaigns that were understood, what was skipped and why, what was kept."""
LEAVING: Final = frozenset({State.PUBLISHED, State.DECAYING})
"""States in which a signature may leave."""


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


class Ready(NamedTuple):
    """A signature that a person published, and how sure one may be of it, 0 to 100."""

    signature: Signature
    confidence: int


def read_signatures(folder: Path, now: datetime) -> list[Ready]:
    """Read the signatures of a folder that may leave: those that a person published.

    Raises:
        InputError: There is none.
    """
    store = SignatureStore(folder)
    lives = store.lives(now)
    ready = [
        Ready(one, lives[one.id].confidence)
        for one in store.signatures()
        if lives[one.id].state in LEAVING
    ]
    if not ready:
        raise InputError(
            f"no signature in {folder} is published: test and publish one with "
            "`stillwatch signature state`"
        )
    return ready


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
    if found.signatures:
        SignatureStore(folder / SIGNATURES).add(found.signatures)
    summary = msgspec.json.encode(found, order="deterministic")
    (folder / SUMMARY).write_bytes(msgspec.json.format(summary, indent=1) + b"\n")
