"""The state of a watch: what was read of the source, and how far; what was found and announced.

A folder of

* `state.db`, which says what counts,
* `segments/`, fingerprints by day, each file immutable and named by the database,
* `lock`, held by the one watch that uses the state,
* `judgements.jsonl`, people's decisions, and `verdicts.jsonl`, changes of verdicts: append-only,
* `result/`, what the last analysis found (contract 3),
* `scratch/`, what an analysis spills and drops again.

A segment is written and synced before the transaction that names it and moves the source's
position. A file that the database does not name is what a crash left, and is removed.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import msgspec
import numpy as np
import pyarrow as pa

from stillwatch.detect.watch import database
from stillwatch.detect.watch.database import guarded, transaction
from stillwatch.detect.watch.seen import Hashes, Seen, hash_ids
from stillwatch.detect.watch.segments import days_of, read_segments, sync_folder, write_segment
from stillwatch.errors import ConfigError, InputError, StorageError
from stillwatch.events.readers.rejects import Reject
from stillwatch.events.schema import FINGERPRINTS

SEGMENTS: Final = "segments"
RESULT: Final = "result"
VERDICTS: Final = "verdicts.jsonl"
SCRATCH: Final = "scratch"
KEPT_REJECTS: Final = 1000
"""Rejected rows that are listed; all are counted."""
MOST_SEGMENTS: Final = 24
"""A day with more files than this has them joined into one."""


@dataclass(frozen=True)
class Read:
    """What one micro-batch did.

    Attributes:
        added: events that are new.
        repeated: events that were there already.
        expired: events of days before the window.
    """

    added: int = 0
    repeated: int = 0
    expired: int = 0


@dataclass(frozen=True)
class Facts:
    """What a state is made for; source and key are fixed when it is made.

    Attributes:
        source: name of the source.
        key_id: public name of the key of all fingerprints.
        window: UTC days that are kept, the last one included.
        chosen: Whether the user named the window; otherwise that of the state holds.
    """

    source: str
    key_id: str
    window: int
    chosen: bool = True


_MENDS: Final = {
    "source": "give the source that this state follows, or a new state folder",
    "key_id": "give the key that this state was made with, or a new state folder",
}
"""Facts that never change, and what to do where they do not fit."""


class State:
    """A watch's state; see the module. Use `open_state`."""

    def __init__(self, folder: Path, lock: int, steps: Sequence[str]) -> None:
        self.folder = folder
        self._lock = lock
        self.path = folder / database.NAME
        self.db = database.connect(folder, steps)
        self.seen = Seen()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database and let others use the state."""
        self.db.close()
        os.close(self._lock)

    # What a state is made for.

    def settle_facts(self, facts: Facts | None) -> Facts:
        """Write down what a new state is made for, or check that an older one fits.

        Raises:
            ConfigError: The state was made for something else.
            InputError: The folder holds no state yet and no facts were given.
        """
        with guarded(self.path):
            rows = dict(self.db.execute("SELECT name, value FROM facts"))
            if not rows:
                if facts is None:
                    raise InputError(f"{self.folder} holds no state; name the folder of a watch")
                with transaction(self.db):
                    for name in ("source", "key_id", "window"):
                        self.db.execute(
                            "INSERT INTO facts VALUES (?, ?)", (name, str(getattr(facts, name)))
                        )
                return facts
        found = Facts(rows["source"], rows["key_id"], int(rows["window"]))
        if facts is None:
            return found
        for name in _MENDS:
            if getattr(facts, name) != getattr(found, name):
                raise ConfigError(
                    f"{self.folder} was made with {name.replace('_', ' ')} {getattr(found, name)},"
                    f" not {getattr(facts, name)}: {_MENDS[name]}"
                )
        if facts.chosen:
            self.note("window", str(facts.window))
            return facts
        return found

    def fact(self, name: str) -> str | None:
        """Return a fact; None where it is not known."""
        with guarded(self.path):
            row = self.db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def note(self, name: str, value: str) -> None:
        """Write a fact down."""
        with guarded(self.path):
            self.db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    # What was read.

    @property
    def positions(self) -> dict[str, str]:
        """How far each part of the source has been read."""
        with guarded(self.path):
            return dict(self.db.execute("SELECT item, position FROM positions"))

    def counter(self, name: str) -> int:
        """Return a counter; 0 where nothing was counted."""
        with guarded(self.path):
            row = self.db.execute("SELECT value FROM counters WHERE name = ?", (name,)).fetchone()
        return int(row[0]) if row else 0

    def reasons(self) -> dict[str, int]:
        """Return how many rows were rejected, by reason."""
        with guarded(self.path):
            rows = self.db.execute(
                "SELECT substr(name, 10), value FROM counters WHERE name LIKE 'rejected:%' "
                "ORDER BY name"
            )
            return dict(rows)

    def rejected(self) -> list[Reject]:
        """Return the rejected rows that are listed."""
        with guarded(self.path):
            rows = self.db.execute('SELECT file, row, "column", reason FROM rejected')
            return [Reject(*row) for row in rows]

    def segments(self) -> dict[int, list[str]]:
        """Return the names of all segments by day, both ascending."""
        found: dict[int, list[str]] = {}
        with guarded(self.path):
            for name, day in self.db.execute("SELECT name, day FROM segments ORDER BY day, name"):
                found.setdefault(day, []).append(name)
        return found

    def paths(self, names: Sequence[str]) -> list[Path]:
        """Return where segments lie."""
        return [self.folder / SEGMENTS / name for name in names]

    def append(
        self,
        batches: Sequence[pa.RecordBatch],
        positions: Mapping[str, str],
        rejects: Sequence[Reject],
        *,
        window: int,
    ) -> Read:
        """Take up fingerprints and how far the source has been read: all of it, or nothing.

        Args:
            batches: Fingerprints.
            positions: What changes of the source's positions.
            rejects: Rows that could not be read.
            window: Days kept, up to the latest day that any event has.

        Raises:
            StorageError: The disk refused; the state is as before.
        """
        table = pa.Table.from_batches(batches, FINGERPRINTS)
        read, parts = self._parts(table, window) if table.num_rows else (Read(), [])
        written = [
            (day, write_segment(self.folder / SEGMENTS, day, rows), rows.num_rows)
            for day, rows, _ in parts
        ]
        with guarded(self.path), transaction(self.db):
            for day, name, events in written:
                self.db.execute("INSERT INTO segments VALUES (?, ?, ?)", (name, day, events))
            self.db.executemany(
                "INSERT INTO positions VALUES (?, ?) "
                "ON CONFLICT (item) DO UPDATE SET position = excluded.position",
                positions.items(),
            )
            self._count("events", read.added)
            self._count("repeated", read.repeated)
            self._count("expired", read.expired)
            self._reject(rejects)
        for day, _, hashes in parts:
            self.seen.add(day, hashes)
        return read

    def _parts(
        self, table: pa.Table, window: int
    ) -> tuple[Read, list[tuple[int, pa.Table, Hashes]]]:
        """Split new events by day; those that were there, or are older than the window, go."""
        batch = table.combine_chunks().to_batches()[0]
        hashes, days = hash_ids(batch.column("event_id")), days_of(batch)
        latest = max([int(days.max()), *self.segments()])
        fresh = self.seen.fresh(hashes)
        inside = days > latest - window
        keep = fresh & inside
        parts = []
        for day in np.unique(days[keep]).tolist():
            of_day = keep & (days == day)
            parts.append((day, table.filter(pa.array(of_day)), hashes[of_day]))
        added, expired = int(keep.sum()), int((~inside).sum())
        return Read(added, int((~fresh & inside).sum()), expired), parts

    def _count(self, name: str, number: int) -> None:
        if number:
            self.db.execute(
                "INSERT INTO counters VALUES (?, ?) "
                "ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
                (name, number),
            )

    def _reject(self, rejects: Sequence[Reject]) -> None:
        for reject in rejects:
            self._count("rejected", 1)
            self._count(f"rejected:{reject.reason}", 1)
        self.db.executemany(
            'INSERT INTO rejected (file, row, "column", reason) VALUES (?, ?, ?, ?)',
            [msgspec.structs.astuple(reject) for reject in rejects[-KEPT_REJECTS:]],
        )
        self.db.execute(
            "DELETE FROM rejected WHERE number <= (SELECT max(number) FROM rejected) - ?",
            (KEPT_REJECTS,),
        )

    def replace(self, old: Sequence[str], day: int, rows: pa.Table | None) -> None:
        """Put one segment in the place of some; None or no row: only remove them."""
        folder = self.folder / SEGMENTS
        new = write_segment(folder, day, rows) if rows is not None and rows.num_rows else None
        with guarded(self.path), transaction(self.db):
            self.db.executemany("DELETE FROM segments WHERE name = ?", [(name,) for name in old])
            if new is not None and rows is not None:
                self.db.execute("INSERT INTO segments VALUES (?, ?, ?)", (new, day, rows.num_rows))
        for path in self.paths(old):
            path.unlink(missing_ok=True)

    def expire(self, first_day: int) -> int:
        """Drop the days before `first_day`; returns how many."""
        gone = {day: names for day, names in self.segments().items() if day < first_day}
        for day, names in gone.items():
            self.replace(names, day, None)
        self.seen.keep(first_day)
        if gone:
            self.forget_absent()
        return len(gone)

    def forget_absent(self) -> None:
        """Forget accounts that have no event any more, as members and as holders of a verdict."""
        left: set[str] = set()
        for names in self.segments().values():
            rows = read_segments(self.folder / SEGMENTS, names, ["account_id"])
            left.update(rows["account_id"].unique().to_pylist())
        with guarded(self.path), transaction(self.db):
            for table in ("members", "verdicts"):
                query = f"SELECT DISTINCT account_id FROM {table}"  # noqa: S608 - our names
                absent = [row for row in self.db.execute(query) if row[0] not in left]
                self.db.executemany(f"DELETE FROM {table} WHERE account_id = ?", absent)  # noqa: S608

    def compact(self) -> None:
        """Join the segments of each day that has many."""
        for day, names in self.segments().items():
            if len(names) > MOST_SEGMENTS:
                rows = read_segments(self.folder / SEGMENTS, names)
                self.replace(names, day, rows)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Give an empty folder that is gone afterwards; after a crash, with the next opening."""
        place = self.folder / SCRATCH
        try:
            place.mkdir(exist_ok=True)
            folder = tempfile.TemporaryDirectory(dir=place)
        except OSError as error:
            raise StorageError(f"{place} cannot be written: {error.strerror}") from error
        with folder as name:
            yield Path(name)

    def recover(self) -> None:
        """Remove what a crash left, and learn which events are in the state."""
        shutil.rmtree(self.folder / SCRATCH, ignore_errors=True)
        known = self.segments()
        named = {name for names in known.values() for name in names}
        for path in (self.folder / SEGMENTS).iterdir():
            if path.name not in named:
                path.unlink()
        sync_folder(self.folder / SEGMENTS)
        for day, names in known.items():
            rows = read_segments(self.folder / SEGMENTS, names, ["event_id"])
            self.seen.add(day, hash_ids(rows["event_id"].combine_chunks()))


def open_state(
    folder: Path, facts: Facts | None, steps: Sequence[str] = database.STEPS
) -> tuple[State, Facts]:
    """Open a state, or make it; nobody else can use it until it is closed.

    Args:
        folder: Where it lies.
        facts: What it must be made for; None opens only a state that exists, as it is.
        steps: Versions of the database; see `database.connect`.

    Raises:
        InputError: There is no state, or the folder holds something else.
        ConfigError: The state was made for something else.
        IntegrityError: The state is damaged, or of a newer version.
        StorageError: Someone else uses the state, or the disk refused.
    """
    exists = is_state(folder)
    if not exists and facts is None:
        raise InputError(f"{folder} holds no state; name the folder of a watch")
    if not exists and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is not empty and holds no state; name a new state folder")
    try:
        (folder / SEGMENTS).mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StorageError(f"{folder} cannot be written: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise StorageError(
            f"{folder} is used by another watch or purge: stop that one, or name another folder"
        ) from error
    try:
        state = State(folder, lock, steps)
    except BaseException:
        os.close(lock)
        raise
    try:
        settled = state.settle_facts(facts)
        state.recover()
    except BaseException:
        state.close()
        raise
    return state, settled


def is_state(folder: Path) -> bool:
    """Whether a folder holds a state, or the beginning of one."""
    return (folder / database.NAME).is_file() or (folder / "lock").is_file()
