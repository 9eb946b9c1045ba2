"""The folder of a hub, opened for a command."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stillwatch.cli import options
from stillwatch.errors import ConfigError, InputError

if TYPE_CHECKING:
    from stillwatch.share.hub.folder import Folder
    from stillwatch.share.hub.model import Member, Trust
    from stillwatch.share.hub.store import Store

argument = click.argument("folder", metavar="DIR", type=options.FOLDER)


def check_extra() -> None:
    """Refuse to go on without the libraries of the hub.

    Raises:
        ConfigError: The extra `hub` is not installed.
    """
    if any(find_spec(name) is None for name in ("alembic", "argon2", "sqlalchemy", "uvicorn")):
        raise ConfigError("the hub needs an extra: pip install 'stillwatch[hub]'")


@contextmanager
def open_hub(path: Path) -> Iterator[tuple["Folder", "Store"]]:
    """Open a hub's settings and store.

    Raises:
        ConfigError: The extra `hub` is not installed, there is no hub, or its schema is another.
        StorageError: The database cannot be reached.
    """
    check_extra()
    from stillwatch.share.hub import database
    from stillwatch.share.hub import folder as folders
    from stillwatch.share.hub.sql import SqlStore

    state = folders.read(path)
    engine = database.open_engine(state.url)
    try:
        database.check_schema(engine)
        yield state, SqlStore(engine)
    finally:
        engine.dispose()


def member_of(trust: "Trust", name: str) -> "Member":
    """Find a member.

    Raises:
        InputError: There is none of that id.
    """
    found = trust.members.get(name)
    if found is None:
        raise InputError(f"the hub has no member {name}: `stillwatch hub member list` names them")
    return found
