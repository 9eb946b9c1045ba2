"""People's decisions on campaigns and accounts: append-only, and what they change.

A judgement names a campaign or an account. That of a campaign holds the members it had, so that it
follows them when they come back under another id:

| decision | campaign | account |
|---|---|---|
| `confirm` | keeps its kind | counts as an attack |
| `dismiss` | stays quiet while most of its members were dismissed | counts as benign, `allow` |
| `relabel` | has the kind that the person names | |
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.detect import wording
from stillwatch.detect.results import Campaign, Evidence, ScanResult
from stillwatch.errors import InputError
from stillwatch.events.contracts import Kind, Verdict

MOSTLY: Final = 0.5
"""A campaign is the one that was judged where more than this share of its members was judged."""

_ATTACKS: Final = frozenset({Kind.EXTRACTION, Kind.RELAY})


class Decision(StrEnum):
    """What a person says."""

    CONFIRM = "confirm"
    DISMISS = "dismiss"
    RELABEL = "relabel"


class Judgement(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One line of `judgements.jsonl`: who decided what of whom, and when.

    Exactly one of `account_id` and `campaign_id` names the subject. `accounts` are the members that
    the campaign had, `kind` is its kind after the decision.
    """

    time: datetime
    by: str
    decision: Decision
    account_id: str | None = None
    campaign_id: str | None = None
    kind: Kind | None = None
    accounts: list[str] = []
    note: str = ""

    def __post_init__(self) -> None:
        if (self.account_id is None) == (self.campaign_id is None):
            raise ValueError("a judgement names either account_id or campaign_id")

    @property
    def words(self) -> str:
        """The decision for a person, as in "dismissed by Ada on 3 Mar 2026"."""
        done = {Decision.CONFIRM: "confirmed", Decision.DISMISS: "dismissed"}.get(
            self.decision, f"named {wording.a_kind(self.kind)}" if self.kind else ""
        )
        note = f": {self.note}" if self.note else ""
        return f"{done} by {self.by} on {wording.day(self.time)}{note}"


def judge(
    result: ScanResult,
    subject: str,
    decision: Decision,
    *,
    kind: Kind | None,
    by: str,
    time: datetime,
    note: str,
) -> Judgement:
    """Return the judgement of a campaign as it stands in a result, or of an account.

    Raises:
        InputError: There is no such campaign or account, or the kind does not go with the decision.
    """
    if (decision is Decision.RELABEL) != (kind is not None):
        raise InputError("relabel needs --kind, and only relabel takes it")
    for campaign in result.campaigns:
        if campaign.campaign_id == subject:
            return Judgement(
                time=time,
                by=by,
                decision=decision,
                campaign_id=subject,
                kind=kind or campaign.kind,
                accounts=list(campaign.accounts),
                note=note,
            )
    if not pc.any(pc.equal(result.accounts["account_id"], subject)).as_py():
        raise InputError(f"{subject} is no campaign and no account of this result")
    if decision is Decision.RELABEL:
        raise InputError(f"{subject} is an account: confirm or dismiss it, or relabel its campaign")
    return Judgement(time=time, by=by, decision=decision, account_id=subject, note=note)


def of_accounts(judgements: Sequence[Judgement]) -> dict[str, Literal["benign", "attack"]]:
    """Return what people decided of accounts; a later judgement overrules an earlier one."""
    decided: dict[str, Literal["benign", "attack"]] = {}
    for judgement in judgements:
        said = _said(judgement)
        for account in _subjects(judgement):
            decided.pop(account, None)
            if said is not None:
                decided[account] = said
    return decided


def _subjects(judgement: Judgement) -> list[str]:
    return judgement.accounts if judgement.account_id is None else [judgement.account_id]


def _said(judgement: Judgement) -> Literal["benign", "attack"] | None:
    if judgement.decision is Decision.DISMISS:
        return "benign"
    if judgement.account_id is not None or judgement.kind in _ATTACKS:
        return "attack"
    return None if judgement.kind is Kind.UNKNOWN else "benign"


def ruling(
    campaign_id: str, members: Collection[str], judgements: Sequence[Judgement]
) -> Judgement | None:
    """Return the last judgement that holds for a campaign, or None."""
    for judgement in reversed(judgements):
        if judgement.campaign_id is None:
            continue
        same = _mostly(members, judgement.accounts)
        if judgement.campaign_id == campaign_id and judgement.decision is not Decision.DISMISS:
            same = True
        if same:
            return judgement
    return None


def _mostly(members: Collection[str], judged: Collection[str]) -> bool:
    return len(set(members) & set(judged)) > MOSTLY * len(members)


def is_quiet(rule: Judgement | None) -> bool:
    """Whether a campaign was dismissed."""
    return rule is not None and rule.decision is Decision.DISMISS


def apply_rulings(
    found: Sequence[tuple[Campaign, Evidence]], judgements: Sequence[Judgement]
) -> list[tuple[Campaign, Evidence]]:
    """Give campaigns the kind that a person gave them, and say so first among their reasons."""
    ruled = []
    for campaign, evidence in found:
        rule = ruling(campaign.campaign_id, campaign.accounts, judgements)
        if rule is not None:
            kind = campaign.kind if is_quiet(rule) else rule.kind or campaign.kind
            said = msgspec.structs.replace(
                campaign, kind=kind, reasons=[rule.words, *campaign.reasons]
            )
            ruled.append((said, evidence))
        else:
            ruled.append((campaign, evidence))
    return ruled


def calm(
    accounts: pa.Table, campaigns: Sequence[Campaign], judgements: Sequence[Judgement]
) -> pa.Table:
    """Propose `allow` for what people dismissed: accounts, and members of campaigns.

    Args:
        accounts: `ACCOUNT_RESULTS`.
        campaigns: campaigns of the same result.
        judgements: all judgements, the earliest first.
    """
    why: dict[str, str] = {}
    for campaign in campaigns:
        rule = ruling(campaign.campaign_id, campaign.accounts, judgements)
        if rule is not None and is_quiet(rule):
            why |= dict.fromkeys(campaign.accounts, f"its campaign was {rule.words}")
    for judgement in judgements:
        if judgement.account_id is not None:
            why.pop(judgement.account_id, None)
            if judgement.decision is Decision.DISMISS:
                why[judgement.account_id] = judgement.words
    return _allowed(accounts, why) if why else accounts


def _allowed(accounts: pa.Table, why: Mapping[str, str]) -> pa.Table:
    rows = accounts.to_pylist()
    for row in rows:
        if (said := why.get(row["account_id"])) is not None:
            row["verdict"] = str(Verdict.ALLOW)
            row["reasons"] = [said, *row["reasons"]]
    return pa.Table.from_pylist(rows, schema=accounts.schema)
