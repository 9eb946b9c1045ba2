"""Organisations that a campaign's accounts name. A name is a claim; anybody can type one."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.detect.screening.domains import PROVIDERS, clean_domain
from stillwatch.detect.screening.matches import Level, Match
from stillwatch.share.attribution.likeness import Likeness
from stillwatch.share.attribution.trace import CLAIMS, Trace

SHORTEST: Final = 4
"""Letters that a domain must share with a name to be its mailbox."""
_MAIL_SERVICES: Final = frozenset(domain.split(".")[0] for domain in PROVIDERS)


class Listed(msgspec.Struct, frozen=True):
    """An entry of an entity list that an organisation matches; it says who, never that they did it.

    Attributes:
        list_name: the list.
        entry: its main name there.
        entry_id: its id there.
        level: match or near miss.
        score: probability that both are one entity, 0..1.
        url: where to look it up.
        reasons: what matched, in words.
    """

    list_name: str
    entry: str
    entry_id: str
    level: Level
    score: float
    url: str
    reasons: tuple[str, ...]


class Claim(msgspec.Struct, frozen=True):
    """An organisation that accounts name.

    Attributes:
        name: as most accounts spell it.
        likenesses: share of the campaign's accounts that are verified as its own, that have its
            mailbox, and that only name it; each account counts once, for the strongest.
        elsewhere: accounts outside the campaign and all suspects that name it too.
        listed: entries of lists that it matches.
    """

    name: str
    likenesses: tuple[Likeness, ...]
    elsewhere: int
    listed: tuple[Listed, ...] = ()


def claims(
    accounts: pa.Table,
    members: Sequence[str],
    suspects: Iterable[str],
    matches: Sequence[Match] = (),
) -> list[Claim]:
    """List the organisations that a campaign's accounts name, the most named first.

    Where an account names none, but the domain of its mail is that of a listed entity, it counts
    as a mailbox of that entity. The country of an account is not looked at.

    Args:
        accounts: contract 2, with `org_domain` where known.
        members: accounts of the campaign.
        suspects: accounts that are not benign.
        matches: of these accounts with entity lists, see `stillwatch.detect.screening`.
    """
    own = pa.array(sorted(set(members)), pa.string())
    columns = [name for name in _READ if name in accounts.column_names]
    rows = accounts.filter(pc.is_in(accounts["account_id"], own)).select(columns).to_pylist()
    by_account: dict[str, list[Match]] = {}
    for match in matches:
        by_account.setdefault(match.account_id, []).append(match)
    groups: dict[str, list[tuple[str, Trace, str]]] = {}
    for row in rows:
        name, trace = _claim(row, by_account.get(row["account_id"], []))
        if name:
            groups.setdefault(squash(name), []).append((name, trace, row["account_id"]))
    rest = pc.is_in(accounts["account_id"], pa.array(sorted({*members, *suspects}), pa.string()))
    others = accounts.filter(pc.invert(rest))["org_name"].drop_null().to_pylist()
    elsewhere: dict[str, int] = {}
    for name in others:
        key = squash(name)
        if key in groups:
            elsewhere[key] = elsewhere.get(key, 0) + 1
    return [
        Claim(
            name=_commonest([name for name, _, _ in group]),
            likenesses=_counted([trace for _, trace, _ in group], len(own), elsewhere.get(key, 0)),
            elsewhere=elsewhere.get(key, 0),
            listed=_listed([m for _, _, account in group for m in by_account.get(account, [])]),
        )
        for key, group in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    ]


_READ: Final = ("account_id", "org_name", "email_domain", "org_domain", "verified")


def squash(name: str) -> str:
    """A name's letters and digits, without case.

    >>> squash("Acme  Labs, Inc.") == squash("ACME labs inc")
    True
    """
    return re.sub(r"[\W_]+", "", name.casefold())


def is_mailbox(domain: str | None, name: str) -> bool:
    """Whether a domain is that of a name: one of its labels is how the name begins, whole words.

    >>> is_mailbox("mail.acme-labs.example", "Acme Labs Inc"), is_mailbox("acme-ai.example", "Acme")
    (True, False)
    """
    if (clean := clean_domain(domain)) is None:
        return False
    words = [squash(word) for word in name.split()]
    starts = {"".join(words[:end]) for end in range(1, len(words) + 1)}
    labels = (squash(label) for label in clean.split(".")[:-1])
    return any(len(label) >= SHORTEST and label in starts for label in labels)


def _claim(row: dict[str, Any], matches: Sequence[Match]) -> tuple[str, Trace]:
    """What an account names, and how well it shows that."""
    name = (row["org_name"] or "").strip()
    domains = (row.get("email_domain"), row.get("org_domain"))
    if not squash(name) or squash(name) in _MAIL_SERVICES:
        sure = [m for m in matches if m.level is Level.MATCH]
        return (sure[0].entry, Trace.MAILBOX) if sure else ("", Trace.NAME)
    if row.get("verified"):
        return name, Trace.VERIFIED
    # A website is typed in by the account; a mailbox had to be opened.
    mailbox = is_mailbox(domains[0], name)
    return name, Trace.MAILBOX if mailbox else Trace.NAME


def _counted(traces: Sequence[Trace], accounts: int, elsewhere: int) -> tuple[Likeness, ...]:
    return tuple(
        Likeness(trace, traces.count(trace) / accounts, traces.count(trace), accounts,
                 values=1, benign=elsewhere)
        for trace in CLAIMS
    )  # fmt: skip


def _commonest(names: Sequence[str]) -> str:
    return max(sorted(set(names)), key=names.count)


def _listed(matches: Sequence[Match]) -> tuple[Listed, ...]:
    found = {(m.list_name, m.entry_id): m for m in sorted(matches, key=lambda m: m.score)}
    return tuple(
        Listed(m.list_name, m.entry, m.entry_id, m.level, m.score, m.url, m.reasons)
        for m in sorted(found.values(), key=lambda m: (-m.score, m.list_name, m.entry_id))
    )
