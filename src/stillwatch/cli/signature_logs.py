"""What the signature commands share: their options, and logs as fingerprints under one key."""

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from stillwatch.cli import options
from stillwatch.cli.jobs import compile_kernels, identity_of
from stillwatch.cli.keys import read_key
from stillwatch.cli.screen import Screen
from stillwatch.detect.wording import count, listing
from stillwatch.errors import ConfigError, InputError
from stillwatch.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa

    from stillwatch.events.key import Key
    from stillwatch.events.readers.log import LogReader
    from stillwatch.share.signatures.matching import Index
    from stillwatch.share.signatures.model import Signature

STORE: Final = Path("signatures")

forum_key = click.option(
    "--forum-key",
    type=options.FILE,
    help="Key that the members share; needed where the logs are events.",
)
store = click.option(
    "--signatures",
    type=options.FOLDER,
    default=STORE,
    show_default=True,
    help="Folder of signatures.",
)
by = click.option("--by", required=True, metavar="NAME", help="Who does it.")


def now() -> datetime:
    """Read the clock: the one place where the signature commands do."""
    return datetime.now(UTC)  # noqa: TID251 - the edge where the clock is read


def index_of(signatures: "Sequence[Signature]") -> "Index":
    """Return what finds signatures in a log."""
    import numpy as np

    from stillwatch.share.signatures.index_matching import FastIndex

    return FastIndex(signatures, np.frombuffer(os.urandom(16), np.uint64))


class Fingerprints:
    """Logs as fingerprints under the forum's key, as often as they are iterated.

    Args:
        logs: files, folders or globs, of events or of fingerprints.
        log_format: their format.
        key_file: the forum's key; not needed for fingerprints that name theirs.
        settings: where accounts come from.
        screen: where rejected rows are counted, once.

    Raises:
        ConfigError: Events came without a key.
        InputError: Fingerprints are under another key, or do not name theirs.
    """

    def __init__(
        self,
        logs: tuple[str, ...],
        *,
        log_format: str,
        key_file: Path | None,
        settings: Settings,
        screen: Screen,
    ) -> None:
        from stillwatch.events.key import Key

        self._logs, self._format, self._screen = logs, log_format, screen
        self._identity = identity_of(
            settings, read_key(settings.key_file) if settings.key_file else None
        )
        self._key: Key | None = Key.from_secret(read_key(key_file)) if key_file else None
        self._told = False
        self.key_id = self._checked()
        if self._key is not None:
            compile_kernels(self._key, screen)

    def _checked(self) -> str:
        """Name the key that the fingerprints are, or will be, under."""
        from stillwatch.events.readers.log import recognise

        log = recognise(self._logs, format=self._format)
        if log.contract == "events":
            if self._key is None:
                raise ConfigError("the logs are events: name the forum's key with --forum-key")
            return self._key.id
        if log.key_id is None:
            raise InputError(
                "the fingerprints do not say under which key they are: make them with "
                "`stillwatch ingest --key-file FORUM_KEY`"
            )
        if self._key is not None and log.key_id != self._key.id:
            raise InputError(
                "the fingerprints are not under the forum's key: make them with "
                "`stillwatch ingest --key-file FORUM_KEY`, or give the events"
            )
        return log.key_id

    def __call__(self) -> "Iterator[pa.RecordBatch]":
        """Read the logs from the start."""
        from stillwatch.events.readers.log import open_log
        from stillwatch.events.readers.rejects import Rejects

        rejects = Rejects()
        log = open_log(self._logs, format=self._format, identity=self._identity, rejects=rejects)
        yield from _needed(log, self._key)
        if rejects.total and not self._told:
            self._told = True
            said = listing([f"{reason} ({n:,})" for reason, n in sorted(rejects.reasons.items())])
            self._screen.say(f"Rejected {count(rejects.total, 'row')}: {said}")


def _needed(log: "LogReader", key: "Key | None") -> "Iterator[pa.RecordBatch]":
    """Yield only the columns that signatures read."""
    from stillwatch.events.fingerprint import fingerprint_stream
    from stillwatch.share.signatures.families import NEEDED

    if log.contract == "fingerprints" or key is None:
        yield from (batch.select(list(NEEDED)) for batch in log)
    else:
        for batch in fingerprint_stream(log, key, columns=NEEDED):
            yield batch.select(list(NEEDED))
