"""Which accounts may be matched and asked about: those of a member's own campaigns of two kinds."""

from collections.abc import Collection, Iterable, Iterator
from typing import Final, NamedTuple

from stillwatch.detect.results import Campaign
from stillwatch.errors import InputError
from stillwatch.events.contracts import Kind
from stillwatch.share.blind.identifiers import canonical

MATCHED_KINDS: Final = frozenset({Kind.EXTRACTION, Kind.RELAY})
"""Kinds of campaign whose accounts may be matched; a class or a company is nobody's business."""


class CampaignAccount(NamedTuple):
    """An account of a campaign."""

    account_id: str
    campaign_id: str
    kind: Kind


class Identifier(NamedTuple):
    """An identifier of an account, as the provider has it; `kind` is an `IdentifierKind`."""

    account_id: str
    kind: str
    value: str
    region: str | None = None

    def __repr__(self) -> str:
        return f"Identifier({self.account_id!r}, {self.kind!r})"


class Candidate(NamedTuple):
    """An identifier that may be asked about, in its canonical form; stays with the member."""

    campaign_id: str
    account_id: str
    identifier: bytes

    def __repr__(self) -> str:
        return f"Candidate({self.campaign_id!r}, {self.account_id!r})"


class Eligible(tuple[Candidate, ...]):
    """Candidates, one for each identifier, sorted by it; only `eligible` makes them.

    Texts of these types leave the identifier out, so that it gets into no log.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Eligible({len(self)} identifiers)"


def campaign_accounts(campaigns: Iterable[Campaign]) -> Iterator[CampaignAccount]:
    """The rows of a scan's campaigns, of every kind.

    Args:
        campaigns: `ScanResult.campaigns`.
    """
    for campaign in campaigns:
        for account_id in campaign.accounts:
            yield CampaignAccount(account_id, campaign.campaign_id, campaign.kind)


def eligible(
    accounts: Iterable[CampaignAccount],
    identifiers: Iterable[Identifier],
    *,
    without: Collection[str] = (),
) -> Eligible:
    """Choose what may be asked and published, and refuse the rest.

    Two accounts with one identifier make one candidate, of the account that sorts first.

    Args:
        accounts: With their campaign and its kind, from `campaign_accounts`.
        identifiers: Of these accounts and of no others.
        without: Accounts left out all the same: exempt ones, and those of campaigns that a person
            dismissed.

    Raises:
        InputError: An identifier is of an account that is in no extraction or relay campaign, or
            is none of its kind. Nothing is left out silently.
    """
    campaign_of = {
        row.account_id: row.campaign_id
        for row in sorted(accounts, reverse=True)
        if row.kind in MATCHED_KINDS and row.account_id not in without
    }
    chosen: dict[bytes, Candidate] = {}
    refused = set()
    for row in sorted(identifiers, key=lambda row: row[:3]):
        if row.account_id not in campaign_of:
            refused.add(row.account_id)
            continue
        form = canonical(row.kind, row.value, region=row.region)
        candidate = Candidate(campaign_of[row.account_id], row.account_id, form)
        chosen.setdefault(form, candidate)
    if refused:
        raise InputError(
            f"{len(refused)} accounts are in no extraction or relay campaign, or are left out: "
            "give the identifiers of campaign accounts only."
        )
    return Eligible(chosen[form] for form in sorted(chosen))
