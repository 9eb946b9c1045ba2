"""The relational steps in SQL, written once; a dialect holds the few words that engines differ in.

Queries read two relations: `source`, the fingerprints, and `events`, the same with `code`,
`held_out` and `hour`. Sums of fractions are taken in whole millionths, so that neither the order of
rows nor the number of threads or executors changes the last digit. Nothing sorts or numbers all
events of one account in one place: an account with a tenth of all events is aggregated in parts.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from stillwatch.detect import profiles
from stillwatch.detect.features import FINGERPRINT_FAMILIES, Family, FamilyCounts, Features
from stillwatch.detect.population import PACE_COLUMNS, Hourly, ModelUse
from stillwatch.detect.profiles import exact_sum

USED_COLUMNS = (
    "event_id",
    "time",
    "account_id",
    "model",
    "turn",
    "input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "choices",
    "stream",
    "logprobs",
    "output_type",
    "tools",
    "finish_reason",
    "status",
    "tls_fingerprint",
    "client_name",
    "client",
    "address",
    "network",
    "conversation",
    "api_key",
    "end_user",
    "system",
    "parameters",
    "network_lists",
    "content",
    "template",
    "opening",
    "closing",
    "sketch",
    "passages",
    "markers",
    "script",
    "words",
    "constraints",
    "nesting",
    "entropy",
    "completion_markers",
    "completion_passages",
)
"""Fingerprint columns that the queries read; an engine need keep no other."""

CODE = pa.field("code", pa.int32())
_COUNTS = [("n", pa.int32()), ("held", pa.int32())]
# Counts, as the sum of the hours' halves would take a third more memory per group.
_COUNTED = "count(*)::INTEGER AS n, (count(*) FILTER (WHERE held_out = 1))::INTEGER AS held"


@dataclass(frozen=True)
class Dialect:
    """What engines write differently.

    Attributes:
        micros: microseconds since 1970 of `{}`, a timestamp.
        divide: operator of integer division.
        explode: one row per element of `{}`, a list of hashes, in a select list.
        row: a number of its own for each row.
        event: a hash of `event_id`.
        tls: 64 bits of the MD5 of `tls_fingerprint`.
    """

    micros: str
    divide: str
    explode: str
    row: str
    event: str
    tls: str

    @property
    def slot(self) -> str:
        """Clock hour since 1970 of an event."""
        return f"({self.micros.format('time')} {self.divide} 3600000000)"


class SqlEngine(ABC):
    """The relational steps; what remains to an engine is to run a query."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    @abstractmethod
    def _fetch(self, query: str, schema: pa.Schema, order: Sequence[str]) -> pa.Table:
        """Run a query.

        Args:
            query: a select; its columns `code`, if there, may be any number per account.
            schema: names and types of the result; `code` is the account code in it.
            order: columns that the rows are sorted by.
        """

    def _arrays(self, query: str, schema: pa.Schema, order: Sequence[str]) -> dict[str, Any]:
        columns = dict(zip(schema.names, self._fetch(query, schema, order).columns, strict=True))
        # Each is let go as it is copied: the words of a large log would be in memory twice.
        return {
            name: columns.pop(name).combine_chunks().to_numpy(zero_copy_only=False)
            for name in schema.names
        }

    def profiles(self) -> pa.Table:
        """Return one profile per account, sorted by account code."""
        query = (
            f"SELECT code, any_value(account_id) AS account_id, {profiles.select_list()} "
            "FROM events GROUP BY code"
        )
        schema = pa.schema([CODE, ("account_id", pa.string()), *profiles.SCHEMA])
        return self._fetch(query, schema, ["code"]).drop_columns(["code"])

    def features(self) -> Features:
        """Return the counts of every family that fingerprints carry."""
        return {family: self._counts(column) for family, column in FINGERPRINT_FAMILIES.items()}

    def _counts(self, column: str) -> FamilyCounts:
        value = self._dialect.tls if column == "tls_fingerprint" else column
        rows = self._arrays(
            f"SELECT code, {value} AS value, {_COUNTED} FROM events "
            f"WHERE {column} IS NOT NULL GROUP BY 1, 2",
            pa.schema([CODE, ("value", pa.uint64()), *_COUNTS]),
            ["code", "value"],
        )
        return FamilyCounts.of(rows["code"], rows.pop("value"), rows["n"], rows["held"])

    def pace(self) -> pa.Table:
        """Return `PACE_COLUMNS` per account, sorted by account code."""
        names = ", ".join(f"coalesce({name}, 0)::DOUBLE AS {name}" for name in PACE_COLUMNS)
        slot, divide = self._dialect.slot, self._dialect.divide
        return self._fetch(
            f"""
            WITH hourly AS (
              SELECT code, {slot} AS slot, count(*) AS n FROM events GROUP BY 1, 2
            ), by_hour AS (
              SELECT code, count(*) AS active_hours, max(n) AS peak_hour FROM hourly GROUP BY 1
            ), by_day AS (
              SELECT code, count(*) AS active_days, max(n) AS peak_day FROM (
                SELECT code, slot {divide} 24 AS day, sum(n) AS n FROM hourly GROUP BY 1, 2
              ) AS daily GROUP BY 1
            ), {self._gaps()}, by_gap AS (
              SELECT code, sum(n) AS gaps, {exact_sum("ln(1 + gap)", "n")} AS log_gap_sum,
                {exact_sum("ln(1 + gap) * ln(1 + gap)", "n")} AS log_gap_squared
              FROM gaps GROUP BY 1
            ), by_mode AS (
              SELECT code, max(n) AS gaps_at_mode FROM (
                SELECT code, round(gap) AS seconds, sum(n) AS n FROM gaps GROUP BY 1, 2
              ) AS lengths GROUP BY 1
            ), {self._echoes()}, codes AS (SELECT DISTINCT code FROM events)
            SELECT code, {names} FROM codes
              LEFT JOIN by_hour USING (code) LEFT JOIN by_day USING (code)
              LEFT JOIN by_gap USING (code) LEFT JOIN by_mode USING (code)
              LEFT JOIN by_echo USING (code)
            """,
            pa.schema([CODE, *((name, pa.float64()) for name in PACE_COLUMNS)]),
            ["code"],
        ).drop_columns(["code"])

    def _gaps(self) -> str:
        """Gaps between successive events, and how often an account has each.

        Events are put in order within an hour of an account, then the hours of an account are put
        in order, from their first and last events.
        """
        micros, slot = self._dialect.micros, self._dialect.slot
        time = micros.format("time")
        return f"""moments AS (
              SELECT code, {slot} AS slot, {time} AS moment FROM events
            ), hours AS (
              SELECT code, slot, min(moment) AS first_moment,
                max(moment) AS last_moment FROM moments GROUP BY 1, 2
            ), gaps AS (
              SELECT code, gap, count(*) AS n FROM (
                SELECT code, (moment - lag(moment)
                  OVER (PARTITION BY code, slot ORDER BY moment)) / 1e6 AS gap FROM moments
                UNION ALL
                SELECT code, (first_moment - lag(last_moment)
                  OVER (PARTITION BY code ORDER BY slot)) / 1e6 FROM hours
              ) AS steps WHERE gap IS NOT NULL GROUP BY 1, 2
            )"""

    def _echoes(self) -> str:
        """Events whose prompts echo an answer.

        An echo is a prompt with two passages that stood in a completion before any prompt had them:
        a captured answer sent back. What prompts carried first is a question that an answer quotes.
        """
        explode, row = self._dialect.explode.format, self._dialect.row
        return f"""asked AS (
              SELECT p, min(time) AS since FROM (
                SELECT {explode("passages")} AS p, time FROM source) AS prompts
              WHERE p <> 0 GROUP BY 1
            ), answered AS (
              SELECT p, min(time) AS since FROM (
                SELECT {explode("completion_passages")} AS p, time FROM source
                WHERE completion_passages IS NOT NULL) AS completions
              WHERE p <> 0 GROUP BY 1
            ), returned AS (
              SELECT p FROM asked JOIN answered USING (p) WHERE answered.since < asked.since
            ), by_echo AS (
              SELECT code, count(*) AS echoes FROM (
                SELECT code, line FROM (
                  SELECT code, line, {explode("passages")} AS p FROM (
                    SELECT code, {row} AS line, passages FROM events) AS numbered) AS carried
                JOIN returned USING (p)
                GROUP BY code, line HAVING count(*) >= 2) AS echoed GROUP BY 1
            )"""

    def sketches(self) -> FamilyCounts:
        """Return every account's kept word hashes."""
        rows = self._arrays(
            f"SELECT code, token, {_COUNTED} FROM ("
            f"SELECT code, held_out, {self._dialect.explode.format('sketch')} AS token "
            "FROM events) AS words WHERE token <> 0 GROUP BY 1, 2",
            pa.schema([CODE, ("token", pa.uint32()), *_COUNTS]),
            ["code", "token"],
        )
        return FamilyCounts.of(rows["code"], rows.pop("token"), rows["n"], rows["held"])

    def hourly(self) -> Hourly:
        """Return events per account and clock hour, sorted by account, then hour."""
        rows = self._arrays(
            f"SELECT code, {self._dialect.slot} AS slot, count(*)::INTEGER AS n "
            "FROM events GROUP BY 1, 2",
            pa.schema([CODE, ("slot", pa.int64()), ("n", pa.int32())]),
            ["code", "slot"],
        )
        return Hourly(rows["code"], rows["slot"], rows["n"])

    def models(self) -> ModelUse:
        """Return what each account asked of each model, sorted by account, then model."""
        numbers = ("since", "tokens_in", "tokens_out")
        rows = self._arrays(
            f"SELECT code, model, min({self._dialect.micros.format('time')}) AS since, "
            "coalesce(sum(input_tokens), 0)::BIGINT AS tokens_in, "
            "coalesce(sum(output_tokens), 0)::BIGINT AS tokens_out FROM events GROUP BY 1, 2",
            pa.schema([CODE, ("model", pa.string()), *((name, pa.int64()) for name in numbers)]),
            ["code", "model"],
        )
        names, model = np.unique(np.asarray(rows["model"], str), return_inverse=True)
        return ModelUse(
            tuple(names.tolist()),
            rows["code"],
            model.astype(np.int32),
            *(rows[name] for name in numbers),
        )

    def repeated(self) -> int:
        """Return how many events have an id that another event has too, but for one of each id."""
        # Hashes of ids need half the memory of ids and next to never collide.
        query = f"SELECT count(*) - count(DISTINCT {self._dialect.event}) AS repeated FROM source"
        rows = self._arrays(query, pa.schema([("repeated", pa.int64())]), [])
        return int(rows["repeated"][0])

    def readable(self) -> dict[tuple[Family, int], str]:
        """Return texts of values that are harmless to show: clients and TLS fingerprints."""
        named = {
            Family.CLIENT: ("client", "client_name"),
            Family.TLS: (self._dialect.tls, "tls_fingerprint"),
        }
        found = {}
        for family, (value, text) in named.items():
            rows = self._arrays(
                f"SELECT DISTINCT {value} AS value, {text} AS text FROM source "
                f"WHERE {text} IS NOT NULL AND {FINGERPRINT_FAMILIES[family]} IS NOT NULL",
                pa.schema([("value", pa.uint64()), ("text", pa.string())]),
                ["value", "text"],
            )
            for number, name in zip(rows["value"], rows["text"], strict=True):
                found[family, int(number)] = str(name)
        return found
