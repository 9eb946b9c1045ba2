"""docs/signals.md lists every signal, in its own words."""

from pathlib import Path

import pytest

from stillwatch.detect import signals
from tests.signals.build import event, population

PAGE = Path(__file__).parents[2] / "docs" / "signals.md"


def _summary(signal):
    """The first sentence of the measure's documentation, in one line."""
    documented = getattr(signal.measure, "func", signal.measure).__doc__
    return " ".join(documented.split("\n\n")[0].split()).removesuffix(".")


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """One event with nothing that a log may lack."""
    return population([event("only")], tmp_path_factory.mktemp("bare"))


@pytest.mark.parametrize("signal", signals.BUILT_IN, ids=lambda signal: signal.name)
def test_a_signal_has_its_row(signal, bare):
    off = signal.unavailable(bare) or "never"
    row = f"| `{signal.name}` | {signal.line} | {_summary(signal)} | {signal.reason} | {off} |"
    assert row in PAGE.read_text(encoding="utf-8").splitlines()


def test_the_page_lists_nothing_else():
    rows = [
        line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")
    ]
    assert [row.split("`")[1] for row in rows] == [signal.name for signal in signals.BUILT_IN]
