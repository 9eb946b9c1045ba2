"""The database of a watch's state: its tables, its version, and how an older one is brought here.

One transaction holds what belongs together: rows that were read and how far the source has been
read; what an analysis found and what is announced of it. So a crash leaves the state as it was
before or as it is after, never between.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from stillwatch.errors import IntegrityError, StorageError

NAME: Final = "state.db"

STEPS: Final[tuple[str, ...]] = (
    """
    CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE segments (
      name TEXT PRIMARY KEY, day INTEGER NOT NULL, events INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE positions (item TEXT PRIMARY KEY, position TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE rejected (
      number INTEGER PRIMARY KEY, file TEXT NOT NULL, row INTEGER NOT NULL,
      "column" TEXT NOT NULL, reason TEXT NOT NULL
    ) STRICT;
    CREATE TABLE campaigns (
      number INTEGER PRIMARY KEY, campaign_id TEXT NOT NULL UNIQUE, merged_into TEXT,
      announced TEXT NOT NULL
    ) STRICT;
    CREATE TABLE members (
      campaign_id TEXT NOT NULL, account_id TEXT NOT NULL, PRIMARY KEY (campaign_id, account_id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE verdicts (
      account_id TEXT PRIMARY KEY, verdict TEXT NOT NULL, campaign_id TEXT
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE outbox (
      number INTEGER PRIMARY KEY AUTOINCREMENT, channel TEXT NOT NULL, line TEXT NOT NULL
    ) STRICT;
    """,
)
"""Step n makes version n + 1 of version n."""


def connect(folder: Path, steps: Sequence[str] = STEPS) -> sqlite3.Connection:
    """Open the database of a state, new or of an older version.

    An older one is copied to `state.db.VERSION` before it is changed.

    Args:
        folder: The state's folder.
        steps: Statements that make each version of the one before.

    Raises:
        IntegrityError: The database is of a newer version, or damaged.
        StorageError: The disk refused.
    """
    path = folder / NAME
    with guarded(path):
        db = sqlite3.connect(path, isolation_level=None, timeout=10)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA secure_delete = ON")
            _check(db)
            _migrate(db, path, steps)
        except BaseException:
            db.close()
            raise
    return db


def _check(db: sqlite3.Connection) -> None:
    (found,) = db.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise sqlite3.DatabaseError(found)


def _migrate(db: sqlite3.Connection, path: Path, steps: Sequence[str]) -> None:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version > len(steps):
        raise IntegrityError(
            f"{path} is of version {version}, this Stillwatch knows up to {len(steps)}: use the "
            "newer Stillwatch that wrote it, or name a new state folder"
        )
    if 0 < version < len(steps):
        with closing(sqlite3.connect(path.with_name(f"{NAME}.{version}"))) as copy:
            db.backup(copy)
    for number in range(version, len(steps)):
        with transaction(db):
            for statement in steps[number].split(";"):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {number + 1}")


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All of the block, or nothing of it."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


@contextmanager
def guarded(path: Path) -> Iterator[None]:
    """Say in one sentence what is wrong with the database.

    Raises:
        IntegrityError: It is damaged or no database.
        StorageError: The disk refused.
    """
    try:
        yield
    except sqlite3.OperationalError as error:
        raise StorageError(
            f"{path} cannot be used ({error}): check the disk and who may write there"
        ) from error
    except sqlite3.DatabaseError as error:
        raise IntegrityError(
            f"{path} is damaged ({error}): put a copy in its place, or name a new state folder and "
            "read the source again"
        ) from error
