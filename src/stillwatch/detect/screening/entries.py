"""What a list says of one entity, and what a reader found in one file."""

from collections.abc import Iterable, Sequence
from datetime import date
from enum import StrEnum
from typing import Final

import msgspec


class EntryKind(StrEnum):
    """What an entry is about; only the first two are compared with organisations."""

    ORGANISATION = "organisation"
    UNSTATED = "unstated"
    PERSON = "person"
    OTHER = "vessel, aircraft or other thing"


class Entry(msgspec.Struct, frozen=True):
    """One listed entity, as its list states it.

    Attributes:
        list_name: short name of the list, such as `Entity List`.
        entry_id: the list's own number where it has one, else its row in the file.
        name: the main name.
        kind: what the entry is about.
        aliases: other names.
        addresses: each in one line.
        domains: of its websites and mail, lower case.
        countries: as the list writes them; shown, never compared.
        programme: the programme, reason or rule under which it is listed.
        since: the day from which it is listed; None where the list does not say.
        until: the day to which it is listed; None where the list names no end.
        notice: the notice that listed it, such as a Federal Register citation.
        url: where the list or the entry can be looked up.
    """

    list_name: str
    entry_id: str
    name: str
    kind: EntryKind = EntryKind.UNSTATED
    aliases: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    programme: str = ""
    since: date | None = None
    until: date | None = None
    notice: str = ""
    url: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The main name and the other ones."""
        return (self.name, *self.aliases)

    @property
    def compared(self) -> bool:
        """Whether it may be an organisation."""
        return self.kind in (EntryKind.ORGANISATION, EntryKind.UNSTATED)


class Fault(msgspec.Struct, frozen=True):
    """A row that could not be read: where and why."""

    file: str
    row: int
    why: str


STALE_DAYS: Final = 30
"""Age from which a file is called old."""


class ListFile(msgspec.Struct, frozen=True):
    """One file of lists.

    Attributes:
        file: its name.
        format: what it was recognised as.
        entries: what it lists.
        faults: rows that could not be read.
        dated: the newest day that the file itself names; None where it names none.
        modified: the day on which the file was last changed on this disk.
    """

    file: str
    format: str
    entries: tuple[Entry, ...]
    faults: tuple[Fault, ...]
    dated: date | None
    modified: date

    def is_stale(self, today: date) -> bool:
        """Whether the file is so old that it should be fetched again."""
        return (today - self.modified).days >= STALE_DAYS


def merge_entries(rows: Iterable[tuple[int, Entry]]) -> tuple[Entry, ...]:
    """Join rows of one entity into one entry, in the order in which they first appear.

    Rows belong together where list, id and name are the same; some formats write one row for each
    pair of an address and an alias. Where the list has no id the first row's number becomes it.

    >>> one, two = (Entry("L", "", "A", addresses=(address,)) for address in ("x", "y"))
    >>> (entry,) = merge_entries([(3, one), (4, two), (5, one)])
    >>> entry.entry_id, entry.addresses
    ('row 3', ('x', 'y'))
    """
    found: dict[tuple[str, str, str], list[tuple[int, Entry]]] = {}
    for row, entry in rows:
        key = (entry.list_name, entry.entry_id, entry.name)
        found.setdefault(key, []).append((row, entry))
    return tuple(
        msgspec.structs.replace(
            _joined([entry for _, entry in same]),
            entry_id=same[0][1].entry_id or f"row {same[0][0]}",
        )
        for same in found.values()
    )


def _joined(rows: Sequence[Entry]) -> Entry:
    first = rows[0]
    if len(rows) == 1:
        return first
    days = [row.since for row in rows if row.since]
    return msgspec.structs.replace(
        first,
        aliases=_distinct(name for row in rows for name in row.aliases if name != first.name),
        addresses=_distinct(address for row in rows for address in row.addresses),
        domains=_distinct(domain for row in rows for domain in row.domains),
        countries=_distinct(country for row in rows for country in row.countries),
        programme="; ".join(_distinct(row.programme for row in rows if row.programme)),
        since=min(days) if days else None,
        notice="; ".join(_distinct(row.notice for row in rows if row.notice)),
    )


def _distinct(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))
