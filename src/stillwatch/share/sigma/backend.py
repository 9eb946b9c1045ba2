"""A pySigma back end for DuckDB: rules to SQL over the columns of `stillwatch.share.sigma.fields`.

Every value is a quoted literal or a number; names of columns come from a fixed table. DuckDB's
regular expressions are RE2's and take time linear in the text.
"""

import math
from typing import Any, ClassVar, Final

from sigma.conversion.state import ConversionState
from sigma.correlations import SigmaCorrelationRule
from sigma.rule import SigmaRule

from stillwatch.share.sigma.correlation import Correlation, Counts, correlation_of
from stillwatch.share.sigma.fields import Field, Sort
from stillwatch.share.sigma.logic import LogBackend
from stillwatch.share.sigma.patterns import Network, Pattern
from stillwatch.share.sigma.reading import service_of

ADDRESS_DIGITS: Final = "_digits"
"""Suffix of the column that holds an address as 32 hexadecimal digits; see `engine`."""


def quoted(text: str) -> str:
    """Return a string literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def column(field: Field) -> str:
    """Return the quoted name of a column."""
    return '"' + field.column.replace('"', '""') + '"'


class DuckDBBackend(LogBackend[str]):
    """Queries over the tables `events` and `profiles`."""

    name: ClassVar[str] = "DuckDB"
    formats: ClassVar[dict[str, str]] = {"default": "One query a rule"}
    correlation_methods: ClassVar[dict[str, str] | None] = {"default": "Sliding windows"}

    def all_of(self, parts: list[str]) -> str:
        """Join by AND."""
        return "(" + " AND ".join(parts) + ")" if parts else "TRUE"

    def any_of(self, parts: list[str]) -> str:
        """Join by OR."""
        return "(" + " OR ".join(parts) + ")" if parts else "FALSE"

    def none_of(self, part: str) -> str:
        """Negate: no part is ever NULL."""
        return f"(NOT {part})"

    def present(self, field: Field) -> str:
        """The column is not NULL."""
        return f"({column(field)} IS NOT NULL)"

    def like(self, field: Field, pattern: Pattern, *, cased: bool) -> str:
        """Equality or LIKE."""
        used = pattern if cased else pattern.folded()
        subject = column(field) if cased else f"lower({column(field)})"
        if used.literal is not None:
            return known(f"{subject} = {quoted(used.literal)}")
        return known(f"{subject} LIKE {quoted(used.like())} ESCAPE '!'")

    def matches(self, field: Field, regex: str) -> str:
        """RE2, anywhere in the string."""
        return known(f"regexp_matches({column(field)}, {quoted(regex)})")

    def compares(self, field: Field, operator: str, number: float) -> str:
        """A comparison that is false for what is not a number."""
        # DuckDB takes NaN for the largest number; elsewhere nothing compares with it
        return known(
            f"({column(field)} {operator} {_number(number)} AND NOT isnan({column(field)}::DOUBLE))"
        )

    def is_true(self, field: Field) -> str:
        """The column itself."""
        return known(column(field))

    def has_bit(self, field: Field, bit: int) -> str:
        """Test one bit."""
        return known(f"({column(field)} & {bit}) != 0")

    def inside(self, field: Field, network: Network) -> str:
        """Compare the digits of the address with both ends."""
        digits = f'"{field.column}{ADDRESS_DIGITS}"'
        return known(f"{digits} BETWEEN '{network.first:032x}' AND '{network.last:032x}'")

    def same(self, field: Field, other: Field, *, starts: bool, ends: bool) -> str:
        """Strings compare without regard to case."""
        ours, theirs = column(field), column(other)
        if field.sort not in (Sort.NUMBER, Sort.BOOLEAN, Sort.HASH):
            ours, theirs = f"lower({ours})", f"lower({theirs})"
        if field.sort is Sort.NUMBER:
            return known(f"({ours} = {theirs} AND NOT isnan({ours}::DOUBLE))")
        function = {(True, True): "contains", (True, False): "starts_with"}
        if starts or ends:
            return known(f"{function.get((starts, ends), 'ends_with')}({ours}, {theirs})")
        return known(f"{ours} = {theirs}")

    def finalize_query_default(
        self,
        rule: SigmaRule,
        query: str,
        index: int,  # noqa: ARG002 - pySigma's signature
        state: ConversionState,  # noqa: ARG002
    ) -> str:
        """Make the condition of a plain rule a query."""
        return f"SELECT * FROM {service_of(rule)} WHERE {query}"  # noqa: S608 - see the module

    def convert_rule(self, rule: SigmaRule, *_: Any, **__: Any) -> list[str]:
        """Convert a plain rule; where it only feeds a correlation it has no query of its own."""
        condition = self.condition(rule)
        rule.set_conversion_result([condition])
        if not rule._output:  # noqa: SLF001 - pySigma's own back ends ask in this way
            return []
        return [self.finalize_query_default(rule, condition, 0, ConversionState())]

    def convert_correlation_rule(self, rule: SigmaCorrelationRule, *_: Any, **__: Any) -> list[str]:
        """Convert a correlation to one query: accounts with their events in windows that fired."""
        correlation = correlation_of(rule)
        matched = self.matched(correlation, "events")
        return [f"WITH matched AS ({matched})\n{accounts_sql(correlation)}"]

    def matched(self, correlation: Correlation, table: str) -> str:
        """Return SQL of the events that a correlation looks at.

        One row per event and rule it matches; where events or values are counted, per event and
        the first rule it matches. Columns: `part`, `time`, `account_id`, `g0` and so on, `value`.
        """
        conditions = [self.condition(part) for part in correlation.parts]
        value = column(correlation.value) if correlation.value else "NULL"
        once = correlation.counts in (Counts.EVENTS, Counts.VALUES)
        selects = []
        for index, condition in enumerate(conditions):
            earlier = conditions[:index] if once else []
            where = self.all_of([condition, *(self.none_of(other) for other in earlier)])
            groups = "".join(
                f"{column(f)} AS g{n}, " for n, f in enumerate(correlation.groups[index])
            )
            filled = "".join(f" AND {column(f)} IS NOT NULL" for f in correlation.groups[index])
            selects.append(
                f"SELECT {index} AS part, time, account_id, {groups}{value} AS value "  # noqa: S608
                f"FROM {table} WHERE {where}{filled}"
            )
        return " UNION ALL ".join(selects)


def known(condition: str) -> str:
    """Make a condition false where it would be NULL."""
    return f"coalesce({condition}, FALSE)"


def _number(number: float) -> str:
    """Return a literal: whole numbers as they are, others as DOUBLE, never DECIMAL."""
    if isinstance(number, int):
        return str(number)
    if not math.isfinite(number):
        raise ValueError(number)
    return f"{number!r}::DOUBLE"


def fired_sql(correlation: Correlation) -> str:
    """Return SQL over `matched` that adds `fires` and `start`, where its window begins."""
    partition = "".join(f"g{n}, " for n in range(len(correlation.groups[0])))
    partition = f"PARTITION BY {partition[:-2]} " if partition else ""
    span = f"INTERVAL '{int(correlation.span.total_seconds())} seconds'"
    window = f"OVER ({partition}ORDER BY time RANGE BETWEEN {span} PRECEDING AND CURRENT ROW)"
    if correlation.counts is Counts.SEQUENCE:
        return _sequence_sql(correlation, partition, span)
    count = {
        Counts.EVENTS: f"count(*) {window}",
        Counts.VALUES: f"count(DISTINCT value) {window}",
        Counts.RULES: " + ".join(
            f"coalesce(bool_or(part = {n}) {window}, FALSE)::INTEGER"
            for n in range(len(correlation.parts))
        ),
    }[correlation.counts]
    return (
        f"SELECT *, {count} {correlation.operator} {correlation.number} AS fires, "  # noqa: S608
        f"time - {span} AS start FROM matched"
    )


def _sequence_sql(correlation: Correlation, partition: str, span: str) -> str:
    """Follow each chain of rules by the latest moment at which it can have begun."""
    earlier = (
        f"OVER ({partition}ORDER BY time RANGE BETWEEN UNBOUNDED PRECEDING AND "
        "INTERVAL '1 microsecond' PRECEDING)"
    )
    query = "SELECT *, CASE WHEN part = 0 THEN time END AS s0 FROM matched"
    for n in range(1, len(correlation.parts)):
        query = (
            f"SELECT *, CASE WHEN part = {n} THEN max(s{n - 1}) {earlier} END AS s{n} "  # noqa: S608
            f"FROM ({query})"
        )
    last = f"s{len(correlation.parts) - 1}"
    return (
        f"SELECT *, coalesce(time - {last} <= {span}, FALSE) AS fires, {last} AS start "  # noqa: S608
        f"FROM ({query})"
    )


def accounts_sql(correlation: Correlation) -> str:
    """Return SQL over `matched`: accounts with events in windows that fired.

    Columns: `account_id`, `first_time`, `last_time`, `events`.
    """
    groups = ", ".join(f"g{n}" for n in range(len(correlation.groups[0])))
    partition = f"PARTITION BY {groups} " if groups else ""
    later = f"OVER ({partition}ORDER BY time RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)"
    return (
        f"SELECT account_id, min(time) AS first_time, max(time) AS last_time, "  # noqa: S608
        f"count(*) AS events FROM (SELECT *, min(CASE WHEN fires THEN start END) {later} "
        f"AS begins FROM ({fired_sql(correlation)})) WHERE begins <= time "
        "GROUP BY account_id ORDER BY account_id"
    )
