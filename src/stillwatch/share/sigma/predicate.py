"""A rule compiled to a Python predicate on one event or profile, for the path of a request.

An event is a mapping from names of fields to values as in Arrow: strings, numbers, booleans,
`datetime`, bits for lists of names; None or absent where there is none. Nothing of an event is
kept. Regular expressions run on RE2, in time linear in the text.
"""

import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Final

from sigma.rule import SigmaRule

from stillwatch.share.sigma.fields import Field, Sort
from stillwatch.share.sigma.logic import LogBackend
from stillwatch.share.sigma.patterns import Network, Pattern, address_number, compiled, fold

Event = Mapping[str, Any]
Predicate = Callable[[Event, Event], bool]
"""Takes an event and its folded strings, by name of the field; see `folded`."""

COMPARISONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class PredicateBackend(LogBackend[Predicate]):
    """Conditions become closures; `folds` collects the fields whose folded value they read."""

    name: ClassVar[str] = "Python predicates"

    def __init__(self) -> None:
        super().__init__()
        self.folds: set[str] = set()

    def all_of(self, parts: list[Predicate]) -> Predicate:
        """All parts, in order, until one is false."""
        if len(parts) == 2:
            first, second = parts
            return lambda event, low: first(event, low) and second(event, low)
        fixed = tuple(parts)

        def every(event: Event, low: Event) -> bool:
            for part in fixed:  # noqa: SIM110 - a generator costs more than the parts
                if not part(event, low):
                    return False
            return True

        return every

    def any_of(self, parts: list[Predicate]) -> Predicate:
        """The parts, in order, until one is true."""
        if len(parts) == 2:
            first, second = parts
            return lambda event, low: first(event, low) or second(event, low)
        fixed = tuple(parts)

        def some(event: Event, low: Event) -> bool:
            for part in fixed:  # noqa: SIM110 - likewise
                if part(event, low):
                    return True
            return False

        return some

    def none_of(self, part: Predicate) -> Predicate:
        """Negate."""
        return lambda event, low: not part(event, low)

    def present(self, field: Field) -> Predicate:
        """The value is there and not None."""
        name = field.name
        return lambda event, _: event.get(name) is not None

    def like(self, field: Field, pattern: Pattern, *, cased: bool) -> Predicate:
        """Equality, a search in the string, or RE2 where wildcards stand inside."""
        name = field.name
        test = _string_test(pattern if cased else pattern.folded())

        def read(event: Event) -> bool:
            value = event.get(name)
            return value is not None and test(value)

        if cased:
            return lambda event, _: read(event)
        self.folds.add(name)
        return lambda _, low: read(low)

    def matches(self, field: Field, regex: str) -> Predicate:
        """RE2, anywhere in the string."""
        name, search = field.name, compiled(regex).search

        def found(event: Event, _: Event) -> bool:
            value = event.get(name)
            return value is not None and search(value) is not None

        return found

    def compares(self, field: Field, operator: str, number: float) -> Predicate:
        """A comparison; NaN compares with nothing."""
        name, test = field.name, COMPARISONS[operator]

        def found(event: Event, _: Event) -> bool:
            value = event.get(name)
            return value is not None and test(value, number)

        return found

    def is_true(self, field: Field) -> Predicate:
        """The value is true."""
        name = field.name
        return lambda event, _: event.get(name) is True

    def has_bit(self, field: Field, bit: int) -> Predicate:
        """Test one bit."""
        name = field.name
        return lambda event, _: ((event.get(name) or 0) & bit) != 0

    def inside(self, field: Field, network: Network) -> Predicate:
        """Read the address and compare it with both ends."""
        name, first, last = field.name, network.first, network.last

        def found(event: Event, _: Event) -> bool:
            value = event.get(name)
            number = None if value is None else address_number(value)
            return number is not None and first <= number <= last

        return found

    def same(self, field: Field, other: Field, *, starts: bool, ends: bool) -> Predicate:
        """Strings compare folded."""
        ours, theirs = field.name, other.name
        strings = field.sort not in (Sort.NUMBER, Sort.BOOLEAN, Sort.HASH)
        test = _PAIRS[starts, ends]
        if strings:
            self.folds |= {ours, theirs}

        def found(event: Event, low: Event) -> bool:
            row = low if strings else event
            first, second = row.get(ours), row.get(theirs)
            return first is not None and second is not None and test(first, second)

        return found

    def compile(self, rule: SigmaRule) -> Predicate:
        """Compile a plain rule.

        Raises:
            InputError: The rule asks for something that is refused here.
        """
        return self.condition(rule)


_PAIRS: Final[Mapping[tuple[bool, bool], Callable[[Any, Any], bool]]] = {
    (False, False): operator.eq,
    (True, False): lambda first, second: first.startswith(second),
    (False, True): lambda first, second: first.endswith(second),
    (True, True): operator.contains,
}


def _string_test(pattern: Pattern) -> Callable[[str], bool]:
    match pattern.parts:
        case () | (str(),):
            literal = pattern.literal
            return lambda value: value == literal
        case (True, str(word), True):
            return lambda value: word in value
        case (str(word), True):
            return lambda value: value.startswith(word)
        case (True, str(word)):
            return lambda value: value.endswith(word)
    matching = compiled(pattern.regex()).search
    return lambda value: matching(value) is not None


def folded(event: Event, names: Iterable[str]) -> dict[str, str]:
    """Fold the strings that rules compare without regard to case, each once an event."""
    return {name: fold(value) for name in names if (value := event.get(name)) is not None}
