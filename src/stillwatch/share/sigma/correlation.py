"""Correlation rules with everything resolved: what is counted, by what, within which time.

The window slides and is closed: events at time t see those from t minus the time span up to t, both
included. An event without a value to group by takes part in no group. Rules are checked in their
order; where events are counted, one that matches several counts once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from sigma.correlations import (
    SigmaCorrelationCondition,
    SigmaCorrelationConditionOperator,
    SigmaCorrelationRule,
    SigmaCorrelationType,
)
from sigma.rule import SigmaRule

from stillwatch.errors import InputError
from stillwatch.share.sigma.fields import Field, Service, Sort, field_of
from stillwatch.share.sigma.reading import parts_of, service_of, title_of


class Counts(StrEnum):
    """What a correlation counts."""

    EVENTS = "event_count"
    VALUES = "value_count"
    RULES = "temporal"
    SEQUENCE = "temporal_ordered"


OPERATORS: Final[Mapping[SigmaCorrelationConditionOperator, str]] = {
    SigmaCorrelationConditionOperator.LT: "<",
    SigmaCorrelationConditionOperator.LTE: "<=",
    SigmaCorrelationConditionOperator.GT: ">",
    SigmaCorrelationConditionOperator.GTE: ">=",
    SigmaCorrelationConditionOperator.EQ: "=",
    SigmaCorrelationConditionOperator.NEQ: "!=",
}
GROUPS: Final = (Sort.IDENTIFIER, Sort.ADDRESS, Sort.HASH, Sort.STRING, Sort.NUMBER, Sort.BOOLEAN)
"""Sorts of fields that group or are counted; never text."""


@dataclass(frozen=True)
class Correlation:
    """A correlation rule over events.

    Attributes:
        rule: As parsed.
        counts: What is counted.
        parts: The rules it refers to, in their order.
        groups: Per part, the fields it is grouped by; all of one length.
        value: The field whose values are counted.
        span: Length of the window.
        operator: `>=` and its like.
        number: What the count is compared with.
    """

    rule: SigmaCorrelationRule
    counts: Counts
    parts: tuple[SigmaRule, ...]
    groups: tuple[tuple[Field, ...], ...]
    value: Field | None
    span: timedelta
    operator: str
    number: int

    @property
    def at_least(self) -> int | None:
        """The count from which it fires, where a larger count always fires too; else None."""
        return {">=": self.number, ">": self.number + 1}.get(self.operator)


def correlation_of(rule: SigmaCorrelationRule) -> Correlation:
    """Resolve a correlation rule.

    Raises:
        InputError: It asks for what does not run here.
    """
    parts = tuple(parts_of(rule))
    if not parts or any(service_of(part) is not Service.EVENTS for part in parts):
        raise InputError(f"{title_of(rule)}: a correlation needs rules over the service events")
    try:
        counts = Counts(rule.type.name.lower())
    except ValueError as error:
        raise InputError(
            f"{title_of(rule)}: {rule.type.name.lower()} does not run here; use one of "
            f"{', '.join(Counts)}"
        ) from error
    condition = rule.condition
    if not isinstance(condition, SigmaCorrelationCondition):
        raise InputError(f"{title_of(rule)}: give the condition as a count, such as gte: 2")
    found = Correlation(
        rule,
        counts,
        parts,
        tuple(_groups(rule, part) for part in parts),
        _value(rule, condition),
        timedelta(seconds=rule.timespan.seconds),
        OPERATORS[condition.op],
        condition.count,
    )
    if len({tuple(f.sort for f in group) for group in found.groups}) > 1:
        raise InputError(f"{title_of(rule)}: an alias stands for fields of different sorts")
    if counts is Counts.SEQUENCE and found.at_least != len(parts):
        raise InputError(f"{title_of(rule)}: temporal_ordered needs all of its rules, in order")
    return found


def _groups(rule: SigmaCorrelationRule, part: SigmaRule) -> tuple[Field, ...]:
    return tuple(_group(rule, part, name) for name in rule.group_by or ())


def _group(rule: SigmaCorrelationRule, part: SigmaRule, name: str) -> Field:
    if name in rule.aliases.aliases:
        mapping = rule.aliases.aliases[name].mapping
        called = (part.name, str(part.id))
        named = [field for one, field in mapping.items() if one.reference in called]
        if not named:
            raise InputError(f"{title_of(rule)}: the alias {name!r} lacks {title_of(part)}")
        name = named[0]
    return _countable(rule, name)


def _value(rule: SigmaCorrelationRule, condition: SigmaCorrelationCondition) -> Field | None:
    if rule.type is not SigmaCorrelationType.VALUE_COUNT:
        return None
    if not isinstance(condition.fieldref, str):
        raise InputError(f"{title_of(rule)}: count the values of one field")
    return _countable(rule, condition.fieldref)


def _countable(rule: SigmaCorrelationRule, name: str) -> Field:
    try:
        field = field_of(Service.EVENTS, name)
    except InputError as error:
        raise InputError(f"{title_of(rule)}: {error}") from error
    if field.sort not in GROUPS:
        raise InputError(f"{title_of(rule)}: {name} holds a {field.sort.value}: it groups nothing")
    return field
