"""The Treasury's SDN and consolidated lists in the older XML layout, `sdnList`."""

from collections.abc import Iterator
from typing import BinaryIO, Final
from xml.etree import ElementTree as ET

from stillwatch.detect.screening.entries import Entry
from stillwatch.detect.screening.readers.rows import (
    Report,
    domains_in,
    kind_of,
    one_line,
    split_cell,
)

NAME: Final = "Treasury sanctions, XML"
LIST: Final = "Treasury sanctions"
_ADDRESS: Final = ("address1", "address2", "address3", "city", "stateOrProvince", "postalCode")


def read(stream: BinaryIO, report: Report) -> Iterator[tuple[int, Entry]]:
    """Entries with their numbers; what follows a break in the XML is reported as lost."""
    number = 0
    try:
        # The user names the file, and expat bounds the growth of entities.
        for _, element in ET.iterparse(stream):  # noqa: S314
            if _tag(element) == "sdnEntry":
                number += 1
                entry = _entry(element)
                element.clear()
                if entry is None:
                    report(number, "has no name")
                else:
                    yield number, entry
    except ET.ParseError as error:
        report(number + 1, f"and what follows it cannot be read: broken XML ({error})")


def published(head: str) -> str:
    """The day on which the file says that it was published; empty where it does not."""
    return head.partition("<Publish_Date>")[2].partition("</Publish_Date>")[0]


def _entry(element: ET.Element) -> Entry | None:
    name = _name(element)
    if not name:
        return None
    # The Treasury does not ask for screening against weak aliases: they fit too many.
    aliases = [_name(aka) for aka in _all(element, "aka") if _text(aka, "category") != "weak"]
    addresses = [
        one_line(*(_text(address, part) for part in _ADDRESS), _text(address, "country"))
        for address in _all(element, "address")
    ]
    sites = [
        f"website {_text(i, 'idNumber')}"
        for i in _all(element, "id")
        if _text(i, "idType") == "Website"
    ]
    return Entry(
        list_name=LIST,
        entry_id=_text(element, "uid"),
        name=name,
        kind=kind_of(_text(element, "sdnType")),
        aliases=tuple(dict.fromkeys(alias for alias in aliases if alias and alias != name)),
        addresses=tuple(address for address in addresses if address),
        domains=domains_in(*sites, _text(element, "remarks")),
        countries=tuple(
            dict.fromkeys(
                c for a in _all(element, "address") for c in split_cell(_text(a, "country"))
            )
        ),
        programme="; ".join(p.text or "" for p in _all(element, "program")),
        url="https://sanctionssearch.ofac.treas.gov/",
    )


def _tag(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _all(element: ET.Element, tag: str) -> Iterator[ET.Element]:
    return (child for child in element.iter() if _tag(child) == tag)


def _text(element: ET.Element, tag: str) -> str:
    return next(((c.text or "").strip() for c in element if _tag(c) == tag), "")


def _name(element: ET.Element) -> str:
    return f"{_text(element, 'firstName')} {_text(element, 'lastName')}".strip()
