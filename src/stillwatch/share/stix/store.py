"""An edge: bundles, identities and signatures as files."""

from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from stillwatch.errors import ConfigError, InputError
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
RULES: Final = "rules"
"""A folder of the Sigma rules that were understood."""
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
        with path.open("rb") as file:  # a pipe or device says nothing of its size
            data = file.read(bundles.MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > bundles.MOST_BYTES:
        raise InputError(f"{path} is larger than {bundles.MOST_BYTES:,} bytes: split it")
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


def read_rule(path: Path) -> list[dict[str, Any]]:
    """Read the documents of a Sigma file.

    Raises:
        ConfigError: The extra `share` is not installed.
        InputError: It is no YAML, or no rule.
    """
    try:
        from stillwatch.share.sigma.reading import read_documents  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigError("Sigma rules need an extra: pip install 'stillwatch[share]'") from error
    try:
        documents = read_documents(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8: save it as such") from None
    if not all("id" in one for one in documents):
        raise InputError(f"{path} is no Sigma rule: it needs an id")
    return documents


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


def check_import(folder: Path) -> None:
    """Refuse a folder that holds something; call it before anything is taken up.

    Raises:
        InputError: The folder is not empty.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is not empty; give --out a new folder")


def write_import(folder: Path, canonical: bytes, found: Incoming) -> None:
    """Write what came into a new folder: all of it, and what was understood.

    Args:
        folder: Empty, or not there yet.
        canonical: The bundle, as `bundle.write` gave it.
        found: What was understood.

    Raises:
        InputError: The folder is not empty.
    """
    check_import(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / BUNDLE).write_bytes(canonical)
    for place, rule in enumerate(found.rules):
        (folder / RULES).mkdir(exist_ok=True)
        (folder / RULES / f"rule_{place + 1}.yml").write_text(rule + "\n", encoding="utf-8")
    if found.signatures:
        SignatureStore(folder / SIGNATURES).add(found.signatures)
    summary = msgspec.json.encode(found, order="deterministic")
    (folder / SUMMARY).write_bytes(msgspec.json.format(summary, indent=1) + b"\n")
