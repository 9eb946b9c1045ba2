"""OpenSanctions' simplified table of targets, `targets.simple.csv`.

The columns are the documented ones. Lists inside a cell are separated by semicolons.
"""

from typing import Final

from stillwatch.detect.screening.domains import clean_domain
from stillwatch.detect.screening.entries import Entry
from stillwatch.detect.screening.readers.rows import (
    Columns,
    Row,
    domains_in,
    kind_of,
    parse_day,
    split_cell,
)

URL: Final = "https://www.opensanctions.org/entities/"


def target(row: Row) -> Entry | None:
    """A row of the table."""
    if not row["name"]:
        return None
    mail = (clean_domain(address) for address in split_cell(row.get("emails", "")))
    return Entry(
        list_name=f"OpenSanctions: {'; '.join(split_cell(row['dataset'])[:3])}",
        entry_id=row["id"],
        name=row["name"],
        kind=kind_of(row["schema"]),
        aliases=split_cell(row["aliases"]),
        addresses=split_cell(row.get("addresses", "")),
        domains=(*(domain for domain in mail if domain), *domains_in(row.get("sanctions", ""))),
        countries=split_cell(row.get("countries", "")),
        programme="; ".join(split_cell(row.get("program_ids", ""))) or row.get("sanctions", ""),
        since=parse_day(row.get("first_seen", "")),
        url=f"{URL}{row['id']}/" if row["id"] else "",
    )


def formats() -> tuple[Columns, ...]:
    """The table of targets."""
    needed = frozenset({"id", "schema", "name", "aliases", "dataset"})
    return (Columns("OpenSanctions targets, CSV", needed, target),)
