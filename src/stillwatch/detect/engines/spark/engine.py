"""The relational steps on a cluster: Spark SQL over fingerprints that the executors hold."""

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession

from stillwatch.detect.engines.spark.faults import explained
from stillwatch.detect.engines.sql import Dialect, SqlEngine
from stillwatch.errors import IntegrityError

_DIGITS: Final = "md5(tls_fingerprint)"

DIALECT: Final = Dialect(
    micros="unix_micros({})",
    divide="div",
    explode="explode({})",
    row="monotonically_increasing_id()",
    event="event",
    # The second half of the digest, its last byte first; base -10 is a signed number.
    tls="conv(concat("
    + ", ".join(f"substr({_DIGITS}, {place}, 2)" for place in range(31, 16, -2))
    + "), 16, -10)::BIGINT",
)

_SIGNED: Final = {pa.uint64(): pa.int64(), pa.uint32(): pa.int32()}
"""Spark has no unsigned numbers: hashes travel as signed ones of the same bits."""


class SparkEngine(SqlEngine):
    """Aggregates fingerprints with Spark SQL.

    On the cluster an account goes by a 64-bit hash of its id, so that no join has to number
    accounts; what comes to the driver is numbered there, in the order of the ids.

    Args:
        spark: a session of its own.
        fingerprints: `sql.USED_COLUMNS`, signed, and `code` and `event`, hashes of the account's
            and the event's id.
        release: frees what the executors hold; called when the engine ends, so that they need not
            stay for the analysis.

    Raises:
        IntegrityError: two account ids have the same hash.
    """

    def __init__(
        self, spark: SparkSession, fingerprints: DataFrame, release: Callable[[], object]
    ) -> None:
        super().__init__(DIALECT)
        self._spark = spark
        self._release = release
        fingerprints.createOrReplaceTempView("source")
        hour = f"{DIALECT.slot} % 24 AS INTEGER"
        spark.sql(
            f"SELECT *, CAST({DIALECT.slot} % 2 AS INTEGER) AS held_out, CAST({hour}) AS hour "  # noqa: S608 - constants
            "FROM source"
        ).createOrReplaceTempView("events")
        with explained():
            accounts = spark.sql("SELECT DISTINCT account_id, code FROM source").toArrow()
        hashes = accounts.sort_by("account_id")["code"].to_numpy()
        self._codes = np.argsort(hashes, kind="stable").astype(np.int32)
        self._hashes = hashes[self._codes]
        if (np.diff(self._hashes) == 0).any():
            raise IntegrityError(
                "two account ids of this log have the same 64-bit hash: scan it in two parts"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for view in ("events", "source"):
            self._spark.catalog.dropTempView(view)
        self._release()

    def _fetch(self, query: str, schema: pa.Schema, order: Sequence[str]) -> pa.Table:
        with explained():
            found = self._spark.sql(query).toArrow()
        columns = [self._column(found[field.name], field) for field in schema]
        table = pa.table(columns, schema=schema)
        return table.sort_by([(name, "ascending") for name in order]) if order else table

    def _column(self, values: pa.ChunkedArray, field: pa.Field) -> pa.ChunkedArray | pa.Array:
        if field.name == "code":
            return pa.array(self._codes[np.searchsorted(self._hashes, values.to_numpy())])
        if field.type in _SIGNED:
            signed = values.combine_chunks().cast(_SIGNED[field.type])
            return pa.array(np.asarray(signed).view(field.type.to_pandas_dtype()))
        return pc.cast(values, field.type)
