"""What a watch says of an analysis: each campaign once, each kind of it once, each new verdict.

Lines are written to the state's outbox in the transaction that records the analysis, and given out
after it. A line that was given out when the process was killed may be given out again after the
restart, with the same number; none is lost.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
import pyarrow as pa

from stillwatch.detect.continuity import Known, follow
from stillwatch.detect.judgements import Judgement, apply_rulings, is_quiet, ruling
from stillwatch.detect.results import Campaign, Evidence
from stillwatch.detect.watch.database import guarded, transaction
from stillwatch.detect.watch.state import State
from stillwatch.events.contracts import Kind, Verdict

CAMPAIGNS: Final = "campaigns"
"""Channel of the outbox that goes to standard output."""
VERDICTS: Final = "verdicts"
"""Channel of the outbox that goes to `verdicts.jsonl`."""

Found = list[tuple[Campaign, Evidence]]


class Announcement(msgspec.Struct, frozen=True, omit_defaults=True):
    """A new campaign, or one that is of another kind or part of another now. It names no account.

    Attributes:
        number: Counts up over all lines of a state; the same line always has the same.
        time: When the analysis was done.
        what: `new`, `kind` or `merged`.
        campaign_id: The campaign.
        kind: Its kind.
        size: Its accounts.
        events: Their events in the window.
        first_seen: The first of these events.
        last_seen: The last of these events.
        q_coordination: As in `campaigns.json`.
        q_kind: As in `campaigns.json`.
        objective: As in `campaigns.json`.
        reasons: The first reasons of `campaigns.json`.
        into: The campaign that it merged into.
    """

    number: int
    time: datetime
    what: str
    campaign_id: str
    kind: Kind | None = None
    size: int = 0
    events: int = 0
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    q_coordination: float = 1.0
    q_kind: float = 1.0
    objective: str | None = None
    reasons: list[str] = []
    into: str | None = None


class VerdictChange(msgspec.Struct, frozen=True):
    """A verdict that an account did not have before; a line of `verdicts.jsonl`."""

    number: int
    time: datetime
    account_id: str
    verdict: Verdict
    campaign_id: str | None


class Naming:
    """Gives the campaigns of an analysis their stable ids and the kinds that people gave them."""

    def __init__(self, state: State, judgements: Sequence[Judgement]) -> None:
        self._state = state
        self._judgements = judgements
        self.merged: dict[str, str] = {}

    def __call__(self, found: Found) -> Found:
        """Rename campaigns; see `continuity.follow`."""
        known = known_campaigns(self._state)
        who = follow(
            [campaign.accounts for campaign, _ in found],
            [campaign.campaign_id for campaign, _ in found],
            known,
        )
        self.merged = who.merged
        replace = msgspec.structs.replace
        named = [
            (replace(campaign, campaign_id=name), replace(evidence, campaign_id=name))
            for (campaign, evidence), name in zip(found, who.ids, strict=True)
        ]
        return apply_rulings(named, self._judgements)


def known_campaigns(state: State) -> list[Known]:
    """Return every campaign that has an id, the oldest first."""
    members: dict[str, set[str]] = {}
    with guarded(state.path):
        for name, account in state.db.execute("SELECT campaign_id, account_id FROM members"):
            members.setdefault(name, set()).add(account)
        rows = state.db.execute("SELECT campaign_id, merged_into FROM campaigns ORDER BY number")
        return [
            Known(name, frozenset(members.get(name, ())), merged=into is not None)
            for name, into in rows
        ]


def record(
    state: State,
    campaigns: Sequence[Campaign],
    merged: dict[str, str],
    accounts: pa.Table,
    judgements: Sequence[Judgement],
    *,
    now: datetime,
) -> None:
    """Record an analysis and what is to be announced of it, all of it or nothing.

    Args:
        state: The state.
        campaigns: Named campaigns of the analysis.
        merged: Ids that ended, with the id that each merged into.
        accounts: `ACCOUNT_RESULTS`.
        judgements: People's decisions.
        now: When it was done.
    """
    with guarded(state.path), transaction(state.db):
        for campaign in campaigns:
            quiet = is_quiet(ruling(campaign.campaign_id, campaign.accounts, judgements))
            _record_campaign(state, campaign, now, quiet=quiet)
        for name, into in merged.items():
            state.db.execute(
                "UPDATE campaigns SET merged_into = ? WHERE campaign_id = ?", (into, name)
            )
            if _announced(state, name):
                _announce(state, now, what="merged", campaign_id=name, into=into)
        _record_verdicts(state, accounts, now)


def _record_campaign(state: State, campaign: Campaign, now: datetime, *, quiet: bool) -> None:
    name, kinds = campaign.campaign_id, _announced(state, campaign.campaign_id)
    state.db.execute(
        "INSERT INTO campaigns (campaign_id, announced) VALUES (?, '') "
        "ON CONFLICT (campaign_id) DO UPDATE SET merged_into = NULL",
        (name,),
    )
    state.db.execute("DELETE FROM members WHERE campaign_id = ?", (name,))
    state.db.executemany(
        "INSERT INTO members VALUES (?, ?)", [(name, account) for account in campaign.accounts]
    )
    if quiet or campaign.kind in kinds:
        return
    _announce(
        state,
        now,
        what="kind" if kinds else "new",
        campaign_id=name,
        kind=campaign.kind,
        size=campaign.size,
        events=campaign.events,
        first_seen=campaign.first_seen,
        last_seen=campaign.last_seen,
        q_coordination=campaign.q_coordination,
        q_kind=campaign.q_kind,
        objective=campaign.objective,
        reasons=campaign.reasons[:4],
    )
    state.db.execute(
        "UPDATE campaigns SET announced = ? WHERE campaign_id = ?",
        (" ".join([*kinds, campaign.kind]), name),
    )


def _announced(state: State, name: str) -> list[str]:
    """Return the kinds under which a campaign was announced, the first one first."""
    row = state.db.execute(
        "SELECT announced FROM campaigns WHERE campaign_id = ?", (name,)
    ).fetchone()
    return row[0].split() if row else []


def _announce(state: State, now: datetime, **said: Any) -> None:
    number = _next(state)
    _post(state, CAMPAIGNS, Announcement(number=number, time=now, **said))


def _record_verdicts(state: State, accounts: pa.Table, now: datetime) -> None:
    """Note each verdict that is not the one before; who is not in the window is allowed again."""
    before = {
        name: (verdict, campaign)
        for name, verdict, campaign in state.db.execute("SELECT * FROM verdicts")
    }
    columns = (accounts[name].to_pylist() for name in ("account_id", "verdict", "campaign_id"))
    told = {
        name: (verdict, campaign)
        for name, verdict, campaign in zip(*columns, strict=True)
        if verdict != Verdict.ALLOW
    }
    for name in sorted({*before, *told}):
        now_is = told.get(name)
        if now_is == before.get(name):
            continue
        verdict, campaign = now_is or (str(Verdict.ALLOW), None)
        change = VerdictChange(_next(state), now, name, Verdict(verdict), campaign)
        _post(state, VERDICTS, change)
    state.db.execute("DELETE FROM verdicts")
    state.db.executemany(
        "INSERT INTO verdicts VALUES (?, ?, ?)", [(name, *said) for name, said in told.items()]
    )


def _next(state: State) -> int:
    """Return the number that the outbox gives its next line."""
    row = state.db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").fetchone()
    return int(row[0]) + 1 if row else 1


def _post(state: State, channel: str, line: msgspec.Struct) -> None:
    state.db.execute(
        "INSERT INTO outbox (channel, line) VALUES (?, ?)",
        (channel, msgspec.json.encode(line).decode()),
    )


def waiting(state: State, channel: str) -> list[tuple[int, str]]:
    """Return the lines of a channel that were not given out, with their numbers."""
    with guarded(state.path):
        return list(
            state.db.execute(
                "SELECT number, line FROM outbox WHERE channel = ? ORDER BY number", (channel,)
            )
        )


def given_out(state: State, numbers: Iterable[int]) -> None:
    """Take lines out of the outbox."""
    with guarded(state.path), transaction(state.db):
        state.db.executemany("DELETE FROM outbox WHERE number = ?", [(n,) for n in numbers])
