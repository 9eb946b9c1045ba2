"""The relational steps on one machine: DuckDB over fingerprint Parquet files."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import duckdb
import pyarrow as pa

from stillwatch.detect.engines.sql import Dialect, SqlEngine
from stillwatch.errors import StorageError

DIALECT: Final = Dialect(
    micros="epoch_us({})",
    divide="//",
    explode="unnest({}::UINTEGER[])",
    row="row_number() OVER ()",
    event="hash(event_id)",
    tls="md5_number_lower(tls_fingerprint)",
)


class LocalEngine(SqlEngine):
    """Aggregates fingerprints with DuckDB; spills to `scratch` rather than run out of memory."""

    def __init__(
        self, files: list[Path], scratch: Path, *, memory_limit: str, threads: int
    ) -> None:
        super().__init__(DIALECT)
        self._scratch = scratch
        self._db = duckdb.connect(
            config={
                "threads": threads,
                "memory_limit": memory_limit,
                "temp_directory": str(scratch),
                "preserve_insertion_order": False,
            }
        )
        self._db.execute("SET TimeZone = 'UTC'")
        self._db.execute("SET enable_progress_bar = false")
        paths = [str(path) for path in files]
        quoted = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
        self._db.execute(
            # A view takes no parameters; the paths are our own files, quoted.
            f"CREATE TEMP VIEW source AS SELECT * FROM read_parquet([{quoted}])"  # noqa: S608
        )
        with self._running():
            self._db.execute(
                "CREATE TEMP TABLE codes AS SELECT account_id, "
                "(row_number() OVER (ORDER BY account_id) - 1)::INTEGER AS code "
                "FROM (SELECT DISTINCT account_id FROM source)"
            )
        self._db.execute(
            "CREATE TEMP VIEW events AS SELECT source.*, codes.code, "  # noqa: S608 - constants
            f"({DIALECT.slot} % 2)::INTEGER AS held_out, ({DIALECT.slot} % 24)::INTEGER AS hour "
            "FROM source JOIN codes USING (account_id)"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._db.close()

    def _fetch(self, query: str, schema: pa.Schema, order: Sequence[str]) -> pa.Table:
        sort = f" ORDER BY {', '.join(order)}" if order else ""
        with self._running():
            found = self._db.sql(f"SELECT * FROM ({query}){sort}").to_arrow_table()  # noqa: S608 - ours
        return found.select(schema.names).cast(schema)

    @contextmanager
    def _running(self) -> Iterator[None]:
        """Translate what DuckDB raises where a person, the memory or the disk ends a query."""
        try:
            yield
        except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
            raise StorageError(
                f"cannot aggregate in {self._scratch}: {str(error).splitlines()[0]}; make room "
                "there, or for a scan set TMPDIR to a disk with room"
            ) from error
        except (duckdb.InterruptException, RuntimeError) as error:
            if "interrupt" in str(error).lower():
                raise KeyboardInterrupt from error
            raise
