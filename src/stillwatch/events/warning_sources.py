"""Source files of the warning list, recognised by words in the file's name.

| name says | holds | as |
|---|---|---|
| prompt, template, question, benchmark, instruction | public prompts | text, CSV, JSON |
| parameter, default | request parameters of software kits | CSV, JSON |
| client, agent | names of clients, or whole user agents | text, CSV, JSON |
| tls, ja4 | TLS fingerprints | text, CSV, JSON |

A line of text is one prompt. JSON may come as lines. In CSV and JSON a prompt stands under one of
`FIELDS`.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import msgspec

from stillwatch.events.identifiers import client_name
from stillwatch.events.schema import EVENTS

FIELDS: Final = (
    "prompt",
    "template",
    "question",
    "instruction",
    "text",
    "query",
    "problem",
    "input",
)
"""Where a prompt stands in a row; the first that is there and is text is taken."""

_FLAGS: Final = {"true": True, "false": False}
_PARAMETERS: Final = (
    "temperature",
    "top_p",
    "max_tokens",
    "choices",
    "stream",
    "logprobs",
    "tools",
    "output_type",
    "reasoning_effort",
)

Entry = dict[str, Any]
"""Columns of contract 1."""


class Warnings(StrEnum):
    """What a source lists."""

    PROMPTS = "public prompts"
    PARAMETERS = "default parameters"
    CLIENTS = "names of clients"
    TLS = "TLS fingerprints"


_WORDS: Final = (
    (Warnings.TLS, re.compile(r"tls|ja4")),
    (Warnings.CLIENTS, re.compile(r"client|agent")),
    (Warnings.PARAMETERS, re.compile(r"parameter|default")),
    (Warnings.PROMPTS, re.compile(r"prompt|template|question|benchmark|instruction")),
)


@dataclass(frozen=True)
class WarningSource:
    """A source that was understood."""

    sort: Warnings
    entries: list[Entry]
    skipped: int


def parse_warning(name: str, text: str) -> WarningSource | None:
    """Read a source of the warning list; None where its name says nothing or nothing can be read.

    >>> parse_warning("public_prompts.txt", "Let us think step by step.").entries
    [{'prompt': 'Let us think step by step.', 'system': 'Let us think step by step.'}]
    """
    sort = next((sort for sort, words in _WORDS if words.search(name.lower())), None)
    if sort is None:
        return None
    rows = _rows(name.lower().removesuffix(".gz"), text)
    entries = [entry for row in rows if (entry := _entry(sort, row)) is not None]
    return WarningSource(sort, entries, len(rows) - len(entries)) if entries else None


def _rows(name: str, text: str) -> Sequence[Any]:
    """Split a source into rows: text, or values by name."""
    if name.endswith((".csv", ".tsv")):
        delimiter = "\t" if name.endswith(".tsv") else ","
        return list(csv.DictReader(io.StringIO(text), delimiter=delimiter))
    if text.lstrip()[:1] in {"{", "["}:
        try:
            document = msgspec.json.decode(text)
        except msgspec.DecodeError:
            return _json_lines(text.splitlines())
        return document if isinstance(document, list) else [document]
    return [line.strip() for line in text.splitlines() if line.strip()]


def _json_lines(lines: Iterable[str]) -> list[Any]:
    rows = []
    for line in lines:
        try:
            rows.append(msgspec.json.decode(line))
        except msgspec.DecodeError:
            rows.append(None)
    return rows


def _entry(sort: Warnings, row: Any) -> Entry | None:
    if sort is Warnings.PARAMETERS:
        return _parameters(row)
    text = row
    if isinstance(row, dict):
        given = [row[field] for field in FIELDS if isinstance(row.get(field), str)]
        text = given[0] if given else next((v for v in row.values() if isinstance(v, str)), None)
    if not isinstance(text, str) or not text.strip():
        return None
    if sort is Warnings.PROMPTS:
        return {"prompt": text, "system": text}
    if sort is Warnings.TLS:
        return {"tls_fingerprint": text.strip()}
    return {"user_agent": text.strip()} if client_name(text) else None


def _parameters(row: Any) -> Entry | None:
    """Read request parameters; what is absent is what the kit leaves out."""
    if not isinstance(row, dict):
        return None
    entry: Entry = {}
    for name in _PARAMETERS:
        value = row.get(name)
        if value is None or value == "":
            continue
        kind = str(EVENTS.field(name).type)
        try:
            entry[name] = _typed(value, kind)
        except (KeyError, TypeError, ValueError):
            return None
    return entry


def _typed(value: Any, kind: str) -> Any:
    if kind == "bool":
        return value if isinstance(value, bool) else _FLAGS[str(value).lower()]
    if kind.startswith("int"):
        return int(value)
    return float(value) if kind == "double" else str(value)
