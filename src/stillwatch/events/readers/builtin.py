"""The log formats that Stillwatch brings, the most telling first."""

from typing import Final

from stillwatch.events.readers.aliases import ALIASES, resolve
from stillwatch.events.readers.columnar import read_parquet
from stillwatch.events.readers.formats import Format
from stillwatch.events.readers.head import Head
from stillwatch.events.readers.plain import read_csv, read_jsonl


def _plain_jsonl(head: Head) -> bool:
    return head.is_json and _enough(head.keys)


def _plain_csv(head: Head) -> bool:
    return not head.is_json and _enough(head.columns)


def _enough(names: frozenset[str] | tuple[str, ...]) -> bool:
    """At least two contract columns under names that are known."""
    return len(resolve(names)) >= 2 or bool(set(names) & {"messages", *ALIASES["time"]})


FORMATS: Final[tuple[Format, ...]] = (
    Format(
        "parquet", "events or fingerprints in Parquet", lambda head: head.is_parquet, read_parquet
    ),
    Format(
        "jsonl", "events as JSON lines or an array, plain or .gz or .zst", _plain_jsonl, read_jsonl
    ),
    Format("csv", "events as CSV with a header, plain or .gz or .zst", _plain_csv, read_csv),
)
"""Built-in formats, asked in this order."""
