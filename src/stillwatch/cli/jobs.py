"""What several commands have in common."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from stillwatch.cli.keys import create_key, own_key_file, read_key
from stillwatch.cli.screen import Screen
from stillwatch.detect.wording import count, listing
from stillwatch.errors import ConfigError
from stillwatch.settings import Settings

if TYPE_CHECKING:
    from stillwatch.events.identity import Identity
    from stillwatch.events.key import Key


def compile_kernels(key: "Key", screen: Screen) -> None:
    """Compile the kernels where that has not happened yet, and say so."""
    from stillwatch.events.fingerprint import kernels_cached, warm_up

    if not kernels_cached():
        screen.say("Compiling the kernels; this happens once and takes about a minute.")
        warm_up(key)


def identity_of(settings: Settings, secret: bytes | None) -> "Identity | None":
    """Give what derives accounts from API keys, where the settings ask for it.

    Raises:
        ConfigError: It is asked for without a key: anyone could then confirm a guessed API key.
    """
    if settings.account_from != "api-key":
        return None
    if secret is None:
        raise ConfigError("--account-from api-key needs a key: name one with --key-file")
    from stillwatch.events.identity import Identity

    return Identity(secret)


def lists_of(settings: Settings) -> Path | None:
    """Name the folder of lists; None where the user named none and has built none.

    Raises:
        ConfigError: The user named a folder that has no lists.
    """
    from stillwatch.events.lists import FILE, require_lists

    if settings.lists == settings.data_dir / "lists" and not (settings.lists / FILE).is_file():
        return None
    require_lists(settings.lists)
    return settings.lists


def show_rejected(total: int, reasons: Mapping[str, int], path: Path, screen: Screen) -> None:
    """Say how many rows could not be read, why, and where they are listed."""
    if total:
        said = listing([f"{reason} ({number:,})" for reason, number in sorted(reasons.items())])
        screen.say(f"Rejected {count(total, 'row')}: {said}; see {path}")


def own_secret(settings: Settings, screen: Screen) -> bytes:
    """Read the user's key; make one where there is none yet, and say so."""
    if settings.key_file:
        return read_key(settings.key_file)
    path = own_key_file(settings)
    if not path.exists():
        create_key(path)
        screen.say(f"made a key for this user in {path}: keep it, or fingerprints cannot be joined")
    return read_key(path)
