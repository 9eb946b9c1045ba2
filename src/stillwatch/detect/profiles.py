"""Account profiles: mergeable summaries of one account over a window.

Each column is declared once, with the aggregate that makes it from fingerprints and the rule that
merges two profiles of the same account. The aggregates are plain SQL over the fingerprint columns,
so that any engine that speaks SQL computes the same numbers.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from functools import reduce
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.events.markers import Marker
from stillwatch.events.schema import TIMESTAMP


class Merge(StrEnum):
    """How a column of two profiles of one account becomes one."""

    SUM = "sum"
    MILLIONTHS = "millionths"  # a sum of fractions, see `exact_sum`
    MIN = "min"
    MAX = "max"

    @property
    def aggregate(self) -> str:
        """Name of Arrow's aggregate."""
        return "sum" if self is Merge.MILLIONTHS else self.value


@dataclass(frozen=True)
class Column:
    """One profile column: its name, the SQL that computes it, its type, and how it merges."""

    name: str
    sql: str
    type: pa.DataType = field(default_factory=pa.int64)
    merge: Merge = Merge.SUM


def millionths(expression: str, times: str = "1") -> str:
    """Return SQL that sums in whole millionths, so that the order of rows changes no digit.

    Args:
        expression: what to sum.
        times: how many events each row stands for.
    """
    return f"sum(round(1e6 * {expression})::BIGINT * {times})"


def exact_sum(expression: str, times: str = "1") -> str:
    """Return SQL of the same sum as a fraction."""
    return f"({millionths(expression, times)} / 1e6)"


def _count(name: str, condition: str) -> Column:
    return Column(name, f"count(*) FILTER (WHERE {condition})")


def _total(name: str, expression: str) -> Column:
    return Column(name, f"coalesce(sum({expression}), 0)::BIGINT")


def _fractions(name: str, expression: str) -> Column:
    return Column(name, f"{exact_sum(expression)}::DOUBLE", pa.float64(), Merge.MILLIONTHS)


MARKER_COLUMNS: Final = tuple((f"m_{m.name.lower()}", m) for m in Marker if m.name)
COMPLETION_MARKER_COLUMNS: Final = tuple((f"c_{m.name.lower()}", m) for m in Marker if m.name)

COLUMNS: Final[tuple[Column, ...]] = (
    Column("events", "count(*)"),
    Column("first_seen", "min(time)", TIMESTAMP, Merge.MIN),
    Column("last_seen", "max(time)", TIMESTAMP, Merge.MAX),
    _total("input_tokens", "input_tokens"),
    _total("output_tokens", "output_tokens"),
    _total("reasoning_tokens", "reasoning_tokens"),
    _count("multi_turn", "turn > 1"),
    _count("turns_known", "turn IS NOT NULL"),
    _count("with_conversation", "conversation IS NOT NULL"),
    _count("with_end_user", "end_user IS NOT NULL"),
    _count("with_system", "system IS NOT NULL"),
    _count("with_logprobs", "logprobs"),
    _count("with_choices", "choices > 1"),
    _count("with_tools", "tools > 0"),
    _count("as_json", "output_type = 'json'"),
    _count("streamed", "stream"),
    _count("failed", "status >= 400"),
    _count("rate_limited", "status = 429"),
    _count("truncated", "finish_reason = 'length'"),
    _count("on_hosting", "(network_lists & 1) = 1"),
    _count("on_vpn", "(network_lists & 2) = 2"),
    _count("on_lists_known", "network_lists IS NOT NULL"),
    _total("words", "words"),
    Column("words_squared", "sum(words::BIGINT * words)::DOUBLE", pa.float64()),
    _total("constraints", "constraints"),
    _total("nesting", "nesting"),
    _fractions("entropy", "entropy::DOUBLE"),
    _count("with_completion", "completion_markers IS NOT NULL"),
    *(_count(name, f"(markers & {int(bit)}) != 0") for name, bit in MARKER_COLUMNS),
    *(
        _count(name, f"(completion_markers & {int(bit)}) != 0")
        for name, bit in COMPLETION_MARKER_COLUMNS
    ),
    *(_count(f"hour_{h:02d}", f"hour = {h}") for h in range(24)),
    *(_count(f"script_{s:02d}", f"script = {s}") for s in range(11)),
)

SCHEMA: Final = pa.schema([(column.name, column.type) for column in COLUMNS])
"""Names and types of all columns."""

HOURS: Final = tuple(f"hour_{h:02d}" for h in range(24))
SCRIPTS: Final = tuple(f"script_{s:02d}" for s in range(11))


def select_list() -> str:
    """Return the aggregates as the select list of one GROUP BY over fingerprints with `hour`."""
    return ",\n".join(f"{column.sql} AS {column.name}" for column in COLUMNS)


def merge(first: pa.Table, second: pa.Table) -> pa.Table:
    """Merge two profile tables, account by account.

    Args:
        first: profiles with `account_id` and every column of `COLUMNS`.
        second: the same, of other events of the same or other accounts.

    Returns:
        One row per account, sorted by `account_id`: the profile of all events together.
    """
    rows = pa.concat_tables([first, second])
    aggregated = rows.group_by("account_id").aggregate(
        [(column.name, column.merge.aggregate) for column in COLUMNS]
    )
    found = {"account_id": aggregated["account_id"]}
    for column in COLUMNS:
        values = aggregated[f"{column.name}_{column.merge.aggregate}"]
        if column.merge is Merge.MILLIONTHS:  # adding them as floats may miss the last digit
            values = pa.array(np.rint(values.to_numpy() * 1e6) / 1e6)
        found[column.name] = values.cast(column.type)
    return pa.table(found).sort_by("account_id")


def values(profiles: pa.Table, name: str) -> np.ndarray:
    """Return one numeric profile column as float64, nulls as NaN."""
    column = profiles[name].cast(pa.float64())
    return np.asarray(
        pc.fill_null(column, float("nan")).combine_chunks().to_numpy(zero_copy_only=False)
    )


def seconds(profiles: pa.Table, name: str) -> np.ndarray:
    """Return a time column as seconds since 1970."""
    return np.asarray(profiles[name].cast(pa.int64()).to_numpy(), np.float64) / 1e6


def matrix(profiles: pa.Table, names: tuple[str, ...]) -> np.ndarray:
    """Return several columns as a float64 array of shape (accounts, columns)."""
    return np.column_stack([values(profiles, name) for name in names])


def main_script(profiles: pa.Table) -> np.ndarray:
    """Return per account the script code of most of its prompts (for cohorts and reporting)."""
    return np.asarray(matrix(profiles, SCRIPTS).argmax(axis=1))


def share(profiles: pa.Table, names: tuple[str, ...]) -> np.ndarray:
    """Return per account the summed counts of `names` over its events, clipped to 0..1."""
    total = reduce(np.add, (values(profiles, name) for name in names))
    return np.asarray(np.clip(total / values(profiles, "events"), 0.0, 1.0))
