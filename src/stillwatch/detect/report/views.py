"""What the templates are given: results turned into the sentences and pictures of the page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.detect import wording
from stillwatch.detect.compare import CampaignChange, Change, Comparison
from stillwatch.detect.report import charts
from stillwatch.detect.results import (
    Alternative,
    Campaign,
    Enrichment,
    Evidence,
    Indicator,
    ScanResult,
    Value,
)
from stillwatch.events.contracts import VERDICT_ORDER, Kind

MEMBERS_SHOWN: Final = 12
FEATURES_SHOWN: Final = 12
INDICATORS_SHOWN: Final = 12
OTHERS_SHOWN: Final = 30
"""Groups that need no decision and get a card; more are rows of a table."""
TELLING: Final = 0.5
"""Above this p-value nothing speaks against an explanation, so nothing is named."""

STANDS_OUT: Final = 0.05
"""Largest p-value at which the members of an unknown group count as unlike others."""


@dataclass(frozen=True)
class Member:
    """One row of the sample of members."""

    account_id: str
    risk: float
    verdict: str
    reasons: Sequence[str]


@dataclass(frozen=True)
class CampaignView:
    """One campaign as the page shows it."""

    anchor: str
    """The id of its section in the page, which its name may not be fit to be."""
    campaign: Campaign
    evidence: Evidence
    observed: Sequence[str]
    inferred: Sequence[str]
    unsure: Sequence[str]
    enrichments: Sequence[Enrichment]
    indicators: Sequence[Indicator]
    alternatives: Sequence[Alternative]
    verdicts: Sequence[tuple[str, int]]
    members: Sequence[Member]
    spark: str
    timeline: charts.Timeline | None
    network: charts.Network | None
    change: CampaignChange | None

    @property
    def one_kind(self) -> str:
        """The kind's name in the singular."""
        return wording.KIND_NAMES[self.campaign.kind][0]

    @property
    def hidden_features(self) -> int:
        """How many enriched features the page leaves out."""
        return len(self.evidence.enrichments) - len(self.enrichments)


@dataclass(frozen=True)
class PageView:
    """The page as a whole."""

    result: ScanResult
    title: str
    traffic: str
    also: Sequence[str]
    full: Sequence[CampaignView]
    other: Sequence[CampaignView]
    listed: Sequence[Campaign]
    """Further groups that need no decision, without a card."""
    figures: Sequence[tuple[str, str, str]]
    """Label, figure, note."""
    change_counts: str | None
    comparison: Comparison | None


def page(result: ScanResult, comparison: Comparison | None) -> PageView:
    """Everything on the page, gravest and largest campaigns first."""
    kinds = list(wording.KIND_NAMES)
    ordered = sorted(result.campaigns, key=lambda c: (kinds.index(c.kind), -c.size, c.campaign_id))
    changes = {c.campaign_id: c for c in comparison.changes} if comparison else {}
    full = [campaign for campaign in ordered if _full(campaign, result)]
    rest = sorted(
        (campaign for campaign in ordered if not _full(campaign, result)), key=lambda c: -c.size
    )
    shown = [
        _campaign(f"campaign-{number}", campaign, result, changes)
        for number, campaign in enumerate([*full, *rest[:OTHERS_SHOWN]], start=1)
    ]
    grave = [campaign for campaign in ordered if campaign.kind in wording.GRAVE_KINDS]
    summary = result.summary
    return PageView(
        result=result,
        title=(f"{wording.kind_counts(grave) or 'No extraction campaign or relay pool'} found"),
        also=_also(ordered),
        traffic=(
            f"{wording.count(summary.events, 'event')} of"
            f" {wording.count(summary.accounts, 'account')},"
            f" {wording.span(summary.first_seen, summary.last_seen)}"
        ),
        full=shown[: len(full)],
        other=shown[len(full) :],
        listed=rest[OTHERS_SHOWN:],
        figures=_figures(grave, result),
        change_counts=_change_counts(comparison) if comparison else None,
        comparison=comparison,
    )


def _full(campaign: Campaign, result: ScanResult) -> bool:
    """A full section for what a person should look at: unknown groups only where they stand out."""
    stands_out = result.evidence[campaign.campaign_id].unusual_p <= STANDS_OUT
    return campaign.kind in wording.GRAVE_KINDS or (campaign.kind is Kind.UNKNOWN and stands_out)


def _also(campaigns: Sequence[Campaign]) -> list[str]:
    """Sentences on what else was found."""
    unknown = wording.kind_counts([c for c in campaigns if c.kind is Kind.UNKNOWN])
    benign = wording.kind_counts(
        [c for c in campaigns if c.kind not in (*wording.GRAVE_KINDS, Kind.UNKNOWN)]
    )
    return [f"Also {unknown}."] * bool(unknown) + [
        f"Also coordinated, with no claim of extraction: {benign}."
    ] * bool(benign)


def _campaign(
    anchor: str,
    campaign: Campaign,
    result: ScanResult,
    changes: Mapping[str | None, CampaignChange],
) -> CampaignView:
    evidence = result.evidence[campaign.campaign_id]
    rows = result.accounts.filter(pc.equal(result.accounts["campaign_id"], campaign.campaign_id))
    summary = result.summary
    full = _full(campaign, result)
    return CampaignView(
        anchor=anchor,
        campaign=campaign,
        evidence=evidence,
        observed=_observed(campaign, evidence),
        inferred=_inferred(campaign, evidence),
        unsure=_unsure(evidence),
        enrichments=sorted(evidence.enrichments, key=lambda e: e.log10_p)[:FEATURES_SHOWN],
        indicators=campaign.indicators[:INDICATORS_SHOWN],
        alternatives=sorted(evidence.alternatives, key=lambda a: (a.rejected, -a.p_value)),
        verdicts=_verdicts(rows),
        members=_members(rows),
        spark=charts.sparkline(evidence, summary.first_seen, summary.last_seen),
        timeline=charts.timeline(evidence) if full else None,
        network=charts.network(evidence.graph) if full else None,
        change=changes.get(campaign.campaign_id),
    )


def _observed(campaign: Campaign, evidence: Evidence) -> list[str]:
    days = max(1.0, (campaign.last_seen - campaign.first_seen) / timedelta(days=1))
    rate = campaign.events / campaign.size / days
    tokens = (
        f"{wording.quantity(evidence.input_tokens)} tokens in,"
        f" {wording.quantity(evidence.output_tokens)} tokens out."
    )
    facts = [
        f"{wording.count(campaign.events, 'event')}, {wording.rate(rate)} per account and day.",
        *campaign.reasons,
    ]
    return [*facts, tokens] if evidence.input_tokens or evidence.output_tokens else facts


def _inferred(campaign: Campaign, evidence: Evidence) -> list[str]:
    tests = sum(enrichment.held_out for enrichment in evidence.enrichments)
    together = "The accounts act as one."
    if tests:
        together = (
            f"The accounts act as one: {wording.count(tests, 'feature')} that took no part in"
            f" forming the group {'is' if tests == 1 else 'are'} far more common in it than in"
            " the rest of the traffic."
        )
    rejected = [a.what or wording.a_kind(a.kind) for a in evidence.alternatives if a.rejected]
    open_ = [a.what or wording.a_kind(a.kind) for a in evidence.alternatives if not a.rejected]
    left = f"what is not ruled out is {wording.choice(open_)}."
    if campaign.kind is Kind.UNKNOWN:
        kind = f"No kind is named: {left}"
        if not open_:
            kind = (
                "No kind is named: every benign explanation is ruled out, but less surely than it"
                " takes where so many groups are asked."
            )
    elif rejected and campaign.kind is Kind.EXTRACTION:
        kind = f"It is {wording.a_kind(campaign.kind)}; it is not {wording.choice(rejected)}."
    else:
        kind = f"Extraction is not asserted: {left}"
    return [together, kind, *_aim(campaign)]


def _aim(campaign: Campaign) -> list[str]:
    if not campaign.objective:
        return []
    share = next((s.share for s in campaign.carries if s.objective == campaign.objective), 0.0)
    asked = f"{wording.percent(share)} of them ask for it"
    return [f"What sets its requests apart from all traffic is {campaign.objective}: {asked}."]


def _unsure(evidence: Evidence) -> list[str]:
    open_ = [a for a in evidence.alternatives if not a.rejected]
    doubts = [
        f"{wording.sentence(a.what or wording.a_kind(a.kind)).rstrip('.')}: not ruled out"
        f" (p\u00a0{wording.probability(a.p_value)})."
        + (f" What speaks most against it: {a.why}." if a.p_value < TELLING else "")
        for a in open_
    ]
    doubts += evidence.doubts
    if evidence.untested_members:
        many = wording.count(evidence.untested_members, "member")
        doubts.append(f"{many} joined after the test, by matching its features: not tested.")
    return doubts


def _verdicts(rows: pa.Table) -> list[tuple[str, int]]:
    found = {
        item["values"]: item["counts"] for item in pc.value_counts(rows["verdict"]).to_pylist()
    }
    return [(str(v), found[v]) for v in reversed(VERDICT_ORDER) if v in found]


def _members(rows: pa.Table) -> list[Member]:
    ranked = rows.sort_by([("risk", "descending"), ("account_id", "ascending")])
    return [
        Member(row["account_id"], row["risk"], row["verdict"], row["reasons"])
        for row in ranked.slice(0, MEMBERS_SHOWN).to_pylist()
    ]


def _figures(grave: Sequence[Campaign], result: ScanResult) -> list[tuple[str, str, str]]:
    if not grave:
        return []
    summary = result.summary
    accounts = sum(campaign.size for campaign in grave)
    events = sum(campaign.events for campaign in grave)
    tokens = sum(result.evidence[c.campaign_id].output_tokens for c in grave)
    figures = [
        ("accounts", f"{accounts:,}", f"{wording.percent(accounts / summary.accounts)} of all"),
        ("events", wording.quantity(events), f"{wording.percent(events / summary.events)} of all"),
        ("tokens taken", wording.quantity(tokens), "output of the models"),
    ]
    values = [campaign.value for campaign in grave if campaign.value]
    if len({value.currency for value in values}) == 1:
        low, high = sum(value.low for value in values), sum(value.high for value in values)
        total = Value(low, high, values[0].currency)
        figures.append(("value", wording.money(total), "at the price table given"))
    return figures


def _change_counts(comparison: Comparison) -> str:
    counts = {change: sum(c.change is change for c in comparison.changes) for change in Change}
    return wording.listing([f"{n} {change}" for change, n in counts.items() if n]) or "nothing"
