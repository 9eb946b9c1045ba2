"""The only reader of the environment and of TOML; edges pass the values on.

A setting is looked up in this order; the first that has it wins:

1. the command's option,
2. the environment (`STILLWATCH_KEY_FILE` for `key_file`),
3. `stillwatch.toml` in the working directory,
4. `config.toml` in the user's configuration directory,
5. the default.

The table of all settings is in docs/guide/settings.md.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final, Self

from stillwatch.errors import ConfigError

ENGINES: Final = ("local", "spark")
"""Engines that can run a scan."""

ACCOUNT_SOURCES: Final = ("account", "api-key")
"""Where account identity can come from."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a user can set once for all commands.

    Attributes:
        engine: Engine that runs a scan, one of `ENGINES`.
        master: URL of the Spark cluster.
        spark: Spark properties, by name.
        account_from: Where account identity comes from, one of `ACCOUNT_SOURCES`.
        key_file: Key of fingerprints and of identities derived from API keys.
        lists: Folder that `stillwatch lists build` wrote; `lists` in the data directory if not set.
        reference: Folder of an earlier result with judgements, to calibrate on.
        exempt: Register of exemptions.
        prices: Price table.
        entity_lists: Folder of entity lists that `screen` compares accounts with.
        config_dir: Where `config.toml` and the key that `ingest` makes live.
        data_dir: Where built lists live.
        sources: Files that were read.
    """

    lists: Path
    config_dir: Path
    data_dir: Path
    engine: str = "local"
    master: str | None = None
    spark: Mapping[str, str] = field(default_factory=dict)
    account_from: str = "account"
    key_file: Path | None = None
    reference: Path | None = None
    exempt: Path | None = None
    prices: Path | None = None
    entity_lists: Path | None = None
    sources: tuple[Path, ...] = ()

    def with_options(self, **given: Any) -> Self:
        """Put a command's options before the settings; an option that is None was not given."""
        return replace(self, **{name: value for name, value in given.items() if value is not None})


DERIVED: Final = frozenset({"config_dir", "data_dir", "sources"})
"""Fields that follow from the system; a file cannot set them."""

NAMES: Final = tuple(f.name for f in fields(Settings) if f.name not in DERIVED)
"""Settings that a file or the environment can give."""

_TEXTS: Final = frozenset({"master"})
"""Settings that are neither a path nor a choice."""
_CHOICES: Final = {"engine": ENGINES, "account_from": ACCOUNT_SOURCES}


def load_settings(
    environ: Mapping[str, str] | None = None, directory: Path | None = None
) -> Settings:
    """Read the settings that hold for a run in a directory.

    Args:
        environ: The environment; that of the process where None.
        directory: Where `stillwatch.toml` is looked for; the working directory where None.

    Raises:
        ConfigError: A file is not TOML, or a setting is unknown or has a value it cannot have.
    """
    environ = os.environ if environ is None else environ
    directory = Path.cwd() if directory is None else directory
    config_dir = _user_directory(environ, "XDG_CONFIG_HOME", ".config")
    data_dir = _user_directory(environ, "XDG_DATA_HOME", ".local/share")
    values: dict[str, Any] = {}
    sources = []
    for path in (config_dir / "config.toml", directory / "stillwatch.toml"):
        if path.is_file():
            sources.append(path)
            values |= _from_file(path)
    for name in NAMES:
        variable = f"STILLWATCH_{name.upper()}"
        if environ.get(variable):
            values[name] = _checked(name, environ[variable], directory, variable)
    values.setdefault("lists", data_dir / "lists")
    return Settings(**values, config_dir=config_dir, data_dir=data_dir, sources=tuple(sources))


def debugging(environ: Mapping[str, str] | None = None) -> bool:
    """Whether STILLWATCH_DEBUG asks for tracebacks."""
    return bool((os.environ if environ is None else environ).get("STILLWATCH_DEBUG"))


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        ConfigError: The file cannot be read or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML ({error}): mend it or move it away") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error


def _user_directory(environ: Mapping[str, str], variable: str, fallback: str) -> Path:
    home = Path(environ.get("HOME") or "~").expanduser()
    base = environ.get(variable)
    return (Path(base) if base else home / fallback) / "stillwatch"


def _from_file(path: Path) -> dict[str, Any]:
    values = read_toml(path)
    for name in values:
        if name not in NAMES:
            raise ConfigError(
                f"{path}: unknown setting {name!r}: remove it or use one of {', '.join(NAMES)}"
            )
    return {name: _checked(name, value, path.parent, path) for name, value in values.items()}


def _checked(
    name: str, value: object, directory: Path, source: object
) -> str | Path | dict[str, str]:
    """Validate one value; a relative path is relative to the file that names it."""
    if name == "spark":
        return _properties(value, source)
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{source}: {name} must be a non-empty string, not {value!r}")
    if name in _TEXTS:
        return value
    choices = _CHOICES.get(name)
    if choices is None:
        return directory / Path(value).expanduser()
    if value not in choices:
        raise ConfigError(f"{source}: {name} must be {' or '.join(choices)}, not {value!r}")
    return value


def _properties(value: object, source: object) -> dict[str, str]:
    """Spark properties: a table in a file, `name=value` words in the environment."""
    if isinstance(value, str):
        pairs = [word.partition("=") for word in value.split()]
        value = {name: text for name, equals, text in pairs if equals}
        if len(value) < len(pairs):
            raise ConfigError(f"{source}: spark must be words like spark.executor.memory=4g")
    if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
        raise ConfigError(
            f"{source}: spark must be a table of names and texts, such as "
            '"spark.executor.memory" = "4g"'
        )
    for name in value:
        if not name.startswith("spark."):
            raise ConfigError(f"{source}: {name!r} is no Spark property: it must begin with spark.")
    return value
