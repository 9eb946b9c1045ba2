"""The relational steps on one machine: DuckDB over fingerprint Parquet files."""

from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import numpy as np
import pyarrow as pa

from stillwatch.detect import profiles
from stillwatch.detect.features import FINGERPRINT_FAMILIES, FamilyCounts, Features

HOUR = "(epoch_us(time) // 3600000000)"


class LocalEngine:
    """Aggregates fingerprints with DuckDB; spills to `scratch` rather than run out of memory.

    Account codes are positions in the sorted account ids, so that results do not depend on the
    order of the input.
    """

    def __init__(self, files: list[Path], scratch: Path, *, memory_limit: str, threads: int) -> None:
        self._db = duckdb.connect(
            config={
                "threads": threads,
                "memory_limit": memory_limit,
                "temp_directory": str(scratch),
                "preserve_insertion_order": False,
            }
        )
        self._db.execute("SET TimeZone = 'UTC'")
        paths = [str(path) for path in files]
        self._db.execute("CREATE TEMP TABLE source_files AS SELECT unnest(?) AS path", [paths])
        quoted = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
        self._db.execute(f"CREATE TEMP VIEW source AS SELECT * FROM read_parquet([{quoted}])")
        self._db.execute(
            "CREATE TEMP TABLE codes AS SELECT account_id, "
            "(row_number() OVER (ORDER BY account_id) - 1)::INTEGER AS code "
            "FROM (SELECT DISTINCT account_id FROM source)"
        )
        self._db.execute(
            "CREATE TEMP VIEW events AS SELECT source.*, codes.code, "
            f"({HOUR} % 2)::INTEGER AS held_out, ({HOUR} % 24)::INTEGER AS hour "
            "FROM source JOIN codes USING (account_id)"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def _arrow(self, query: str) -> pa.Table:
        return self._db.execute(query).to_arrow_table()

    def _columns(self, query: str) -> dict[str, Any]:
        return self._db.execute(query).fetchnumpy()

    def profiles(self) -> pa.Table:
        """Return one profile per account, sorted by account code."""
        return self._arrow(
            f"SELECT any_value(account_id) AS account_id, {profiles.select_list()} "
            "FROM events GROUP BY code ORDER BY code"
        )

    def features(self) -> Features:
        """Return the counts of every family that fingerprints carry."""
        return {family: self._counts(column) for family, column in FINGERPRINT_FAMILIES.items()}

    def _counts(self, column: str) -> FamilyCounts:
        value = f"md5_number_lower({column})" if column == "tls_fingerprint" else column
        rows = self._columns(
            f"SELECT code, {value} AS value, count(*)::INTEGER AS n, sum(held_out)::INTEGER AS held "
            f"FROM events WHERE {column} IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2"
        )
        return FamilyCounts(
            np.asarray(rows["code"], np.int32),
            np.asarray(rows["value"], np.uint64),
            np.asarray(rows["n"], np.int32),
            np.asarray(rows["held"], np.int32),
        )
