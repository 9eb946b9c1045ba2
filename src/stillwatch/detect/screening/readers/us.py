"""US lists in tables: the Consolidated Screening List and the lists it is made of.

The layouts of the Entity, Military End User, Unverified, Nonproliferation, Debarred and Denied
Persons Lists are those of published files. That of the consolidated CSV follows its documented
columns.
"""

from typing import Final

from stillwatch.detect.screening.entries import Entry
from stillwatch.detect.screening.readers.rows import (
    Columns,
    Row,
    domains_in,
    kind_of,
    one_line,
    parse_day,
    split_cell,
    split_names,
)

LISTS: Final = {
    "EL": "Entity List",
    "MEU": "Military End User List",
    "UVL": "Unverified List",
    "DPL": "Denied Persons List",
    "ISN": "Nonproliferation Sanctions",
    "DTC": "ITAR Debarred",
    "SDN": "Specially Designated Nationals",
}
"""Lists by the code that files use."""


def consolidated(row: Row) -> Entry | None:
    """A row of the Consolidated Screening List."""
    names = split_names(row["name"])
    if not names:
        return None
    return Entry(
        list_name=row["source"].partition(" - ")[0] or "Consolidated Screening List",
        entry_id=row.get("entity_number") or row.get("_id", ""),
        name=names[0],
        kind=kind_of(row.get("type", "")),
        aliases=(*names[1:], *split_cell(row.get("alt_names", ""))),
        addresses=split_cell(row.get("addresses", "")),
        domains=domains_in(row.get("ids", ""), row.get("remarks", "")),
        countries=split_cell(row.get("citizenships", "") or row.get("nationalities", "")),
        programme=row.get("programs", ""),
        since=parse_day(row.get("start_date", "")),
        until=parse_day(row.get("end_date", "")),
        notice=row.get("federal_register_notice", ""),
        url=row.get("source_information_url", "") or row.get("source_list_url", ""),
    )


def entity_list(row: Row) -> Entry | None:
    """A row of the Entity List or the Military End User List: one address and one alias."""
    names = split_names(row["name"])
    if not names:
        return None
    address = one_line(
        *(row.get(part, "") for part in ("address", "city", "state/province", "postal code")),
        row.get("country", ""),
    )
    return Entry(
        list_name=LISTS.get(row["source list"], row["source list"]),
        entry_id=row.get("entity number", ""),
        name=names[0],
        kind=kind_of(row.get("sdn type", "")),
        aliases=(*names[1:], *split_names(row.get("alternate name", ""))),
        addresses=(address,) if address else (),
        domains=domains_in(row.get("remarks/notes", "")),
        countries=split_cell(row.get("country", "")),
        programme=row.get("programs", "") or row.get("license requirement", ""),
        since=parse_day(row.get("effective date", "")),
        until=parse_day(row.get("date lifted/waived/expired", "")),
        notice=row.get("federal register notice", ""),
        url=row.get("web link", ""),
    )


def nonproliferation(row: Row) -> Entry | None:
    """A row of the Nonproliferation Sanctions."""
    names = split_names(row["name"])
    if not names:
        return None
    return Entry(
        list_name=LISTS.get(row["source list"], row["source list"]),
        entry_id="",
        name=names[0],
        aliases=(*names[1:], *split_cell(row["alternative names"])),
        domains=domains_in(row.get("remarks/notes", "")),
        countries=split_cell(row.get("country", "")),
        programme=row.get("programs", ""),
        since=parse_day(row.get("effective date", "")),
        notice=row.get("federal register notice", ""),
        url=row.get("web link", ""),
    )


def debarred(row: Row) -> Entry | None:
    """A row of the list of parties debarred under the ITAR."""
    names = split_names(row["party name"])
    if not names:
        return None
    return Entry(
        list_name=LISTS["DTC"],
        entry_id="",
        name=names[0],
        aliases=names[1:],
        since=parse_day(row["notice date"]),
        notice=row["federal register notice"],
    )


def denied(row: Row) -> Entry | None:
    """A row of the Denied Persons List."""
    names = split_names(row["name"])
    if not names:
        return None
    address = one_line(
        *(row[part] for part in ("street_address", "city", "state", "postal_code", "country"))
    )
    return Entry(
        list_name=LISTS["DPL"],
        entry_id="",
        name=names[0],
        aliases=names[1:],
        addresses=(address,) if address else (),
        countries=split_cell(row["country"]),
        since=parse_day(row["effective_date"]),
        until=parse_day(row["expiration_date"]),
        notice=row.get("fr_citation", ""),
    )


class Unverified:
    """Rows of the Unverified List; an empty country or name repeats that of the row above."""

    def __init__(self) -> None:
        self._country = self._name = ""

    def __call__(self, row: Row) -> Entry | None:
        """Turn a row into an entry."""
        self._country = row["country"] or self._country
        self._name = row["name"] or self._name
        names = split_names(self._name)
        if not names:
            return None
        return Entry(
            list_name=LISTS["UVL"],
            entry_id="",
            name=names[0],
            aliases=names[1:],
            addresses=(row["address"],) if row["address"] else (),
            countries=(self._country,) if self._country else (),
        )


def formats() -> tuple[Columns, ...]:
    """The tables that are known; the first whose columns a file has is taken."""
    known = (
        ("Consolidated Screening List, CSV", "source name alt_names addresses", consolidated),
        ("Denied Persons List", "name street_address effective_date", denied),
    )
    return (
        *(Columns(name, frozenset(columns.split()), entry) for name, columns, entry in known),
        Columns(
            "Entity List layout, CSV",
            frozenset({"source list", "name", "alternate name", "address"}),
            entity_list,
        ),
        Columns(
            "Nonproliferation Sanctions, CSV",
            frozenset({"source list", "name", "alternative names"}),
            nonproliferation,
        ),
        Columns("ITAR Debarred, CSV", frozenset({"party name", "notice date"}), debarred),
        Columns("Unverified List, CSV", frozenset({"country", "name", "address"}), Unverified()),
    )
