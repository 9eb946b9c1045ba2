"""Purge: remove an account, or all before a day, from every file of a state."""

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.detect import store
from stillwatch.detect.watch import database
from stillwatch.detect.watch.database import guarded, transaction
from stillwatch.detect.watch.segments import DAY_MICROSECONDS, read_segments
from stillwatch.detect.watch.state import RESULT, SEGMENTS, VERDICTS, State
from stillwatch.errors import IntegrityError, StorageError
from stillwatch.events.schema import TIMESTAMP

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class _Line(msgspec.Struct):
    """What matters of a line of `verdicts.jsonl`."""

    time: datetime
    account_id: str


@dataclass(frozen=True)
class Purged:
    """What was removed.

    Attributes:
        events: Events.
        judgements: Judgements that named the account, alone or among others.
    """

    events: int
    judgements: int = 0


def purge_account(state: State, account: str) -> Purged:
    """Remove an account: afterwards no file of the state holds its id.

    The result is removed; the next watch writes it anew. Fingerprints of other accounts and the
    times of announcements stay.

    Raises:
        StorageError: The disk refused; run it again.
    """
    events = 0
    for day, names in state.segments().items():
        rows = read_segments(state.folder / SEGMENTS, names)
        events += _rewrite(state, day, names, rows, pc.not_equal(rows["account_id"], account))
    with guarded(state.path), transaction(state.db):
        for table in ("members", "verdicts"):
            state.db.execute(f"DELETE FROM {table} WHERE account_id = ?", (account,))  # noqa: S608 - our names
        state.db.execute(
            "DELETE FROM outbox WHERE json_extract(line, '$.account_id') = ?", (account,)
        )
    with store.judging(state.folder):
        judgements = _judgements_without(state.folder, account)
    _rewrite_lines(
        state.folder / VERDICTS,
        lambda line: msgspec.json.decode(line, type=_Line).account_id != account,
    )
    _clean(state)
    return Purged(events, judgements)


def purge_before(state: State, moment: datetime) -> Purged:
    """Remove every event before a moment, and what only such events told of.

    The result is removed; the next watch writes it anew. Judgements stay: they are decisions.

    Raises:
        StorageError: The disk refused; run it again.
    """
    events = 0
    for day, names in state.segments().items():
        if day * DAY_MICROSECONDS >= moment.timestamp() * 1e6:
            continue
        rows = read_segments(state.folder / SEGMENTS, names)
        keep = pc.greater_equal(rows["time"], pa.scalar(moment, TIMESTAMP))
        events += _rewrite(state, day, names, rows, keep)
    state.forget_absent()
    _rewrite_lines(
        state.folder / VERDICTS, lambda line: msgspec.json.decode(line, type=_Line).time >= moment
    )
    _clean(state)
    return Purged(events)


def purge_window(state: State, window: int) -> Purged:
    """Remove what lies before the window; a watch does so itself, but only when it runs."""
    days = state.segments()
    if not days:
        return Purged(0)
    return purge_before(state, EPOCH + timedelta(days=max(days) - window + 1))


def _rewrite(
    state: State, day: int, names: Sequence[str], rows: pa.Table, keep: pa.ChunkedArray
) -> int:
    kept = rows.filter(keep)
    if kept.num_rows < rows.num_rows:
        state.replace(names, day, kept)
    return int(rows.num_rows - kept.num_rows)


def _judgements_without(folder: Path, account: str) -> int:
    """Take an account out of all judgements; returns how many named it."""
    kept, named = [], 0
    for judgement in store.read_judgements(folder):
        if judgement.account_id == account:
            named += 1
            continue
        if account in judgement.accounts:
            named += 1
            others = [name for name in judgement.accounts if name != account]
            judgement = msgspec.structs.replace(judgement, accounts=others)  # noqa: PLW2901
        kept.append(judgement)
    if named:
        _write_lines(folder / store.JUDGEMENTS, [msgspec.json.encode(line) for line in kept])
    return named


def _rewrite_lines(path: Path, keep: Callable[[bytes], bool]) -> None:
    """Keep some lines of a file; one that a crash cut off goes.

    Raises:
        StorageError: The disk refused.
        IntegrityError: The file is not what a watch wrote.
    """
    if not path.exists():
        return
    data = path.read_bytes()
    lines = data[: data.rfind(b"\n") + 1].splitlines()
    try:
        kept = [line for line in lines if keep(line)]
    except msgspec.DecodeError as error:
        raise IntegrityError(f"{path} holds a line that no watch wrote: move it away") from error
    if len(kept) < len(lines) or data[-1:] not in (b"", b"\n"):
        _write_lines(path, kept)


def _write_lines(path: Path, lines: Sequence[bytes]) -> None:
    building = path.with_name(f".{path.name}")
    try:
        with building.open("wb") as file:
            file.write(b"".join(line + b"\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())
        building.replace(path)
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror}") from error


def _clean(state: State) -> None:
    """Remove what is made from events, and what the database kept of removed rows."""
    shutil.rmtree(state.folder / RESULT, ignore_errors=True)
    for copy in state.folder.glob(f"{database.NAME}.[0-9]*"):
        copy.unlink()
    state.note("shown", "")
    with guarded(state.path):
        state.db.execute("VACUUM")
        state.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
