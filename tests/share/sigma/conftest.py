"""One DuckDB for the tests of a session: opening one costs more than a query."""

import duckdb
import pytest

from tests.share.sigma import build


@pytest.fixture(autouse=True, scope="session")
def _connected():
    build.OPEN.append(duckdb.connect())
    yield
    build.OPEN.pop().close()
