"""Screening: accounts against entries, as evidence for a person.

A match is a reason among others. It names its list, entry and date and says what matched; it is not
a verdict, and nothing here changes a risk or a verdict.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from enum import StrEnum
from typing import Any, Final

import msgspec
import pyarrow as pa

from stillwatch.detect.progress import Progress, Silent
from stillwatch.detect.screening import model
from stillwatch.detect.screening.addresses import Address, parse_address, same_house
from stillwatch.detect.screening.compare import Likeness, compare
from stillwatch.detect.screening.domains import clean_domain, parents
from stillwatch.detect.screening.entries import Entry
from stillwatch.detect.screening.index import NameIndex, rarity_of
from stillwatch.detect.screening.letters import Script
from stillwatch.detect.screening.names import Name, parse_name
from stillwatch.detect.screening.reasons import reasons


class Level(StrEnum):
    """A match, or a near miss that is shown apart."""

    MATCH = "match"
    NEAR_MISS = "near miss"


class Match(msgspec.Struct, frozen=True):
    """One account beside one entry of a list; evidence for a person.

    Attributes:
        account_id: the account.
        org_name: what it calls its organisation.
        level: match or near miss.
        score: probability that both are one entity, 0..1 (docs/guide/screening.md says of which
            pairs).
        list_name: the list.
        entry_id: the entry's id in it.
        entry: its main name.
        listed_name: the name or alias that is most alike; empty where no name was compared.
        since: the day from which it is listed.
        until: the day to which it is, where the list names one.
        programme: under what it is listed.
        notice: the notice that listed it.
        url: where to look it up.
        reasons: what matched and what speaks against it, in words.
    """

    account_id: str
    org_name: str
    level: Level
    score: float
    list_name: str
    entry_id: str
    entry: str
    listed_name: str
    since: date | None
    until: date | None
    programme: str
    notice: str
    url: str
    reasons: tuple[str, ...]


class Subject(msgspec.Struct, frozen=True):
    """What is known of an account's organisation; accounts with the same are compared once."""

    name: str
    domains: tuple[str, ...]
    address: str


class Comparison(msgspec.Struct, frozen=True):
    """A subject beside an entry.

    Attributes:
        entry: place of the entry among those compared.
        probability: that both are one entity, 0..1.
        name: the subject's name.
        listed: the name or alias that is most alike; None where none is alike at all.
        likeness: how alike they are.
        domain: a domain that both have.
        address: whether both have one address.
    """

    entry: int
    probability: float
    name: Name
    listed: Name | None
    likeness: Likeness | None
    domain: str | None
    address: bool


PREPARING: Final = "preparing lists"
STAGE: Final = "screening"
STAGES: Final = {PREPARING: 0.1, STAGE: 0.9}
"""Stages of `screen` and about how much of the work each is."""
_BATCH: Final = 1000


class Screen:
    """Lists prepared for comparison.

    Args:
        entries: of all lists; persons, vessels and aircraft are left out.
        progress: told of every entry.
    """

    def __init__(self, entries: Sequence[Entry], progress: Progress | None = None) -> None:
        progress = progress or Silent()
        self.entries = tuple(entry for entry in entries if entry.compared)
        progress.start(PREPARING, len(self.entries))
        parsed = []
        for entry in self.entries:
            parsed.append([parse_name(name) for name in entry.names])
            progress.advance(1)
        self._names = [name for names in parsed for name in names]
        self._owners = [at for at, names in enumerate(parsed) for _ in names]
        self._rarity = rarity_of(parsed)
        self._index = NameIndex(self._names)
        self._domains: dict[str, list[int]] = {}
        self._houses: dict[tuple[str, str], list[tuple[int, Address]]] = {}
        for at, entry in enumerate(self.entries):
            for domain in entry.domains:
                self._domains.setdefault(domain, []).append(at)
            for address in map(parse_address, entry.addresses):
                if address.full:
                    for key in address.pairs():
                        self._houses.setdefault(key, []).append((at, address))
        progress.finish()

    def compared(self, subjects: Sequence[Subject]) -> Iterator[list[Comparison]]:
        """For each subject the entries that it was compared with, the likeliest first."""
        names = [parse_name(subject.name) for subject in subjects]
        found = self._index.candidates(names)
        for subject, name, places in zip(subjects, names, found, strict=True):
            yield self._comparisons(subject, name, places)

    def _comparisons(self, subject: Subject, name: Name, places: Sequence[int]) -> list[Comparison]:
        best: dict[int, tuple[float, Likeness, Name]] = {}
        for at in self._not_homophones(name, places):
            likeness = compare(name, self._names[at], self._rarity)
            odds, owner = model.name_log_odds(likeness), self._owners[at]
            if owner not in best or odds > best[owner][0]:
                best[owner] = (odds, likeness, self._names[at])
        domains, houses = self._same_domains(subject), self._same_houses(subject)
        comparisons = []
        for owner in best.keys() | domains.keys() | houses:
            nearest, listed = best[owner][1:] if owner in best else (None, None)
            domain, address = domains.get(owner), owner in houses
            probability = model.score(nearest, domain=domain is not None, address=address)
            comparisons.append(
                Comparison(owner, probability, name, listed, nearest, domain, address)
            )
        return sorted(comparisons, key=lambda c: (-c.probability, c.entry))

    def _not_homophones(self, name: Name, places: Sequence[int]) -> Iterator[int]:
        """The places without Latin names of entries whose Chinese name only sounds the same."""
        other = {
            self._owners[at]
            for at in places
            if name.script is Script.HAN is self._names[at].script
            and _han(name) != _han(self._names[at])
            and name.spelled == self._names[at].spelled
        }
        for at in places:
            if self._owners[at] not in other or self._names[at].script is Script.HAN:
                yield at

    def _same_domains(self, subject: Subject) -> dict[int, str]:
        return {
            owner: domain
            for given in subject.domains
            for domain in parents(given)
            for owner in self._domains.get(domain, ())
        }

    def _same_houses(self, subject: Subject) -> set[int]:
        if not subject.address:
            return set()
        asked = parse_address(subject.address)
        near = {pair for key in asked.pairs() for pair in self._houses.get(key, ())}
        return {owner for owner, address in near if same_house(asked, address)}


def screen(
    accounts: pa.Table, entries: Sequence[Entry], *, progress: Progress | None = None
) -> list[Match]:
    """Compare accounts with the entries of lists.

    A country, of the account or of the entry, is not looked at.

    Args:
        accounts: contract 2, with `org_name`, `email_domain` and, where known, `org_domain` and
            `org_address`.
        entries: of all lists.
        progress: told of every entry, then of every batch of organisations.

    Returns:
        Matches, then near misses, each with the surest first.
    """
    progress = progress or Silent()
    groups: dict[Subject, list[str]] = {}
    for row in accounts.select([c for c in COLUMNS if c in accounts.column_names]).to_pylist():
        subject = _subject(row)
        if subject.name or subject.domains or subject.address:
            groups.setdefault(subject, []).append(row["account_id"])
    prepared, subjects = Screen(entries, progress), list(groups)
    progress.start(STAGE, len(subjects))
    matches: list[Match] = []
    for start in range(0, len(subjects), _BATCH):
        batch = subjects[start : start + _BATCH]
        for subject, found in zip(batch, prepared.compared(batch), strict=True):
            for comparison in found:
                if comparison.probability >= model.NEAR:
                    entry = prepared.entries[comparison.entry]
                    matches.extend(_match(a, comparison, entry) for a in groups[subject])
        progress.advance(len(batch))
    progress.finish()
    return sorted(matches, key=lambda m: (m.level is not Level.MATCH, -m.score, m.account_id))


COLUMNS: Final = ("account_id", "org_name", "email_domain", "org_domain", "org_address")
"""Columns of the accounts table that are looked at; `country` is not among them."""


def _han(name: Name) -> str:
    return "".join(token.own for token in name.core)


def _subject(row: dict[str, Any]) -> Subject:
    domains = (clean_domain(row.get(column)) for column in ("email_domain", "org_domain"))
    return Subject(
        row.get("org_name") or "",
        tuple(dict.fromkeys(domain for domain in domains if domain)),
        row.get("org_address") or "",
    )


def _match(account: str, found: Comparison, entry: Entry) -> Match:
    is_match = found.probability >= model.MATCH
    return Match(
        account_id=account,
        org_name=found.name.text,
        level=Level.MATCH if is_match else Level.NEAR_MISS,
        score=found.probability,
        list_name=entry.list_name,
        entry_id=entry.entry_id,
        entry=entry.name,
        listed_name=found.listed.text if found.listed else "",
        since=entry.since,
        until=entry.until,
        programme=entry.programme,
        notice=entry.notice,
        url=entry.url,
        reasons=reasons(
            found.name, found.listed, found.likeness, domain=found.domain, address=found.address
        ),
    )
