"""The folder of a hub: its settings, its secret and, by default, its database."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stillwatch.errors import ConfigError, StorageError
from stillwatch.settings import read_toml

SETTINGS: Final = "hub.toml"
KEY: Final = "hub.key"
DATABASE: Final = "hub.db"
_KNOWN: Final = frozenset({"title", "description", "contact", "database", "default_root"})
_NEEDED: Final = frozenset({"title", "default_root"})


@dataclass(frozen=True, slots=True)
class Folder:
    """What `hub.toml` says.

    Attributes:
        path: The folder.
        title: Name of the hub.
        database: URL of a PostgreSQL database; SQLite in the folder where empty.
        default_root: API root that discovery names as the default.
        description: What it is for; the usual words where empty.
        contact: Whom to ask.
    """

    path: Path
    title: str
    default_root: str
    database: str = ""
    description: str = ""
    contact: str = ""

    @property
    def url(self) -> str:
        """The database; a SQLite file moves with its folder."""
        return self.database or f"sqlite:///{(self.path / DATABASE).absolute()}"

    @property
    def key_file(self) -> Path:
        """The hub's secret."""
        return self.path / KEY


def create(folder: Folder) -> None:
    """Write the settings of a new hub, readable by their owner only.

    Raises:
        StorageError: The folder is not empty, or cannot be written.
    """
    values = {
        "title": folder.title,
        "description": folder.description,
        "contact": folder.contact,
        "database": folder.database,
        "default_root": folder.default_root,
    }
    # A JSON string is a TOML string.
    lines = [f"{name} = {json.dumps(value)}\n" for name, value in values.items() if value]
    try:
        folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.path.iterdir()):
            raise StorageError(f"{folder.path} is not empty: give a new folder")
        path = folder.path / SETTINGS
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise StorageError(f"{folder.path} cannot be written: {error.strerror}") from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.writelines(lines)


def read(path: Path) -> Folder:
    """Read the settings of a hub.

    Raises:
        ConfigError: There is no hub, or a setting is missing, unknown or empty.
    """
    file = path / SETTINGS
    if not file.is_file():
        raise ConfigError(f"{path} holds no hub: make one with `stillwatch hub init {path}`")
    values = read_toml(file)
    for name in sorted(values.keys() - _KNOWN):
        raise ConfigError(f"{file}: unknown setting {name!r}: remove it")
    for name in sorted(_NEEDED - values.keys()):
        raise ConfigError(f"{file}: {name} is missing: add it")
    for name, value in values.items():
        if not isinstance(value, str) or not value:
            raise ConfigError(f"{file}: {name} must be a non-empty text")
    return Folder(path, **values)
