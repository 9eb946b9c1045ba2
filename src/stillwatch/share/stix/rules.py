"""Rules of the allow-list: what a value may be, and why it is refused, without repeating it.

A rule also writes itself as JSON Schema and as a few words, so that the published schema and the
page on sharing are the list that is enforced.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Protocol

from stillwatch.share.stix.coarse import is_coarse

Refusals = Iterator[tuple[str, str]]
"""Pairs of a path and the reason why what stands there is refused."""

_SPEAKABLE: Final = re.compile(
    r"[a-z][a-z_]{0,31}(?:\|[a-z]{1,12}){0,3}|extension-definition--[0-9a-f-]{36}"
)
"""Names of properties that a message may repeat: no digit, no capital, no space."""


class Rule(Protocol):
    """What one JSON value may be."""

    def refusals(self, value: Any, path: str) -> Refusals:
        """Yield what is wrong with a value: nothing where it may leave."""
        ...

    def schema(self) -> dict[str, Any]:
        """Return the rule as JSON Schema (draft 2020-12)."""
        ...

    @property
    def words(self) -> str:
        """The rule for a person."""
        ...


@dataclass(frozen=True)
class Only:
    """Exactly one JSON value."""

    value: Any

    def refusals(self, value: Any, path: str) -> Refusals:
        """Refuse every other value; `true` is not 1."""
        if type(value) is not type(self.value) or value != self.value:
            yield path, "may only be the one fixed value"

    def schema(self) -> dict[str, Any]:
        """Return the value as a constant."""
        return {"const": self.value}

    @property
    def words(self) -> str:
        """The value, where it is short."""
        return f"`{self.value}`" if isinstance(self.value, str | int) else "fixed"


@dataclass(frozen=True)
class Word:
    """One text of a closed list."""

    choices: tuple[str, ...]
    what: str = ""

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.choices)

    def refusals(self, value: Any, path: str) -> Refusals:
        """Refuse what is not on the list."""
        if not isinstance(value, str) or value not in self._known:
            yield path, f"is not one of the {len(self.choices)} texts that may stand here"

    def schema(self) -> dict[str, Any]:
        """Return the list."""
        return {"enum": list(self.choices)}

    @property
    def words(self) -> str:
        """The list, or what it is a list of."""
        if self.what or len(self.choices) > 8:
            return f"one of {len(self.choices)} {self.what or 'fixed texts'}"
        return ", ".join(f"`{choice}`" for choice in self.choices)


@dataclass(frozen=True)
class Text:
    """A text of one shape: a regular expression for all of it, and a maximum length."""

    pattern: str
    most: int
    what: str

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern, re.ASCII)

    def refusals(self, value: Any, path: str) -> Refusals:
        """Refuse a text that is too long or of another shape."""
        if not isinstance(value, str):
            yield path, "must be a text"
        elif len(value) > self.most:
            yield path, f"has more than {self.most} characters"
        elif not self._compiled.fullmatch(value):
            yield path, f"is not {self.what}"

    def schema(self) -> dict[str, Any]:
        """Return shape and length."""
        return {"type": "string", "maxLength": self.most, "pattern": f"^(?:{self.pattern})$"}

    @property
    def words(self) -> str:
        """What it is, and how long at most."""
        return f"{self.what}, at most {self.most} characters"


@dataclass(frozen=True)
class Number:
    """A number between two bounds.

    `coarse`: at most two significant digits. `whole`: an integer. `step`: a multiple of that.
    """

    least: float
    most: float
    whole: bool = True
    coarse: bool = True
    step: int = 1

    def refusals(self, value: Any, path: str) -> Refusals:
        """Refuse what is too fine, out of bounds or no number."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            yield path, "must be a number"
        elif self.whole and (not isinstance(value, int) or value % self.step):
            yield path, f"must be a multiple of {self.step}"
        elif not self.least <= value <= self.most:
            yield path, f"must lie between {self.least:g} and {self.most:g}"
        elif self.coarse and not is_coarse(value):
            yield path, "has more than two significant digits: round it"

    def schema(self) -> dict[str, Any]:
        """Return type and bounds; JSON Schema has no words for significant digits."""
        base: dict[str, Any] = {"type": "integer" if self.whole else "number"}
        if self.step > 1:
            base["multipleOf"] = self.step
        if self.coarse:
            base["description"] = "at most two significant digits"
        return {**base, "minimum": self.least, "maximum": self.most}

    @property
    def words(self) -> str:
        """Bounds and digits."""
        kind = "integer" if self.whole else "number"
        digits = ", two significant digits" if self.coarse else ""
        steps = f", in steps of {self.step}" if self.step > 1 else ""
        return f"{kind} {self.least:g} to {self.most:g}{digits}{steps}"


@dataclass(frozen=True)
class Many:
    """A list of values under one rule, each at most once."""

    rule: Rule
    most: int
    least: int = 1

    def refusals(self, value: Any, path: str) -> Refusals:
        """Refuse lists that are too short or long, and what their elements are refused for."""
        if not isinstance(value, list):
            yield path, "must be a list"
        elif not self.least <= len(value) <= self.most:
            yield path, f"must have {self.least} to {self.most} elements"
        elif any(one in value[:place] for place, one in enumerate(value)):
            yield path, "holds an element twice"
        else:
            for place, one in enumerate(value):
                yield from self.rule.refusals(one, f"{path}[{place}]")

    def schema(self) -> dict[str, Any]:
        """Return the list with its bounds."""
        bounds = {"minItems": self.least, "maxItems": self.most, "uniqueItems": True}
        return {"type": "array", "items": self.rule.schema(), **bounds}

    @property
    def words(self) -> str:
        """How many of what."""
        number = self.most if self.least == self.most else f"{self.least} to {self.most}"
        return f"{number} × {self.rule.words}"


@dataclass(frozen=True)
class Fields:
    """An object: which properties it may have, and which it must."""

    required: Mapping[str, Rule]
    optional: Mapping[str, Rule]

    @cached_property
    def all(self) -> dict[str, Rule]:
        """Every property that may stand there."""
        return {**self.required, **self.optional}

    def refusals(self, value: Any, path: str) -> Refusals:
        """Refuse properties that are not listed, that are missing, and what each is refused for."""
        if not isinstance(value, dict):
            yield path, "must be an object"
            return
        for place, name in enumerate(value):
            if (rule := self.all.get(name)) is None:
                yield f"{path}.{speakable(name, place)}", "may not leave"
            else:
                yield from rule.refusals(value[name], f"{path}.{name}")
        for name in self.required:
            if name not in value:
                yield f"{path}.{name}", "is missing"

    def schema(self) -> dict[str, Any]:
        """Return a closed object."""
        return {
            "type": "object",
            "properties": {name: rule.schema() for name, rule in self.all.items()},
            "required": list(self.required),
            "additionalProperties": False,
        }

    @property
    def words(self) -> str:
        """Names of the properties."""
        return "object with " + ", ".join(f"`{name}`" for name in self.all)


def speakable(name: str, place: int) -> str:
    """Return a property's name for a message, or its position where the name itself may be data.

    >>> speakable("prompt", 3), speakable("ada@example.org", 3)
    ('prompt', '(property 4)')
    """
    return name if _SPEAKABLE.fullmatch(name) else f"(property {place + 1})"
