import re
import tomllib
from pathlib import Path

import pytest

from stillwatch.detect.prices import PriceTable, Tokens
from stillwatch.detect.results import Value
from stillwatch.errors import ConfigError

TABLE = {
    "currency": "EUR",
    "model": [
        {"pattern": "large-mini-*", "input": [0.5, 1], "output": [2, 2]},
        {"pattern": "large-*", "input": [2, 4], "output": [8, 16]},
    ],
}
MILLION = 1_000_000


def test_value_is_an_interval_and_the_first_pattern_holds():
    table = PriceTable.parse(TABLE)
    tokens = {"large-1": Tokens(MILLION, MILLION), "large-mini-2": Tokens(2 * MILLION, 0)}
    assert table.value(tokens) == Value(low=11.0, high=22.0, currency="EUR")


def test_models_without_a_price_are_named_and_never_guessed():
    table = PriceTable.parse(TABLE)
    tokens = {"small": Tokens(5, 5), "large-1": Tokens(0, MILLION)}
    assert table.unpriced(tokens) == ["small"]
    assert table.value(tokens) == Value(low=8.0, high=16.0, currency="EUR")
    assert table.value({"small": Tokens(5, 5)}) is None
    assert table.value({}) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"currency": None}, "str"),
        ({"coins": 1}, "coins"),
        ({"model": [{"pattern": "x", "input": [3, 1], "output": [1, 1]}]}, "low <= high"),
        ({"model": [{"pattern": "x", "input": [-1, 1], "output": [1, 1]}]}, "low <= high"),
        ({"model": [{"pattern": "x", "input": [1], "output": [1, 1]}]}, "length"),
        ({"model": [{"pattern": "x", "input": [1, 1]}]}, "output"),
    ],
)
def test_a_wrong_table_is_refused_with_its_place(change, said):
    with pytest.raises(ConfigError, match=said):
        PriceTable.parse(TABLE | change)


def test_the_example_in_the_guide_is_a_price_table():
    guide = Path(__file__).parents[2] / "docs" / "guide" / "reading-a-report.md"
    (example,) = re.findall(r"```toml\n(.*?)```", guide.read_text(encoding="utf-8"), re.DOTALL)
    table = PriceTable.parse(tomllib.loads(example))
    assert table.value({"large-mini-3": Tokens(MILLION, MILLION)}) == Value(2.5, 5.0, "USD")
