"""What tokens are worth, as an interval, at a price table that the user gives.

No prices ship with the package: they change, and they are someone else's data. Without a table a
campaign's value is null and the report says how to give one.
"""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, Self

import msgspec

from stillwatch.detect.results import Value
from stillwatch.errors import ConfigError

MILLION = 1_000_000


class Tokens(msgspec.Struct, frozen=True):
    """Tokens in and out of one model; output counts reasoning tokens too."""

    input: int
    output: int


class ModelPrice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Lowest and highest price per million tokens of the models that a pattern names.

    `pattern` is a glob over model names (`*` and `?`), case-sensitive.
    """

    pattern: str
    input: tuple[float, float]
    output: tuple[float, float]

    def __post_init__(self) -> None:
        for low, high in (self.input, self.output):
            if not 0 <= low <= high < float("inf"):
                raise ValueError(f"prices of {self.pattern!r} must be 0 <= low <= high")


class PriceTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Prices by model, in the order in which patterns are tried: the first that matches holds."""

    currency: str
    model: tuple[ModelPrice, ...]

    @classmethod
    def parse(cls, table: Mapping[str, Any]) -> Self:
        """The price table that a TOML file holds; docs/guide/reading-a-report.md shows one.

        Args:
            table: The parsed file: `currency` and a list `model` of `pattern`, `input`, `output`.

        Raises:
            ConfigError: A key is missing or unknown, or a price is not low and high.
        """
        try:
            return msgspec.convert(dict(table), cls)
        except msgspec.ValidationError as error:
            raise ConfigError(f"The price table cannot be used: {error}.") from error

    def price(self, model: str) -> ModelPrice | None:
        """The price of a model; None where no pattern matches."""
        return next((p for p in self.model if fnmatchcase(model, p.pattern)), None)

    def value(self, tokens: Mapping[str, Tokens]) -> Value | None:
        """What tokens cost, lowest to highest; None where no model has a price.

        Models without a price count as nothing, so the interval is then too low: see `unpriced`.

        >>> table = PriceTable("USD", (ModelPrice("large-*", (2.0, 4.0), (8.0, 16.0)),))
        >>> table.value({"large-1": Tokens(1_000_000, 500_000)})
        Value(low=6.0, high=12.0, currency='USD')
        """
        priced = [(count, p) for name, count in tokens.items() if (p := self.price(name))]
        if not priced:
            return None
        low, high = (
            sum(n.input * p.input[side] + n.output * p.output[side] for n, p in priced) / MILLION
            for side in (0, 1)
        )
        return Value(low=low, high=high, currency=self.currency)

    def unpriced(self, tokens: Mapping[str, Tokens]) -> list[str]:
        """Models that no pattern names, sorted."""
        return sorted(name for name in tokens if self.price(name) is None)
