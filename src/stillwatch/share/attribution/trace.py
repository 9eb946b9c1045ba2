"""Traces: what a campaign leaves that may point at its operator, and what is kept of them.

A trace has values under a key, never in clear. What stands for a place, a language or a nationality
is no trace: no country, no script, no hour of the day (it tells a time zone), and of networks only
the /24 or /48 itself, never its autonomous system.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

U64s = NDArray[np.uint64]
Ints = NDArray[np.int64]


class Trace(StrEnum):
    """One sort of trace; names are permanent, for they stand in records and weights."""

    CARD = "card"
    DEVICE = "device"
    MAIL = "mail-domain"
    SIGNUP = "sign-up-network"
    NETWORK = "network"
    CLIENT = "client"
    SETTINGS = "settings"
    SYSTEM = "system-prompt"
    FRAMES = "frames"
    WORDING = "wording"
    ITEMS = "work-items"
    PACE = "pace"
    SIGNATURE = "signature"
    VERIFIED = "verified-organisation"
    MAILBOX = "organisation-mailbox"
    NAME = "organisation-named"


OF_ACCOUNTS: Final = (Trace.CARD, Trace.DEVICE, Trace.MAIL, Trace.SIGNUP)
"""Traces that the accounts table shows, under the provider's own key."""
OF_EVENTS: Final = {
    Trace.NETWORK: ("network",),
    Trace.CLIENT: ("client",),
    Trace.SETTINGS: ("parameters",),
    Trace.SYSTEM: ("system",),
    Trace.FRAMES: ("template",),
    Trace.WORDING: ("opening", "closing"),
    Trace.ITEMS: ("passages",),
}
"""Traces that fingerprints show, and their columns, under the key of the log."""
RECORDED: Final = (*OF_ACCOUNTS, *OF_EVENTS, Trace.PACE)
"""Traces by which a campaign is compared with recorded ones."""
CLAIMS: Final = (Trace.VERIFIED, Trace.MAILBOX, Trace.NAME)
"""Traces of an organisation that accounts name, the strongest first."""
NEEDED: Final = (
    "account_id",
    "time",
    "turn",
    *(column for columns in OF_EVENTS.values() for column in columns),
)
"""Columns of fingerprints that are read."""


class Pace(msgspec.Struct, frozen=True):
    """How a campaign works: medians over its accounts.

    Attributes:
        gap: natural logarithm of 1 + the seconds between successive events.
        busy: natural logarithm of the events per hour in which there is any.
        talk: share of events that are not the first turn of a conversation, 0..1.
    """

    gap: float
    busy: float
    talk: float


@dataclass(frozen=True)
class Carried:
    """Which accounts of a campaign carry which values of one trace.

    Attributes:
        account: place of the account among those with the trace; pairs are distinct.
        number: place of the value in `values`.
        values: distinct values under a key, ascending.
        benign: benign accounts that carry each value.
        accounts: accounts of the campaign with any value of the trace.
    """

    account: Ints
    number: Ints
    values: U64s
    benign: Ints
    accounts: int


@dataclass(frozen=True)
class Traces:
    """What one campaign shows.

    Attributes:
        accounts: its accounts.
        benign: benign accounts that the values were counted among.
        carried: by trace; a trace that no account has, or that was not given, is missing.
        pace: None without events.
        keys: names of the keys, `log` and `own`.
    """

    accounts: int
    benign: int
    carried: dict[Trace, Carried]
    pace: Pace | None = None
    keys: dict[str, str] = field(default_factory=dict)


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A campaign of which a person has said who ran it; a line of the folder of known operators.

    Attributes:
        operator: whose it was, as the person calls it.
        campaign: its id in the result.
        by: who says so.
        time: when.
        note: why, in the person's words.
        accounts: its size.
        keys: names of the keys that values are under, `log` and `own`.
        values: by trace, in hexadecimal, ascending.
        pace: how it worked.
    """

    operator: str
    campaign: str
    by: str
    time: datetime
    note: str
    accounts: int
    keys: dict[str, str]
    values: dict[Trace, list[str]]
    pace: Pace | None = None


MOST_VALUES: Final = 2_000
"""Values of a trace in a record: those of most accounts."""
FEWEST: Final = 2
"""Accounts that must carry a value of the events, or it may be one person's prompt."""


def record(
    traces: Traces, *, operator: str, campaign: str, by: str, time: datetime, note: str = ""
) -> Record:
    """Return what is kept of a campaign whose operator a person named.

    Values that one benign account in a hundred carries are left out, and of the events those that
    only one account carries.
    """
    return Record(
        operator=operator,
        campaign=campaign,
        by=by,
        time=time,
        note=note,
        accounts=traces.accounts,
        keys=traces.keys,
        values={trace: _kept(trace, found, traces.benign) for trace, found in _sorted(traces)},
        pace=traces.pace,
    )


def rarity(benign: Ints, accounts: int) -> NDArray[np.float64]:
    """Return how much values say: 1 where no benign account carries one, 0 from one in 100 on.

    Args:
        benign: benign accounts that carry each value.
        accounts: all benign accounts.

    >>> rarity(np.array([0, 5, 50]), 5000).round(2).tolist()
    [1.0, 0.54, 0.0]
    """
    limit = np.log1p(max(POPULAR * accounts, 1.0))
    return np.asarray(np.clip(1 - np.log1p(benign) / limit, 0.0, 1.0))


POPULAR: Final = 0.01
"""Share of benign accounts from which on a value says nothing."""


def _sorted(traces: Traces) -> list[tuple[Trace, Carried]]:
    return sorted(traces.carried.items())


def _kept(trace: Trace, found: Carried, benign: int) -> list[str]:
    members = np.bincount(found.number, minlength=found.values.size)
    least = FEWEST if trace in OF_EVENTS else 1
    there = np.flatnonzero((members >= least) & (rarity(found.benign, benign) > 0))
    most = there[np.argsort(-members[there], kind="stable")][:MOST_VALUES]
    return [f"{value:016x}" for value in np.sort(found.values[most]).tolist()]
