"""The evidence for and against one account, from a result."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.detect import wording
from stillwatch.detect.results import Campaign, Enrichment, Evidence, ScanResult
from stillwatch.errors import InputError
from stillwatch.events.contracts import Kind

P_PREFIX: Final = "p_"
"""A profile column `p_<signal>` holds that signal's p-value; null where it does not apply."""
ENRICHED: Final = "enriched_features"
"""Optional profile column list<string>: labels of its campaign's enriched features it carries."""
UNUSUAL: Final = 0.01
"""A signal's p-value at or below this is called unusual: one benign account in a hundred."""

ORDINARY: Final = 0.1
"""From this p-value on a signal speaks against; between the two it says nothing either way."""


class Finding(msgspec.Struct, frozen=True):
    """One signal's p-value for the account: the share of benign accounts at least as extreme."""

    signal: str
    p_value: float


class Feature(msgspec.Struct, frozen=True):
    """An enriched feature of the campaign; `carried` is null where the profile does not say."""

    family: str
    label: str
    member_share: float
    population_share: float
    held_out: bool
    carried: bool | None


class Explanation(msgspec.Struct, frozen=True):
    """What is known of one account, sorted into for, against and missing.

    `evidence_for` and `evidence_against` are sentences about the claim that the account takes part
    in a coordinated campaign. `risk` is 0..1, higher is worse.
    """

    account_id: str
    risk: float
    p_value: float
    verdict: str
    reasons: list[str]
    events: int | None
    first_seen: datetime | None
    last_seen: datetime | None
    campaign_id: str | None
    kind: Kind | None
    features: list[Feature]
    unusual: list[Finding]
    ordinary: list[Finding]
    evidence_for: list[str]
    evidence_against: list[str]
    missing: list[str]


def explain(result: ScanResult, account_id: str) -> Explanation:
    """Collect what a result says of one account.

    Raises:
        InputError: The account is not in the result.
    """
    row = _row(result.accounts, account_id)
    if row is None:
        if any(account_id == campaign.campaign_id for campaign in result.campaigns):
            raise InputError(
                f"{account_id} is a campaign, not an account; report.html shows it, and"
                " campaigns.json lists its accounts."
            )
        raise InputError(
            f"No account is called {account_id!r} in this result; give an account_id of"
            " accounts.parquet."
        )
    profile = _row(result.profiles, account_id) or {}
    campaign = result.campaign(row["campaign_id"]) if row["campaign_id"] else None
    evidence = result.evidence.get(campaign.campaign_id) if campaign else None
    findings = sorted(
        (
            Finding(name.removeprefix(P_PREFIX), value)
            for name, value in profile.items()
            if name.startswith(P_PREFIX) and value is not None
        ),
        key=lambda finding: (finding.p_value, finding.signal),
    )
    unusual = [finding for finding in findings if finding.p_value <= UNUSUAL]
    ordinary = [finding for finding in findings if finding.p_value > UNUSUAL]
    features = (
        [_feature(e, profile.get(ENRICHED)) for e in evidence.enrichments] if evidence else []
    )
    return Explanation(
        account_id=account_id,
        risk=row["risk"],
        p_value=row["p_value"],
        verdict=row["verdict"],
        reasons=row["reasons"],
        events=profile.get("events"),
        first_seen=profile.get("first_seen"),
        last_seen=profile.get("last_seen"),
        campaign_id=campaign.campaign_id if campaign else None,
        kind=campaign.kind if campaign else None,
        features=features,
        unusual=unusual,
        ordinary=ordinary,
        evidence_for=_for(campaign, features, unusual),
        evidence_against=_against(campaign, evidence, features, ordinary),
        missing=_missing(result, profile, features),
    )


def _row(table: pa.Table, account_id: str) -> dict[str, Any] | None:
    rows: list[dict[str, Any]] = table.filter(pc.equal(table["account_id"], account_id)).to_pylist()
    return rows[0] if rows else None


def _feature(enrichment: Enrichment, carried: list[str] | None) -> Feature:
    return Feature(
        family=enrichment.family,
        label=enrichment.label,
        member_share=enrichment.member_share,
        population_share=enrichment.population_share,
        held_out=enrichment.held_out,
        carried=None if carried is None else enrichment.label in carried,
    )


def _for(campaign: Campaign | None, features: list[Feature], unusual: list[Finding]) -> list[str]:
    lines = []
    if campaign:
        lines.append(
            f"Member of {campaign.campaign_id}, {wording.a_kind(campaign.kind)} of"
            f" {wording.count(campaign.size, 'account')}: coordination"
            f" {wording.sure(campaign.q_coordination)}, {wording.kind_claim(campaign)}."
        )
    lines += [
        f"Carries {feature.label}, as do"
        f" {wording.percent(feature.member_share)} of members and"
        f" {wording.percent(feature.population_share)} of all accounts."
        for feature in features
        if feature.carried
    ]
    return lines + [
        f"{finding.signal}: unusual, p {wording.probability(finding.p_value)}."
        for finding in unusual
    ]


def _against(
    campaign: Campaign | None,
    evidence: Evidence | None,
    features: list[Feature],
    ordinary: list[Finding],
) -> list[str]:
    lines = [] if campaign else ["In no campaign."]
    lines += [
        f"Lacks {feature.label}, which {wording.percent(feature.member_share)} of members carry."
        for feature in features
        if feature.carried is False
    ]
    if evidence:
        lines += [
            f"{wording.sentence(a.what or wording.a_kind(a.kind))[:-1]}: not ruled out as what the"
            f" campaign is (p {wording.probability(a.p_value)})."
            for a in evidence.alternatives
            if not a.rejected
        ]
    return lines + [
        f"{finding.signal}: ordinary, p {wording.probability(finding.p_value)}."
        for finding in ordinary
        if finding.p_value >= ORDINARY
    ]


def _missing(result: ScanResult, profile: Mapping[str, Any], features: list[Feature]) -> list[str]:
    lines = [] if profile else ["The account has no profile."]
    lines += [
        f"{name.removeprefix(P_PREFIX)}: does not apply to this account."
        for name, value in profile.items()
        if name.startswith(P_PREFIX) and value is None
    ]
    lines += [
        f"{signal.name}: off, {signal.why}." for signal in result.summary.signals if not signal.on
    ]
    if any(feature.carried is None for feature in features):
        lines.append("Which of the campaign's features this account carries is not recorded.")
    return lines
