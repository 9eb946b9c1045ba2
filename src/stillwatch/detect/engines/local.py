"""The relational steps on one machine: DuckDB over fingerprint Parquet files."""

from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import numpy as np
import pyarrow as pa

from stillwatch.detect import profiles
from stillwatch.detect.features import FINGERPRINT_FAMILIES, Family, FamilyCounts, Features
from stillwatch.detect.population import PACE_COLUMNS, Hourly, ModelUse, Sketches

HOUR = "(epoch_us(time) // 3600000000)"


def _exact_sum(expression: str) -> str:
    """Return SQL that sums in whole millionths, so that threads do not change the last digit."""
    return f"(sum(round(1e6 * {expression})::BIGINT) / 1e6)"


class LocalEngine:
    """Aggregates fingerprints with DuckDB; spills to `scratch` rather than run out of memory.

    Account codes are positions in the sorted account ids, so that results do not depend on the
    order of the input.
    """

    def __init__(
        self, files: list[Path], scratch: Path, *, memory_limit: str, threads: int
    ) -> None:
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
        self._db.execute(
            "CREATE TEMP TABLE codes AS SELECT account_id, "
            "(row_number() OVER (ORDER BY account_id) - 1)::INTEGER AS code "
            "FROM (SELECT DISTINCT account_id FROM source)"
        )
        self._db.execute(
            "CREATE TEMP VIEW events AS SELECT source.*, codes.code, "  # noqa: S608 - constants
            f"({HOUR} % 2)::INTEGER AS held_out, ({HOUR} % 24)::INTEGER AS hour "
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

    def _arrow(self, query: str) -> pa.Table:
        return self._db.sql(query).to_arrow_table()

    def _columns(self, query: str) -> dict[str, Any]:
        return self._db.execute(query).fetchnumpy()

    def profiles(self) -> pa.Table:
        """Return one profile per account, sorted by account code."""
        return self._arrow(
            # The select list is made of constants.
            f"SELECT any_value(account_id) AS account_id, {profiles.select_list()} "  # noqa: S608
            "FROM events GROUP BY code ORDER BY code"
        )

    def features(self) -> Features:
        """Return the counts of every family that fingerprints carry."""
        return {family: self._counts(column) for family, column in FINGERPRINT_FAMILIES.items()}

    def _counts(self, column: str) -> FamilyCounts:
        value = f"md5_number_lower({column})" if column == "tls_fingerprint" else column
        rows = self._columns(
            f"SELECT code, {value} AS value, count(*)::INTEGER AS n, "  # noqa: S608 - our columns
            f"sum(held_out)::INTEGER AS held FROM events WHERE {column} IS NOT NULL "
            "GROUP BY 1, 2 ORDER BY 1, 2"
        )
        return FamilyCounts(
            np.asarray(rows["code"], np.int32),
            np.asarray(rows["value"], np.uint64),
            np.asarray(rows["n"], np.int32),
            np.asarray(rows["held"], np.int32),
        )

    def pace(self) -> pa.Table:
        """Return `PACE_COLUMNS` per account, sorted by account code."""
        names = ", ".join(f"coalesce({name}, 0)::DOUBLE AS {name}" for name in PACE_COLUMNS)
        return self._arrow(
            f"""
            WITH hourly AS (
              SELECT code, {HOUR} AS slot, count(*) AS n FROM events GROUP BY 1, 2
            ), by_hour AS (
              SELECT code, count(*) AS active_hours, max(n) AS peak_hour FROM hourly GROUP BY 1
            ), by_day AS (
              SELECT code, count(*) AS active_days, max(n) AS peak_day FROM (
                SELECT code, slot // 24 AS day, sum(n) AS n FROM hourly GROUP BY 1, 2) GROUP BY 1
            ), gaps AS (
              SELECT code, (epoch_us(time) - lag(epoch_us(time))
                OVER (PARTITION BY code ORDER BY time)) / 1e6 AS gap FROM events
            ), by_gap AS (
              SELECT code, count(*) AS gaps, {_exact_sum("ln(1 + gap)")} AS log_gap_sum,
                {_exact_sum("ln(1 + gap) * ln(1 + gap)")} AS log_gap_squared
              FROM gaps WHERE gap IS NOT NULL GROUP BY 1
            ), by_mode AS (
              SELECT code, max(n) AS gaps_at_mode FROM (
                SELECT code, round(gap) AS seconds, count(*) AS n FROM gaps
                WHERE gap IS NOT NULL GROUP BY 1, 2) GROUP BY 1
            ), {self._ECHOES}
            SELECT {names} FROM codes
              LEFT JOIN by_hour USING (code) LEFT JOIN by_day USING (code)
              LEFT JOIN by_gap USING (code) LEFT JOIN by_mode USING (code)
              LEFT JOIN by_echo USING (code) ORDER BY code
            """  # noqa: S608 - made of constants
        )

    # An echo is a prompt with two passages that stood in a completion before any prompt had them:
    # a captured answer sent back. What prompts carried first is a question that an answer quotes.
    _ECHOES = """
            asked AS (
              SELECT p, min(time) AS since FROM (
                SELECT unnest(passages::UINTEGER[]) AS p, time FROM source) WHERE p <> 0 GROUP BY 1
            ), answered AS (
              SELECT p, min(time) AS since FROM (
                SELECT unnest(completion_passages::UINTEGER[]) AS p, time FROM source
                WHERE completion_passages IS NOT NULL) WHERE p <> 0 GROUP BY 1
            ), returned AS (
              SELECT p FROM asked JOIN answered USING (p) WHERE answered.since < asked.since
            ), by_echo AS (
              SELECT code, count(*) AS echoes FROM (
                SELECT code, row FROM (
                  SELECT code, row_number() OVER () AS row, passages FROM events),
                  unnest(passages::UINTEGER[]) AS u(p)
                WHERE p IN (SELECT p FROM returned)
                GROUP BY code, row HAVING count(*) >= 2) GROUP BY 1
            )
    """

    def sketches(self) -> Sketches:
        """Return every account's kept word hashes."""
        rows = self._columns(
            """
            SELECT code, token, count(*)::INTEGER AS n, sum(held_out)::INTEGER AS held FROM (
              SELECT code, held_out, unnest(sketch::UINTEGER[]) AS token FROM events)
            WHERE token <> 0 GROUP BY 1, 2 ORDER BY 1, 2
            """
        )
        return Sketches(
            np.asarray(rows["code"], np.int32),
            np.asarray(rows["token"], np.uint32),
            np.asarray(rows["n"], np.int32),
            np.asarray(rows["held"], np.int32),
        )

    def hourly(self) -> Hourly:
        """Return events per account and clock hour, sorted by account, then hour."""
        rows = self._columns(
            f"SELECT code, {HOUR} AS slot, count(*)::INTEGER AS n "  # noqa: S608 - a constant
            "FROM events GROUP BY 1, 2 ORDER BY 1, 2"
        )
        return Hourly(
            np.asarray(rows["code"], np.int32),
            np.asarray(rows["slot"], np.int64),
            np.asarray(rows["n"], np.int32),
        )

    def models(self) -> ModelUse:
        """Return what each account asked of each model, sorted by account, then model."""
        rows = self._columns(
            "SELECT code, model, epoch_us(min(time)) AS since, "
            "coalesce(sum(input_tokens), 0)::BIGINT AS tokens_in, "
            "coalesce(sum(output_tokens), 0)::BIGINT AS tokens_out "
            "FROM events GROUP BY 1, 2 ORDER BY 1, 2"
        )
        names, model = np.unique(np.asarray(rows["model"], str), return_inverse=True)
        return ModelUse(
            tuple(names.tolist()),
            np.asarray(rows["code"], np.int32),
            model.astype(np.int32),
            np.asarray(rows["since"], np.int64),
            np.asarray(rows["tokens_in"], np.int64),
            np.asarray(rows["tokens_out"], np.int64),
        )

    def repeated(self) -> int:
        """Return how many events have an id that another event has too, but for one of each id."""
        # Hashes of ids need half the memory of ids and next to never collide.
        rows = self._columns(
            "SELECT count(*) - count(DISTINCT hash(event_id)) AS repeated FROM source"
        )
        return int(rows["repeated"][0])

    def readable(self) -> dict[tuple[Family, int], str]:
        """Return texts of values that are harmless to show: clients and TLS fingerprints."""
        clients = self._columns(
            "SELECT DISTINCT client AS value, client_name AS text FROM events "
            "WHERE client IS NOT NULL AND client_name IS NOT NULL ORDER BY 1, 2"
        )
        tls = self._columns(
            "SELECT DISTINCT md5_number_lower(tls_fingerprint) AS value, tls_fingerprint AS text "
            "FROM events WHERE tls_fingerprint IS NOT NULL ORDER BY 1, 2"
        )
        return {
            **{
                (Family.CLIENT, int(v)): str(t)
                for v, t in zip(clients["value"], clients["text"], strict=True)
            },
            **{
                (Family.TLS, int(v)): str(t) for v, t in zip(tls["value"], tls["text"], strict=True)
            },
        }
