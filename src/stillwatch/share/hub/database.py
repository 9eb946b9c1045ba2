"""Databases of the hub: how they are opened, locked and brought up to date."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from stillwatch.errors import ConfigError, StorageError

SCHEMES: Final = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
}
"""Databases that a URL may name, and the drivers that are used."""
WAIT_S: Final = 30
"""How long a writer waits for another one, in seconds."""


def open_engine(url: str) -> sa.Engine:
    """Return an engine for a URL; nothing is connected yet.

    Raises:
        ConfigError: The URL names no database that is known, or its driver is not installed.
    """
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise ConfigError("the database is no URL: give sqlite:///FILE or postgresql://…") from None
    driver = SCHEMES.get(parsed.drivername)
    if driver is None:
        raise ConfigError("the database must be sqlite:///FILE or postgresql://…")
    parsed = parsed.set(drivername=driver)
    try:
        engine = sa.create_engine(parsed, pool_size=8, max_overflow=8, pool_pre_ping=False)
    except ModuleNotFoundError as error:
        raise ConfigError(
            "PostgreSQL needs an extra: pip install 'stillwatch[hub,postgres]'"
        ) from error
    if driver == "sqlite":
        sa.event.listen(engine, "connect", _prepare)
        sa.event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: sqlite3.Connection, _: Any) -> None:
    # The driver must not begin transactions by itself: `_begin` does, with the right lock.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout = {WAIT_S * 1000}",
        "journal_mode = WAL",
        # FULL syncs the log at each commit: what was acknowledged survives a power cut.
        "synchronous = FULL",
        "foreign_keys = ON",
        "cache_size = -65536",
        "mmap_size = 1073741824",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: sa.Connection) -> None:
    if connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
        return  # a reader must not wait for a writer, nor hold one up
    # A transaction that reads first and writes later can fail for good where another wrote between.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def faults() -> Iterator[None]:
    """Turn errors of the database into one clear line that quotes no row.

    Raises:
        StorageError: The database refused.
    """
    try:
        yield
    except sa.exc.SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        # Messages of databases quote rows; their class does not.
        raise StorageError(
            f"the hub's database failed ({type(cause).__name__}): look at its disk and its log"
        ) from None


def _scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config)


def upgrade(engine: sa.Engine) -> str:
    """Bring a database to the newest schema and return its revision.

    Raises:
        StorageError: The database refused.
    """
    scripts = _scripts()

    def steps(revision: Any, _: Any) -> Any:
        return scripts._upgrade_revs("head", revision)  # noqa: SLF001 - as Alembic's own command does

    with faults(), engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7355608)")
        with EnvironmentContext(Config(), scripts, fn=steps) as environment:
            environment.configure(connection=connection, target_metadata=None)
            environment.run_migrations()
    return scripts.get_current_head() or ""


def check_schema(engine: sa.Engine) -> None:
    """Refuse a database whose schema is not the one that this version knows.

    Raises:
        ConfigError: It is another one, or none.
        StorageError: The database cannot be reached.
    """
    with faults(), engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    wanted = _scripts().get_current_head()
    if found is None:
        raise ConfigError("the database holds no hub: make one with `stillwatch hub init`")
    if found != wanted:
        raise ConfigError(
            f"the database has schema {found}, this version needs {wanted}: back it up and run "
            "`stillwatch hub upgrade`"
        )
