"""What both of our back ends share: pySigma's conditions, checked against the fields.

A condition is true or false, never unknown: a missing value matches nothing, and its negation
matches. What cannot mean the same everywhere is refused with the reason.
"""

from abc import abstractmethod
from typing import Generic, NoReturn, TypeVar, cast

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionItem,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.conversion.base import Backend
from sigma.conversion.state import ConversionState
from sigma.correlations import SigmaCorrelationRule
from sigma.exceptions import SigmaError
from sigma.modifiers import (
    SigmaExpandModifier,
    SigmaUTF16BEModifier,
    SigmaUTF16Modifier,
    SigmaWideModifier,
    SigmaWindowsDashModifier,
)
from sigma.rule import SigmaDetection, SigmaDetectionItem, SigmaRule
from sigma.types import (
    CompareOperators,
    SigmaBool,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaFieldReference,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaString,
)

from stillwatch.errors import InputError
from stillwatch.share.sigma.fields import Field, Service, Sort, field_of
from stillwatch.share.sigma.patterns import Network, Pattern, check_regex, network_of, pattern_of
from stillwatch.share.sigma.reading import first_line, service_of, title_of

T = TypeVar("T")
Leaf = ConditionFieldEqualsValueExpression

MATCHABLE = (Sort.TEXT, Sort.STRING, Sort.IDENTIFIER, Sort.ADDRESS)
"""Sorts of fields that hold strings."""
REFUSED_MODIFIERS = (
    SigmaWideModifier,
    SigmaUTF16Modifier,
    SigmaUTF16BEModifier,
    SigmaWindowsDashModifier,
    SigmaExpandModifier,
)
"""For bytes, Windows' command lines and values that a SIEM fills in: none is in this log source."""
LONGEST_CONDITION = 2_000
"""Characters of a condition."""
MOST_BRACKETS = 20
"""Opening brackets of a condition: pySigma's parser takes long over more."""
OPERATORS = {
    CompareOperators.LT: "<",
    CompareOperators.LTE: "<=",
    CompareOperators.GT: ">",
    CompareOperators.GTE: ">=",
}


class LogBackend(Backend, Generic[T]):
    """A pySigma back end whose leaves are checked; a subclass says what each becomes."""

    service: Service

    @abstractmethod
    def all_of(self, parts: list[T]) -> T:
        """All are true; true where there are none."""

    @abstractmethod
    def any_of(self, parts: list[T]) -> T:
        """At least one is true."""

    @abstractmethod
    def none_of(self, part: T) -> T:
        """The part is false."""

    @abstractmethod
    def present(self, field: Field) -> T:
        """The field has a value."""

    @abstractmethod
    def like(self, field: Field, pattern: Pattern, *, cased: bool) -> T:
        """The whole string matches a pattern."""

    @abstractmethod
    def matches(self, field: Field, regex: str) -> T:
        """A regular expression matches somewhere in the string."""

    @abstractmethod
    def compares(self, field: Field, operator: str, number: float) -> T:
        """The number stands in this relation; `=` and those of `OPERATORS`."""

    @abstractmethod
    def is_true(self, field: Field) -> T:
        """The field is true."""

    @abstractmethod
    def has_bit(self, field: Field, bit: int) -> T:
        """The list of names holds the one with this bit."""

    @abstractmethod
    def inside(self, field: Field, network: Network) -> T:
        """The address is in a network."""

    @abstractmethod
    def same(self, field: Field, other: Field, *, starts: bool, ends: bool) -> T:
        """The field equals the other, or where asked starts with it, ends with it, contains it."""

    def condition(self, rule: SigmaRule) -> T:
        """Convert the condition of a plain rule; several conditions are joined by or.

        Raises:
            InputError: The rule asks for something that is refused here.
        """
        self.service = service_of(rule)
        try:
            _check(rule)
            trees = [condition.parsed for condition in rule.detection.parsed_condition]
            parts = [self.convert_condition(tree, ConversionState()) for tree in trees if tree]
        except (InputError, SigmaError, RecursionError) as error:
            raise InputError(f"{title_of(rule)}: {first_line(error)}") from error
        if not parts:
            raise InputError(f"{title_of(rule)}: its condition names no detection")
        return self.any_of(parts) if len(parts) > 1 else cast("T", parts[0])

    def convert_condition_or(self, cond: ConditionOR, state: ConversionState) -> T:
        """Convert each argument."""
        return self.any_of(self._arguments(cond, state))

    def convert_condition_and(self, cond: ConditionAND, state: ConversionState) -> T:
        """Convert each argument."""
        return self.all_of(self._arguments(cond, state))

    def convert_condition_not(self, cond: ConditionNOT, state: ConversionState) -> T:
        """Convert the argument."""
        return self.none_of(self._arguments(cond, state)[0])

    def _arguments(self, cond: ConditionItem, state: ConversionState) -> list[T]:
        found = [self.convert_condition(cast("ConditionItem", arg), state) for arg in cond.args]
        return [part for part in found if part is not None]

    def convert_condition_field_eq_val_str(self, cond: Leaf, state: ConversionState) -> T:  # noqa: ARG002 - as below, pySigma's signature
        """Strings compare without regard to case."""
        return self._string(cond, cased=False)

    def convert_condition_field_eq_val_str_case_sensitive(
        self,
        cond: Leaf,
        state: ConversionState,  # noqa: ARG002
    ) -> T:
        """`cased`: capitals count."""
        return self._string(cond, cased=True)

    def _string(self, cond: Leaf, *, cased: bool) -> T:
        field = self._field(cond)
        value = cast("SigmaString", cond.value)
        if field.sort is Sort.NAMES:
            return self._name(field, value)
        if field.sort is Sort.HASH:
            _refuse(field, "is a keyed hash, of which no rule can know a value; group by it")
        if field.sort not in MATCHABLE:
            _refuse(field, f"holds a {field.sort.value}: write {str(value)!r} without quotes")
        pattern = pattern_of(value, field.name)
        return self.like(field, pattern, cased=cased)

    def _name(self, field: Field, value: SigmaString) -> T:
        names = field.names or {}
        bit = names.get(value.to_plain().lower())
        if bit is None:
            _refuse(field, f"has no name {value.to_plain()!r}; it knows {', '.join(names)}")
        return self.has_bit(field, bit)

    def convert_condition_field_eq_val_num(self, cond: Leaf, state: ConversionState) -> T:  # noqa: ARG002
        """Equal to a number."""
        field = self._of_sort(cond, Sort.NUMBER, "quote the value")
        return self.compares(field, "=", cast("SigmaNumber", cond.value).number)

    def convert_condition_field_compare_op_val(self, cond: Leaf, state: ConversionState) -> T:  # noqa: ARG002
        """`lt`, `lte`, `gt`, `gte`."""
        field = self._of_sort(cond, Sort.NUMBER, "only numbers compare")
        value = cast("SigmaCompareExpression", cond.value)
        return self.compares(field, OPERATORS[value.op], value.number.number)

    def convert_condition_field_eq_val_bool(self, cond: Leaf, state: ConversionState) -> T:  # noqa: ARG002
        """True, or present and not true."""
        field = self._of_sort(cond, Sort.BOOLEAN, "only booleans are true or false")
        if cast("SigmaBool", cond.value).boolean:
            return self.is_true(field)
        return self.all_of([self.present(field), self.none_of(self.is_true(field))])

    def convert_condition_field_eq_val_re(self, cond: Leaf, state: ConversionState) -> T:  # noqa: ARG002
        """`re` with its flags; RE2's syntax, so that time is linear in the length."""
        field = self._of_sort(cond, *MATCHABLE, "only strings match a regular expression")
        regex = cast("SigmaRegularExpression", cond.value)
        flags = "".join(sorted(regex.sigma_to_re_flag[flag] for flag in regex.flags))
        plain = regex.regexp.to_plain_regex()
        return self.matches(field, check_regex(f"(?{flags}){plain}" if flags else plain))

    def convert_condition_field_eq_val_cidr(self, cond: Leaf, state: ConversionState) -> T:  # noqa: ARG002
        """Inside a network."""
        field = self._of_sort(cond, Sort.ADDRESS, "cidr needs an address")
        return self.inside(field, network_of(cast("SigmaCIDRExpression", cond.value).network))

    def convert_condition_field_eq_val_null(self, cond: Leaf, state: ConversionState) -> T:  # noqa: ARG002
        """The field has no value."""
        return self.none_of(self.present(self._field(cond)))

    def convert_condition_field_exists(self, cond: Leaf, state: ConversionState) -> T:  # noqa: ARG002
        """The field has a value: in a table every column exists."""
        return self.present(self._field(cond))

    def convert_condition_field_not_exists(self, cond: Leaf, state: ConversionState) -> T:
        """The field has no value."""
        return self.none_of(self.convert_condition_field_exists(cond, state))

    def convert_condition_field_eq_field(self, cond: Leaf, state: ConversionState) -> T:  # noqa: ARG002
        """`fieldref`."""
        field = self._field(cond)
        value = cast("SigmaFieldReference", cond.value)
        other = field_of(self.service, value.field)
        if Sort.NAMES in (field.sort, other.sort) or Sort.TIME in (field.sort, other.sort):
            _refuse(field, "cannot be compared with another field")
        strings = field.sort in MATCHABLE and other.sort in MATCHABLE
        if not strings and (field.sort is not other.sort or value.starts_with or value.ends_with):
            _refuse(field, f"and {other.name} hold different sorts of values")
        return self.same(field, other, starts=value.starts_with, ends=value.ends_with)

    def convert_condition_field_eq_val_timestamp_part(
        self,
        cond: Leaf,
        state: ConversionState,  # noqa: ARG002
    ) -> NoReturn:
        """Refused."""
        _refuse(self._field(cond), "by hour or day tells where people live, which is no signal")

    def convert_condition_field_eq_query_expr(self, cond: Leaf, state: ConversionState) -> NoReturn:  # noqa: ARG002
        """Refused."""
        _refuse(self._field(cond), "has a query of another system as its value")

    def convert_condition_val_str(
        self,
        cond: ConditionValueExpression,  # noqa: ARG002
        state: ConversionState,  # noqa: ARG002
    ) -> NoReturn:
        """Keywords are refused: they would search all text."""
        raise InputError("keywords without a field would search all text: name a field")

    convert_condition_val_num = convert_condition_val_str
    convert_condition_val_re = convert_condition_val_str
    convert_condition_query_expr = convert_condition_val_str

    def convert_condition_as_in_expression(
        self, cond: ConditionOR | ConditionAND, state: ConversionState
    ) -> T:
        """Lists of values are a plain or."""
        return self.convert_condition_or(cast("ConditionOR", cond), state)

    def refuse_correlation(
        self,
        rule: SigmaCorrelationRule,
        output_format: str | None = None,  # noqa: ARG002
        method: str = "",  # noqa: ARG002
    ) -> NoReturn:
        """Say where correlations run."""
        raise InputError(
            f"{title_of(rule)}: a correlation is no condition on one event: convert it with the "
            "back end for DuckDB, or run it with `Pack`"
        )

    # A back end that takes correlations overrides `convert_correlation_rule`, for all types.
    convert_correlation_event_count_rule = refuse_correlation
    convert_correlation_value_count_rule = refuse_correlation
    convert_correlation_temporal_rule = refuse_correlation
    convert_correlation_temporal_ordered_rule = refuse_correlation
    convert_correlation_value_sum_rule = refuse_correlation
    convert_correlation_value_avg_rule = refuse_correlation
    convert_correlation_value_percentile_rule = refuse_correlation
    convert_correlation_value_median_rule = refuse_correlation
    convert_correlation_extended_temporal_rule = refuse_correlation
    convert_correlation_extended_temporal_ordered_rule = refuse_correlation

    def _field(self, cond: Leaf) -> Field:
        return field_of(self.service, cond.field)

    def _of_sort(self, cond: Leaf, *wanted: Sort | str) -> Field:
        """Find the field; the last argument says why another sort is refused."""
        field = self._field(cond)
        if field.sort not in wanted[:-1]:
            _refuse(field, f"holds a {field.sort.value}: {wanted[-1]}")
        return field


def _refuse(field: Field, why: str) -> NoReturn:
    raise InputError(f"{field.name} {why}")


def _check(rule: SigmaRule) -> None:
    """Refuse conditions too long to be parsed in good time, and modifiers that mean nothing."""
    for condition in rule.detection.condition:
        if len(condition) > LONGEST_CONDITION or condition.count("(") > MOST_BRACKETS:
            raise InputError(
                f"a condition has more than {LONGEST_CONDITION} characters or {MOST_BRACKETS} "
                "brackets: split the rule"
            )
    for detection in rule.detection.detections.values():
        _check_modifiers(detection)


def _check_modifiers(detection: SigmaDetection) -> None:
    """Refuse modifiers that mean nothing in this log source."""
    for item in detection.detection_items:
        if isinstance(item, SigmaDetection):
            _check_modifiers(item)
        elif isinstance(item, SigmaDetectionItem):
            for modifier in item.modifiers:
                if modifier in REFUSED_MODIFIERS:
                    raise InputError(
                        f"the modifier {modifier.__name__} of {item.field} means nothing here: "
                        "leave it out"
                    )
