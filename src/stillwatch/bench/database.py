"""DuckDB for the benchmark's own queries."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb


@contextmanager
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database in memory that draws no progress bar of its own."""
    with duckdb.connect() as db:
        db.execute("SET enable_progress_bar = false")
        yield db
