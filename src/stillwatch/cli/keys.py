"""Key files: 64 hexadecimal digits, readable by their owner only."""

import os
import secrets
from pathlib import Path
from typing import Final

from stillwatch.errors import ConfigError, StorageError
from stillwatch.settings import Settings

BYTES: Final = 32
"""Length of a key."""


def create_key(path: Path) -> None:
    """Write a new random key with mode 0600.

    Raises:
        StorageError: The file exists, or cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise StorageError(
            f"{path} exists and is not overwritten: what was made with it would be lost; "
            "choose another name"
        ) from error
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror}") from error
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(BYTES) + "\n")


def read_key(path: Path) -> bytes:
    """Read a key.

    Raises:
        ConfigError: The file is missing or holds no key.
    """
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except OSError as error:
        raise ConfigError(
            f"key file {path} cannot be read ({error.strerror}): make one with "
            f"`stillwatch key new {path}`"
        ) from error
    except ValueError:
        key = b""
    if len(key) != BYTES:
        raise ConfigError(
            f"key file {path} must hold {2 * BYTES} hexadecimal digits: make one with "
            "`stillwatch key new FILE`"
        )
    return key


def own_key_file(settings: Settings) -> Path:
    """Name the key file that `ingest` makes where the user named none."""
    return settings.config_dir / "key"
