"""The warning list: values that are public or popular, and so must not identify anyone.

`stillwatch lists build` makes it from sources that the user names: public collections of prompts,
benchmark questions, defaults of software kits, names of clients. It holds fingerprints under one
key, by family, and no text but names of clients.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stillwatch.errors import ConfigError
from stillwatch.events.fingerprint import fingerprint_batch
from stillwatch.events.key import Key
from stillwatch.events.schema import EVENTS, KEY_ID
from stillwatch.events.warning_sources import Entry, Warnings

FILE: Final = "warning.parquet"

WARNING: Final = pa.schema(
    [
        pa.field("family", pa.string(), nullable=False),
        pa.field("value", pa.string(), nullable=False),  # as it stands in a signature
    ]
)
"""One row per family and value, sorted and distinct."""

_COLUMNS: Final = {
    # column: family and hexadecimal digits; 0 where the value is a name
    "template": ("template", 16),
    "opening": ("opening", 16),
    "closing": ("closing", 16),
    "system": ("system", 16),
    "bands": ("bands", 16),
    "passages": ("passages", 8),
    "parameters": ("parameters", 16),
    "client_name": ("client", 0),
    "tls_fingerprint": ("tls", 0),
}
_SAID: Final[dict[Warnings, tuple[str, ...]]] = {
    # what a source of each sort lists; a public prompt may be used as a system prompt too
    Warnings.PROMPTS: ("template", "opening", "closing", "system", "bands", "passages"),
    Warnings.PARAMETERS: ("parameters",),
    Warnings.CLIENTS: ("client_name",),
    Warnings.TLS: ("tls_fingerprint",),
}
_AT_ONCE: Final = 4096


def warning_table(sources: Iterable[tuple[Warnings, Sequence[Entry]]], key: Key) -> pa.Table:
    """Fingerprint what sources list.

    Args:
        sources: what each is of, and its entries: columns of contract 1.
        key: the key under which signatures are made.

    Returns:
        Rows of `WARNING`, with the name of the key in the metadata.
    """
    parts = [WARNING.empty_table()]
    for sort, entries in sources:
        for start in range(0, len(entries), _AT_ONCE):
            batch = fingerprint_batch(_events(entries[start : start + _AT_ONCE]), key)
            parts += [_rows(batch, column) for column in _SAID[sort]]
    table = pa.concat_tables(parts).group_by(["family", "value"]).aggregate([])
    table = table.sort_by([("family", "ascending"), ("value", "ascending")]).cast(WARNING)
    return table.replace_schema_metadata({KEY_ID: key.id.encode()})


def read_warning(directory: Path, key_id: str) -> dict[str, frozenset[str]]:
    """Read the values of each family; empty where there is no warning list.

    Raises:
        ConfigError: It is damaged, of another version or under another key.
    """
    path = directory / FILE
    if not path.is_file():
        return {}
    mend = "build it again with `stillwatch lists build --key-file FORUM_KEY`"
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise ConfigError(f"{path} is damaged: {mend}") from error
    if table.schema.names != WARNING.names:
        raise ConfigError(f"{path} was written by another version: {mend}")
    if (table.schema.metadata or {}).get(KEY_ID) != key_id.encode():
        raise ConfigError(f"{path} was made under another key: {mend}")
    found: dict[str, set[str]] = {}
    for family, value in zip(*(table[name].to_pylist() for name in WARNING.names), strict=True):
        found.setdefault(family, set()).add(value)
    return {family: frozenset(values) for family, values in found.items()}


def _events(entries: Sequence[Entry]) -> pa.RecordBatch:
    """Entries as events, with what a source does not say left empty."""
    whole = {
        "event_id": [""] * len(entries),
        "time": [0] * len(entries),
        "account_id": [""] * len(entries),
        "model": [""] * len(entries),
        "prompt": [entry.get("prompt", "") for entry in entries],
    }
    for name in {name for entry in entries for name in entry} - whole.keys():
        whole[name] = [entry.get(name) for entry in entries]
    return pa.RecordBatch.from_pydict(
        whole, schema=pa.schema([EVENTS.field(name) for name in whole])
    )


def _rows(batch: pa.RecordBatch, column: str) -> pa.Table:
    family, digits = _COLUMNS[column]
    values = batch.column(column)
    if pa.types.is_fixed_size_list(values.type):
        values = values.flatten()
    numbers = pc.unique(values.drop_null()).to_pylist()
    texts = [f"{n:0{digits}x}" if digits else n for n in numbers if n]
    return pa.table([pa.repeat(family, len(texts)), pa.array(texts, pa.string())], schema=WARNING)
