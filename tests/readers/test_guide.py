"""The guide to log formats says what the code does."""

from pathlib import Path

from stillwatch.events.coerce import Reason
from stillwatch.events.readers import FORMATS
from stillwatch.events.readers.aliases import ALIASES
from stillwatch.events.schema import ACCOUNTS, EVENTS

GUIDE = (Path(__file__).parents[2] / "docs" / "guide" / "log-formats.md").read_text()


def test_the_guide_names_every_format_column_alias_and_reason() -> None:
    names = [
        *(entry.name for entry in FORMATS),
        *EVENTS.names,
        *ACCOUNTS.names,
        *(alias for aliases in ALIASES.values() for alias in aliases),
        *Reason,
    ]
    assert [name for name in names if f"`{name}`" not in GUIDE] == []
