"""Rules over a log or over the profiles of a scan, in DuckDB, batch by batch.

Text is looked at in the batch in which it is read: what is kept of a batch are account ids, times,
counts and the values that correlations group by, none of which is text.
"""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa

from stillwatch.errors import InputError
from stillwatch.events.fingerprint import NetworkLists, fingerprint_batch
from stillwatch.events.key import Key
from stillwatch.events.schema import FINGERPRINTS, TIMESTAMP
from stillwatch.share.sigma.backend import ADDRESS_DIGITS, DuckDBBackend, accounts_sql
from stillwatch.share.sigma.cases import Case
from stillwatch.share.sigma.fields import FIELDS, Field, Service, Sort
from stillwatch.share.sigma.match import MATCHES, Planned
from stillwatch.share.sigma.patterns import address_number
from stillwatch.share.sigma.reading import title_of

MEMORY_LIMIT: Final = "2GB"
THREADS: Final = 2


def run_on_log(
    rules: Sequence[Planned],
    batches: Iterable[pa.RecordBatch],
    contract: str,
    key: Key,
    lists: NetworkLists | None = None,
) -> pa.Table:
    """Run rules over events or fingerprints.

    Args:
        rules: Over the service `events`.
        batches: Of contract 1 or 1b.
        contract: `events` or `fingerprints`, which has no text.
        key: Keys the fingerprints of events.
        lists: Fills `network_lists`.

    Returns:
        Columns of `MATCHES`, sorted by rule in the order given, then by account.

    Raises:
        InputError: A rule needs a field that fingerprints do not have.
    """
    for planned in rules:
        if contract != "events" and planned.raw:
            names = ", ".join(sorted(field.name for field in planned.raw))
            raise InputError(
                f"{title_of(planned.rule)} needs {names}, which fingerprints do not hold: give the "
                "events, or leave the rule out"
            )
    fields = frozenset(field for planned in rules for field in planned.fields)
    with _connected() as connection:
        searches = [_Search(planned, n) for n, planned in enumerate(rules)]
        for search in searches:
            connection.execute(search.create)
        for batch in batches:
            rows = _columns(batch, fields, contract, key, lists)
            connection.register("batch", rows)
            for search in searches:
                connection.execute(search.insert)
            connection.unregister("batch")
        return _collected(connection, searches)


def run_on_profiles(rules: Sequence[Planned], profiles: pa.Table) -> pa.Table:
    """Run rules of the service `profiles` over `profiles.parquet` of a scan.

    Returns:
        Columns of `MATCHES`; `events` and times are those of the whole profile.
    """
    missing = {
        field.column: pa.nulls(profiles.num_rows, pa.float64())
        for planned in rules
        for field in planned.fields
        if field.column not in profiles.column_names
    }
    for name, nulls in missing.items():
        profiles = profiles.append_column(name, nulls)
    with _connected() as connection:
        connection.register("profiles", profiles)
        found = [MATCHES.empty_table()]
        for planned in rules:
            condition = DuckDBBackend().condition(planned.parts[0])
            query = (
                "SELECT account_id, first_seen AS first_time, last_seen AS last_time, events "  # noqa: S608 - the back end quotes
                f"FROM profiles WHERE {condition} ORDER BY account_id"
            )
            found.append(_labelled(connection, planned, query))
        return pa.concat_tables(found)


class _Search:
    """What one rule keeps while batches pass, and the SQL that fills and reads it."""

    def __init__(self, planned: Planned, number: int) -> None:
        self.planned = planned
        table, backend = f"kept{number}", DuckDBBackend()
        if planned.correlation is None:
            condition = backend.condition(planned.parts[0])
            rows = (
                "SELECT account_id, min(time) AS first_time, max(time) AS last_time, "  # noqa: S608
                f"count(*) AS events FROM batch WHERE {condition} GROUP BY account_id"
            )
            columns = ", ".join(f"{name} {kind}" for name, kind in _KEPT)
            self.create = f"CREATE TABLE {table} ({columns})"
            self.read = (
                "SELECT account_id, min(first_time) AS first_time, max(last_time) AS last_time, "  # noqa: S608
                f"sum(events)::BIGINT AS events FROM {table} GROUP BY account_id "
                "ORDER BY account_id"
            )
        else:
            rows = backend.matched(planned.correlation, "batch")
            groups = "".join(
                f", g{n} {_SQL_TYPES[field.sort]}"
                for n, field in enumerate(planned.correlation.groups[0])
            )
            value = planned.correlation.value
            kind = _SQL_TYPES[value.sort] if value else "INTEGER"
            self.create = (
                f"CREATE TABLE {table} (part INTEGER, time TIMESTAMPTZ, account_id VARCHAR"
                f"{groups}, value {kind})"
            )
            self.read = f"WITH matched AS (FROM {table}) {accounts_sql(planned.correlation)}"
        self.insert = f"INSERT INTO {table} {rows}"


_KEPT: Final = (
    ("account_id", "VARCHAR"),
    ("first_time", "TIMESTAMPTZ"),
    ("last_time", "TIMESTAMPTZ"),
    ("events", "BIGINT"),
)
_SQL_TYPES: Final = {
    Sort.IDENTIFIER: "VARCHAR",
    Sort.ADDRESS: "VARCHAR",
    Sort.STRING: "VARCHAR",
    Sort.HASH: "UBIGINT",
    Sort.NUMBER: "DOUBLE",
    Sort.BOOLEAN: "BOOLEAN",
}


@contextmanager
def _connected() -> Iterator[duckdb.DuckDBPyConnection]:
    with tempfile.TemporaryDirectory(prefix="stillwatch-") as spill:
        connection = duckdb.connect(
            config={
                "memory_limit": MEMORY_LIMIT,
                "threads": THREADS,
                "temp_directory": str(Path(spill)),
                "TimeZone": "UTC",
                "autoinstall_known_extensions": False,
            }
        )
        try:
            yield connection
        finally:
            connection.close()


def _columns(
    batch: pa.RecordBatch,
    fields: frozenset[Field],
    contract: str,
    key: Key,
    lists: NetworkLists | None,
) -> pa.Table:
    """The columns that rules read, from a batch of either contract."""
    kept = {"time", "account_id"} | {field.column for field in fields if not field.raw}
    if contract == "events":
        wanted = [name for name in FINGERPRINTS.names if name in kept]
        table = pa.Table.from_batches([fingerprint_batch(batch, key, lists, wanted)])
    else:
        table = pa.Table.from_batches([batch]).select(sorted(kept))
    for field in sorted(fields, key=lambda field: field.name):
        if not field.raw:
            continue
        values = batch.column(field.name)
        table = table.append_column(field.column, values)
        if field.sort is Sort.ADDRESS:
            table = table.append_column(field.column + ADDRESS_DIGITS, _digits(values))
    return table


def _digits(addresses: pa.Array) -> pa.Array:
    """Addresses as 32 hexadecimal digits, each distinct one read once."""
    encoded = addresses.dictionary_encode()
    numbers = [address_number(text) for text in encoded.dictionary.to_pylist()]
    digits = pa.array([None if n is None else f"{n:032x}" for n in numbers], pa.string())
    return digits.take(encoded.indices)


def _collected(connection: duckdb.DuckDBPyConnection, searches: Sequence[_Search]) -> pa.Table:
    found = [_labelled(connection, search.planned, search.read) for search in searches]
    return pa.concat_tables([MATCHES.empty_table(), *found])


def _labelled(connection: duckdb.DuckDBPyConnection, planned: Planned, query: str) -> pa.Table:
    """Run a query and say of which rule its rows are."""
    rows: pa.Table = connection.sql(query).to_arrow_table()
    level = planned.rule.level.name.lower() if planned.rule.level else None
    columns = {"rule_id": planned.id, "rule": planned.rule.title, "level": level}
    table = {
        name: pa.array([value] * rows.num_rows, pa.string()) for name, value in columns.items()
    }
    table |= {name: rows[name] for name in rows.column_names}
    return pa.table(table).select(MATCHES.names).cast(MATCHES)


def run_case(planned: Planned, case: Case) -> bool:
    """Whether a rule matches the test events of a case, or any of them."""
    if planned.service is not case.service:
        return False
    table = pa.table({field.column: _typed(field, case) for field in FIELDS[case.service].values()})
    with _connected() as connection:
        if planned.service is Service.PROFILES:
            condition = DuckDBBackend().condition(planned.parts[0])
            connection.register("profiles", table)
            query = f"SELECT 1 FROM profiles WHERE {condition}"  # noqa: S608 - the back end quotes
            return bool(connection.execute(query).fetchall())
        connection.register("batch", _with_digits(table))
        search = _Search(planned, 0)
        connection.execute(search.create)
        connection.execute(search.insert)
        return bool(connection.execute(search.read).fetchall())


def _typed(field: Field, case: Case) -> pa.Array:
    types = {Sort.HASH: pa.uint64(), Sort.NUMBER: pa.float64(), Sort.BOOLEAN: pa.bool_()}
    types |= {Sort.TIME: TIMESTAMP, Sort.NAMES: pa.uint32()}
    values = [row.get(field.name) for row in case.rows]
    return pa.array(values, types.get(field.sort, pa.string()))


def _with_digits(table: pa.Table) -> pa.Table:
    for field in FIELDS[Service.EVENTS].values():
        if field.sort is Sort.ADDRESS:
            digits = _digits(table[field.column].combine_chunks())
            table = table.append_column(field.column + ADDRESS_DIGITS, digits)
    return table
