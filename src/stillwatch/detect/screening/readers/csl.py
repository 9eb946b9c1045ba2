"""The Consolidated Screening List as JSON, `results` with nested addresses and aliases.

The names of fields follow the documentation of the service.
"""

from collections.abc import Iterator
from typing import Any, BinaryIO, Final

import msgspec

from stillwatch.detect.screening.entries import Entry
from stillwatch.detect.screening.readers.rows import (
    Report,
    domains_in,
    kind_of,
    one_line,
    parse_day,
    split_names,
)
from stillwatch.errors import InputError

NAME: Final = "Consolidated Screening List, JSON"
_ADDRESS: Final = ("address", "city", "state", "postal_code", "country")


def is_list(head: str) -> bool:
    """Whether JSON text begins like the list: its fields stand near the start."""
    return head.lstrip("\ufeff \r\n\t").startswith(("{", "[")) and all(
        f'"{field}"' in head for field in ("name", "source")
    )


def read(stream: BinaryIO, report: Report, file: str) -> Iterator[tuple[int, Entry]]:
    """Entries with their numbers.

    Raises:
        InputError: The file is no JSON.
    """
    try:
        document = msgspec.json.decode(stream.read().removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{file} is broken JSON ({error}): fetch it again") from error
    results = document.get("results") if isinstance(document, dict) else document
    for number, result in enumerate(results if isinstance(results, list) else [], 1):
        names = split_names(_text(result, "name")) if isinstance(result, dict) else ()
        if names:
            yield number, _entry(result, names)
        else:
            report(number, "has no name")


def _entry(result: dict[str, Any], names: tuple[str, ...]) -> Entry:
    addresses = [a for a in _list(result, "addresses") if isinstance(a, dict)]
    ids = [i for i in _list(result, "ids") if isinstance(i, dict)]
    sites = [f"website {_text(i, 'number')}" for i in ids if _text(i, "type") == "Website"]
    others = (other for name in _list(result, "alt_names") for other in split_names(str(name)))
    return Entry(
        list_name=_text(result, "source").partition(" - ")[0] or "Consolidated Screening List",
        entry_id=_text(result, "entity_number") or _text(result, "id"),
        name=names[0],
        kind=kind_of(_text(result, "type")),
        aliases=tuple(dict.fromkeys((*names[1:], *others))),
        addresses=tuple(
            line for a in addresses if (line := one_line(*(_text(a, part) for part in _ADDRESS)))
        ),
        domains=domains_in(*sites, _text(result, "remarks")),
        countries=tuple(dict.fromkeys(c for a in addresses if (c := _text(a, "country")))),
        programme="; ".join(map(str, _list(result, "programs"))),
        since=parse_day(_text(result, "start_date")),
        until=parse_day(_text(result, "end_date")),
        notice=_text(result, "federal_register_notice"),
        url=_text(result, "source_information_url") or _text(result, "source_list_url"),
    )


def _text(record: dict[str, Any], field: str) -> str:
    value = record.get(field)
    return "" if value is None else str(value).strip()


def _list(record: dict[str, Any], field: str) -> list[Any]:
    value = record.get(field)
    return value if isinstance(value, list) else [value] if value else []
