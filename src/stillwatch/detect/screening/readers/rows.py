"""What every reader of a list needs: cells, dates, names with their aliases, domains in prose."""

import csv
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Final

import msgspec

from stillwatch.detect.screening.domains import clean_domain
from stillwatch.detect.screening.entries import Entry, EntryKind

Row = Mapping[str, str]
"""Cells by lower-case column name; a column that a row lacks is empty."""

Report = Callable[[int, str], None]
"""Takes the number of a row that cannot be read and why."""

_DAY_FORMATS: Final = ("%Y-%m-%d", "%m/%d/%Y", "%m/%d/%y", "%d %b %Y", "%d %B %Y")
_OTHER_NAMES: Final = re.compile(
    r"[\s,;(]+\b(?:a\.?\s?k\.?\s?a|f\.?\s?k\.?\s?a|n\.?\s?k\.?\s?a|d\.?\s?b\.?\s?a|also known as"
    r"|formerly known as)\b\.?[,:]?\s*",
    re.IGNORECASE,
)
_SHORT_FORM: Final = re.compile(r"\s*\(([A-Z0-9][A-Z0-9&.-]{1,9})\)\s*$")
_SITE: Final = re.compile(r"website[s:,]*\s+(?:https?://)?([^\s;,()\"]+)", re.IGNORECASE)
_MAIL: Final = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_KINDS: Final = {
    "entity": EntryKind.ORGANISATION,
    "organization": EntryKind.ORGANISATION,
    "company": EntryKind.ORGANISATION,
    "legalentity": EntryKind.ORGANISATION,
    "publicbody": EntryKind.ORGANISATION,
    "individual": EntryKind.PERSON,
    "person": EntryKind.PERSON,
    "": EntryKind.UNSTATED,
}


def kind_of(text: str) -> EntryKind:
    """The kind of an entry as lists write it; what is none of the known kinds is not compared."""
    return _KINDS.get(text.strip().casefold(), EntryKind.OTHER)


def parse_day(text: str) -> date | None:
    """A day as lists write it; None where it is none.

    >>> parse_day("11/21/2011"), parse_day("2023-04-20T09:10:31")
    (datetime.date(2011, 11, 21), datetime.date(2023, 4, 20))
    """
    text = text.strip().partition("T")[0]
    for form in _DAY_FORMATS:
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    return None


def split_names(text: str) -> tuple[str, ...]:
    """A name and the other names that stand in the same cell.

    >>> split_names("Training 2 Academy, a.k.a. T2A, f.k.a. Academy of Training")
    ('Training 2 Academy', 'T2A', 'Academy of Training')
    >>> split_names("Systems Intl., Inc. (SSI)")
    ('Systems Intl., Inc.', 'SSI')
    """
    name, *others = _OTHER_NAMES.split(text.strip())
    short = _SHORT_FORM.search(name)
    if short:
        name, others = name[: short.start()], [short[1], *others]
    found = [name, *(part for other in others for part in other.split(";"))]
    return tuple(dict.fromkeys(n for n in map(_trimmed, found) if n))


def _trimmed(name: str) -> str:
    name = name.strip(" ,;")
    return name if "(" in name else name.rstrip(" )")


def split_cell(text: str) -> tuple[str, ...]:
    """Values in one cell, separated by semicolons; quotes keep a semicolon in a value.

    >>> split_cell('Acme; "One; Two" ;')
    ('Acme', 'One; Two')
    """
    cells = next(csv.reader([text], delimiter=";", skipinitialspace=True), [])
    return tuple(dict.fromkeys(cell.strip() for cell in cells if cell.strip()))


def domains_in(*texts: str) -> tuple[str, ...]:
    """Domains of an entity's sites and mail addresses, as lists write them in prose.

    Other links in prose lead to the authority that keeps the list.

    >>> domains_in("Website www.acme.example; Email Address sales@acme-hq.example")
    ('acme.example', 'acme-hq.example')
    >>> domains_in("see https://authority.example/notice")
    ()
    """
    found = (
        clean_domain(match)
        for text in texts
        for pattern in (_SITE, _MAIL)
        for match in pattern.findall(text)
    )
    return tuple(dict.fromkeys(domain for domain in found if domain))


def one_line(*parts: str) -> str:
    """Parts of an address in one line."""
    return ", ".join(part.strip() for part in parts if part.strip())


class Columns(msgspec.Struct, frozen=True):
    """A format of rows with a header.

    Attributes:
        name: what the format is called.
        needed: columns by which it is told, lower case.
        entry: turns a row into an entry; None where the row has no name.
    """

    name: str
    needed: frozenset[str]
    entry: Callable[[Row], Entry | None]


def read_rows(
    lines: Iterator[str], delimiter: str, form: Columns, report: Report
) -> Iterator[tuple[int, Entry]]:
    """Entries with the numbers of their rows; the header is not counted.

    A cell in excess, a row that breaks off or one without a name is reported.
    """
    csv.field_size_limit(1 << 24)
    reader = csv.reader(lines, delimiter=delimiter)
    header: list[str] | None = None
    number = 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            number += 1
            report(number, f"is no row of a table ({error})")
            continue
        if header is None:
            names = [cell.strip().casefold() for cell in cells]
            header = names if form.needed <= set(names) else None
            continue
        number += 1
        if not any(cell.strip() for cell in cells):
            continue
        if any(cell.strip() for cell in cells[len(header) :]):
            report(number, f"has {len(cells)} cells under {len(header)} columns")
            continue
        row = dict.fromkeys(header, "") | dict(zip(header, map(str.strip, cells), strict=False))
        entry = form.entry(row)
        if entry is None:
            report(number, "has no name")
        else:
            yield number, entry
