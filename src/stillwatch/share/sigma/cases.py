"""Test events beside a rule: what it has to match, and what not (`tests/NAME.yml`).

A file is a list of cases with `name`, `match` and either `profile`, one mapping, or `events`, a
list of mappings of fields. Markers are written by name. Of an event, `at` is its second, `repeat`
makes more of it, `every` so many seconds apart, and `distinct` names fields that differ in each.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import yaml

from stillwatch.errors import InputError
from stillwatch.share.sigma.fields import Service, field_of
from stillwatch.share.sigma.reading import first_line

START: Final = datetime(2026, 3, 2, tzinfo=UTC)
MOST_EVENTS: Final = 10_000
"""Events of one case."""


@dataclass(frozen=True)
class Case:
    """One test of a rule.

    Attributes:
        rows: Events in order of time, or one profile; names of fields to values.
    """

    name: str
    match: bool
    service: Service
    rows: tuple[Mapping[str, Any], ...]


class _Event(msgspec.Struct, forbid_unknown_fields=True):
    at: float = 0.0
    repeat: int = 1
    every: float = 1.0
    distinct: str | list[str] = []


class _Case(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    match: bool
    events: list[dict[str, Any]] = []
    profile: dict[str, Any] | None = None


def read_cases(text: str, name: str) -> tuple[Case, ...]:
    """Parse a file of test events.

    Args:
        text: YAML.
        name: Of the file, for messages.

    Raises:
        InputError: It is not in the form that the module describes.
    """
    try:
        cases = msgspec.convert(yaml.safe_load(text), list[_Case])
        return tuple(_case(case) for case in cases)
    except (yaml.YAMLError, msgspec.ValidationError, InputError) as error:
        raise InputError(f"{name} holds no test events: {first_line(error)}") from error


def _case(case: _Case) -> Case:
    if (case.profile is None) == (not case.events):
        raise InputError(f"the case {case.name!r} needs either events or a profile")
    if case.profile is not None:
        row = {"account_id": "a", "events": 1} | case.profile
        return Case(case.name, case.match, Service.PROFILES, (_values(row, Service.PROFILES),))
    rows = [row for event in case.events for row in _repeated(event)]
    if len(rows) > MOST_EVENTS:
        raise InputError(f"the case {case.name!r} has more than {MOST_EVENTS} events")
    rows.sort(key=lambda row: row["time"])
    return Case(case.name, case.match, Service.EVENTS, tuple(rows))


def _repeated(event: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    own = {key: event[key] for key in _Event.__struct_fields__ if key in event}
    how = msgspec.convert(own, _Event)
    values = {key: value for key, value in event.items() if key not in own}
    row = _values({"account_id": "a", "model": "m"} | values, Service.EVENTS)
    distinct = [how.distinct] if isinstance(how.distinct, str) else how.distinct
    for number in range(min(how.repeat, MOST_EVENTS + 1)):
        changed = {name: _another(row.get(name), number) for name in distinct}
        yield row | changed | {"time": START + timedelta(seconds=how.at + how.every * number)}


def _another(value: Any, number: int) -> Any:
    return value + number if isinstance(value, int) else f"{value}-{number}"


def _values(row: Mapping[str, Any], service: Service) -> dict[str, Any]:
    """Turn lists of names into bits."""
    found = {}
    for name, value in row.items():
        names = field_of(service, name).names
        if names is not None and value is not None:
            if unknown := set(value) - set(names):
                raise InputError(f"{name} has no name {min(unknown)!r}")
            value = sum(names[one] for one in set(value))  # noqa: PLW2901 - the same value, as bits
        found[name] = value
    return found
