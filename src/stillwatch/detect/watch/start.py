"""Start a watch: open its source and its state, and read what the user gives beside the events."""

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from stillwatch.detect.analysis import AnalysisSettings
from stillwatch.detect.conclusion import Given
from stillwatch.detect.scan import load_given
from stillwatch.detect.watch.intake import Intake
from stillwatch.detect.watch.sources.base import Source, Stop, formats
from stillwatch.detect.watch.sources.folder import Folder
from stillwatch.detect.watch.sources.stdin import StandardInput
from stillwatch.detect.watch.state import Facts, open_state
from stillwatch.detect.watch.watch import Listener, Pace, Watch
from stillwatch.errors import ConfigError, InputError
from stillwatch.events.identity import Identity
from stillwatch.events.key import Key
from stillwatch.events.readers import Rejects, read_accounts

DAYS: Final = 28
"""Days of a window where the user names none."""
_SCHEMES: Final = ("redis://", "rediss://", "unix://")


def watch(
    source: str,
    state: Path,
    *,
    listener: Listener,
    accounts: Path | None = None,
    reference: Path | None = None,
    exempt: Path | None = None,
    lists: Path | None = None,
    prices: Path | None = None,
    key: Key | None = None,
    identity: Identity | None = None,
    log_format: str = "auto",
    window: int | None = None,
    pace: Pace | None = None,
    settings: AnalysisSettings | None = None,
    once: bool = False,
    stop: Stop = lambda: False,
) -> None:
    """Find campaigns in a stream, and say so as they appear.

    Args:
        source: A folder, `-` for standard input, or the address of a Redis stream.
        state: Folder of the state; made where there is none.
        listener: Told of everything.
        accounts: The accounts table; read again when it changes.
        reference: As in `scan`.
        exempt: As in `scan`.
        lists: As in `scan`.
        prices: As in `scan`.
        key: As in `scan`.
        identity: As in `scan`.
        log_format: Format of a folder or of standard input.
        window: UTC days that are kept; those of the state, or 28 for a new one, where None.
        pace: How often.
        settings: Thresholds of the analysis.
        once: Take what is there, analyse, and end.
        stop: Whether to end.

    Raises:
        InputError: The source or an input cannot be used.
        ConfigError: A setting cannot be used, or does not fit the state.
        IntegrityError: The state is damaged, or of a newer version.
        StorageError: Someone else uses the state, or the disk refused.
        PeerError: Another system does not answer, where `once`.
    """
    used = key or Key.public()
    opened = open_source(
        source, identity=identity, log_format=log_format, once=once, stop=stop, say=listener.say
    )
    check_apart(source, state)
    given = Inputs(
        accounts,
        reference=reference,
        exempt=exempt,
        lists=lists,
        prices=prices,
        say=listener.say,
    )
    facts = Facts(opened.name, used.id, window or DAYS, chosen=window is not None)
    held, settled = open_state(state, facts)
    try:
        intake = Intake(held, used, given.first.networks, settled.window)
        Watch(
            held,
            settled,
            intake,
            given,
            settings=settings or AnalysisSettings(),
            pace=pace or Pace(),
            listener=listener,
            clock=lambda: datetime.now(UTC),  # noqa: TID251 - the edge where the clock is read
        ).run(opened, once=once, stop=stop)
    finally:
        opened.close()
        held.close()


def open_source(
    source: str,
    *,
    identity: Identity | None,
    log_format: str,
    once: bool,
    stop: Stop,
    say: Callable[[str], None],
) -> Source:
    """Say what a source is by how it is written.

    Raises:
        InputError: There is no such folder, or standard input is closed.
        ConfigError: The address cannot be used, there is no such format, or a package is missing.
    """
    known = formats()
    if log_format not in {"auto", *known}:
        raise ConfigError(f"there is no log format {log_format!r}: choose auto, {', '.join(known)}")
    if source == "-":
        if sys.stdin is None:
            raise InputError("standard input is closed: give it JSON lines, or name a folder")
        return StandardInput(
            sys.stdin.buffer, identity=identity, log_format=log_format, once=once, stop=stop
        )
    if source.startswith(_SCHEMES):
        try:
            from stillwatch.detect.watch.sources.redis import RedisStream  # noqa: PLC0415 - extra
        except ImportError as error:
            raise ConfigError(
                "a Redis stream needs the redis package: pip install 'stillwatch[redis]'"
            ) from error
        return RedisStream(source, identity=identity, stop=stop)
    return Folder(
        Path(source), identity=identity, log_format=log_format, once=once, stop=stop, say=say
    )


def check_apart(source: str, state: Path) -> None:
    """Refuse a state inside the folder that is read: it would read itself.

    Raises:
        InputError: It lies inside.
    """
    if Path(source).is_dir() and state.resolve().is_relative_to(Path(source).resolve()):
        raise InputError(f"{state} lies inside {source}, which is read: name a folder outside it")


class Inputs:
    """What the user gives beside the events; the accounts table is read again when it changes.

    Raises:
        InputError: An input cannot be used.
        ConfigError: A setting cannot be used.
    """

    def __init__(
        self,
        accounts: Path | None,
        *,
        reference: Path | None,
        exempt: Path | None,
        lists: Path | None,
        prices: Path | None,
        say: Callable[[str], None],
    ) -> None:
        self._accounts = accounts
        self._say = say
        self._read = _modified(accounts)
        self.first = load_given(
            accounts,
            reference=reference,
            exempt=exempt,
            lists=lists,
            prices=prices,
            rejects=Rejects(),
        )

    def __call__(self) -> Given:
        """Return what is given now."""
        modified = _modified(self._accounts)
        if modified != self._read:
            self._read = modified
            try:
                listed = read_accounts(self._accounts, rejects=Rejects())
            except InputError as error:
                self._say(f"{error}; the accounts that were read before are used until it changes")
            else:
                self.first = replace(self.first, listed=listed)
        return self.first


def _modified(path: Path | None) -> int:
    return path.stat().st_mtime_ns if path is not None and path.exists() else 0
