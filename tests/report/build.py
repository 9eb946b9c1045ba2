"""Results made by hand, realistic enough to look at: five campaigns of five kinds, and none."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa

from stillwatch.detect.results import (
    ACCOUNT_RESULTS,
    Alternative,
    Calibration,
    Campaign,
    Enrichment,
    Evidence,
    Graph,
    GraphNode,
    GrowthPoint,
    Indicator,
    RunSummary,
    ScanResult,
    Share,
    SignalStatus,
    Value,
)
from stillwatch.events.contracts import Kind
from stillwatch.events.schema import TIMESTAMP

START = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = 28
HOSTILE_ID = "acct-<script>alert('x')</script>\"&"
"""An account id that would run as a script in a report that does not escape."""

SIGNALS = ("volume", "template_reuse", "complexity", "automation", "elicitation", "sign_up_burst")

ENRICHMENTS = {
    Kind.EXTRACTION: [
        ("template", "Explain, step by step, the reasoning behind …", 0.91, 0.0021, -1840.2, True),
        ("markers", "asks for reasoning written out", 0.97, 0.058, -902.0, True),
        ("opening", "You are an expert in {…}. Given the answer …", 0.84, 0.0009, -1631.5, False),
        ("parameters", "temperature 0.7, max_tokens 8192, logprobs", 0.78, 0.011, -610.3, False),
        ("clock", "requests evenly over 24 hours", 0.66, 0.041, -214.8, True),
        ("payment", "card shared by 37 accounts", 0.21, 0.0004, -96.1, True),
        ("client", "python-httpx", 0.93, 0.17, -240.4, False),
    ],
    Kind.RELAY: [
        ("network", "one /24 in a hosting network", 0.74, 0.0031, -702.3, False),
        ("client", "Go-http-client", 0.98, 0.022, -655.0, False),
        ("end_user", "more than 50 end users per account", 0.69, 0.008, -330.9, True),
        ("languages", "seven scripts in one account", 0.52, 0.013, -141.2, True),
    ],
    Kind.SHARED_APP: [
        ("system", "system prompt 5be1…", 1.0, 0.019, -4120.0, False),
        ("client", "notesapp-ios", 0.99, 0.021, -3892.0, True),
        ("template", "Summarise these meeting notes: …", 0.88, 0.018, -2804.4, True),
    ],
    Kind.EVALUATION: [
        ("parameters", "temperature 0, choices 1", 0.99, 0.064, -61.2, False),
        ("template", "Answer with A, B, C or D only.", 0.96, 0.0033, -88.0, True),
        ("content", "prompts of a public test set", 0.71, 0.0002, -120.7, True),
    ],
    Kind.ORGANISATION: [
        ("network", "one /24", 0.82, 0.0011, -210.0, False),
        ("identity", "one e-mail domain", 1.0, 0.0009, -380.0, True),
    ],
}


ALTERNATIVES = {
    Kind.EXTRACTION: [
        ("shared-app", 3e-8, True, "no client or system prompt of an application"),
        ("relay", 2e-4, True, "one narrow objective; few end users per account"),
        ("evaluation", 0.0011, True, "prompts do not repeat between accounts"),
        ("organisation", 0.09, False, "22 members share one network; the rest does not"),
    ],
    Kind.RELAY: [
        ("extraction", 7e-4, True, "many objectives, none far above its usual share"),
        ("organisation", 0.004, True, "no shared e-mail domain; end users never meet"),
        ("shared-app", 0.06, False, "one client, but no common system prompt"),
    ],
    Kind.SHARED_APP: [
        ("extraction", 2e-6, True, "people at human pace; ordinary objectives"),
        ("relay", 1e-4, True, "one system prompt on every event"),
    ],
    Kind.EVALUATION: [
        ("extraction", 3e-4, True, "the same fixed prompts again and again"),
        ("organisation", 0.21, False, "all members belong to one organisation as well"),
    ],
    Kind.ORGANISATION: [
        ("extraction", 0.008, True, "tasks differ between members as anywhere"),
        ("shared-app", 0.11, False, "too few events with a system prompt"),
    ],
}


def build_result(seed: int = 7, scale: float = 1.0) -> ScanResult:
    """Five campaigns in 20,000 accounts; `scale` multiplies the sizes of the campaigns."""
    rng = np.random.default_rng(seed)
    sizes = {
        Kind.EXTRACTION: 412,
        Kind.RELAY: 168,
        Kind.SHARED_APP: 386,
        Kind.EVALUATION: 24,
        Kind.ORGANISATION: 55,
    }
    campaigns, evidence = [], {}
    used = 0
    for number, (kind, full_size) in enumerate(sizes.items(), start=1):
        size = max(3, int(full_size * scale))
        accounts = sorted(f"acct-{used + i:06d}" for i in range(size))
        if kind is Kind.EXTRACTION:
            accounts[0] = HOSTILE_ID
        used += size
        campaign = build_campaign(f"c{number:03d}", kind, sorted(accounts), rng)
        campaigns.append(campaign)
        evidence[campaign.campaign_id] = build_evidence(campaign, rng)
    return assemble(tuple(campaigns), evidence, max(20_000, used * 2), rng)


def build_empty(accounts: int = 300) -> ScanResult:
    """A result with no campaign."""
    return assemble((), {}, accounts, np.random.default_rng(1))


def build_campaign(
    campaign_id: str, kind: Kind, accounts: list[str], rng: np.random.Generator
) -> Campaign:
    size = len(accounts)
    events = int(size * rng.integers(60, 160))
    first = START + timedelta(days=int(rng.integers(1, 6)), hours=5, minutes=12)
    grave = kind in {Kind.EXTRACTION, Kind.RELAY}
    reasons = {
        Kind.EXTRACTION: [
            "374 of 412 accounts use variants of one template that 0.2 % of other accounts use.",
            "Answers are asked for with their reasoning written out, by 97 % of members.",
            "Half of the events moved to a new model within 24 hours of its first use.",
        ],
        Kind.RELAY: ["Each account carries the traffic of many end users in many languages."],
        Kind.SHARED_APP: ["One system prompt and one client; people at human pace behind them."],
        Kind.EVALUATION: ["Prompts are those of public test sets, asked at temperature 0."],
        Kind.ORGANISATION: ["One e-mail domain and one network; tasks differ between members."],
    }[kind]
    carries = {
        Kind.EXTRACTION: [Share("reasoning", 0.83), Share("coding", 0.17)],
        Kind.RELAY: [Share("general", 0.58), Share("coding", 0.27), Share("reasoning", 0.15)],
        Kind.EVALUATION: [Share("general", 1.0)],
    }.get(kind, [Share("general", 0.9), Share("rewriting", 0.1)])
    indicators = [
        Indicator(
            family=family,
            value="python-httpx" if family == "client" else f"{rng.integers(2**60):016x}",
            members=int(size * share),
            population=int(size * share) + int(20_000 * base),
        )
        for family, _, share, base, _, _ in ENRICHMENTS[kind]
    ]
    return Campaign(
        campaign_id=campaign_id,
        kind=kind,
        accounts=accounts,
        size=size,
        events=events,
        first_seen=first,
        last_seen=START + timedelta(days=DAYS - 1, hours=21, minutes=40),
        q_coordination={Kind.EVALUATION: 4e-6, Kind.ORGANISATION: 0.003}.get(kind, 1e-12),
        q_kind={Kind.EXTRACTION: 2.1e-7, Kind.RELAY: 0.012, Kind.ORGANISATION: 0.08}.get(
            kind, 4e-4
        ),
        objective="reasoning" if kind is Kind.EXTRACTION else None,
        carries=carries,
        value=Value(events * 0.021, events * 0.055, "USD") if grave else None,
        reasons=reasons,
        indicators=indicators,
    )


def build_evidence(campaign: Campaign, rng: np.random.Generator) -> Evidence:
    days = DAYS - 3
    activity = _activity(campaign.kind, days, campaign.events, rng)
    daily = activity.sum(axis=1)
    share = 1 / (1 + np.exp(-(np.arange(days) - days * 0.4) / 2.6))
    accounts = np.maximum(1, np.round(share / share[-1] * campaign.size)).astype(int)
    growth = [
        GrowthPoint(
            time=campaign.first_seen + timedelta(days=i),
            accounts=int(accounts[i]),
            events=int(daily[: i + 1].sum()),
        )
        for i in range(days)
    ]
    extraction = campaign.kind is Kind.EXTRACTION
    return Evidence(
        campaign_id=campaign.campaign_id,
        enrichments=[Enrichment(*row) for row in ENRICHMENTS[campaign.kind]],
        alternatives=[Alternative(*row) for row in ALTERNATIVES[campaign.kind]],
        growth=growth,
        activity_start=campaign.first_seen.replace(hour=0, minute=0),
        activity=activity.tolist(),
        graph=_graph(campaign, rng),
        input_tokens=campaign.events * 640,
        output_tokens=campaign.events * 1850,
        languages=[Share("Latin", 0.62), Share("Han", 0.31), Share("Cyrillic", 0.07)],
        doubts=[
            "Payment data is missing for 61 % of members.",
            "The log begins on the day on which the campaign does: it may be older.",
        ]
        if extraction
        else [],
        untested_members=38 if extraction else 0,
        exempt_members=24 if campaign.kind is Kind.EVALUATION else 0,
        unusual_p=1e-4 if campaign.kind in {Kind.EXTRACTION, Kind.RELAY} else 0.4,
    )


def assemble(
    campaigns: tuple[Campaign, ...],
    evidence: dict[str, Evidence],
    accounts: int,
    rng: np.random.Generator,
) -> ScanResult:
    home = {account: c for c in campaigns for account in c.accounts}
    ids = sorted([*home, *(f"user-{i:06d}" for i in range(accounts - len(home)))])
    rows = [_account_row(account, home.get(account), rng) for account in ids]
    events = rng.poisson(6, len(ids)) + 1
    profiles = {
        "account_id": ids,
        "events": events,
        "first_seen": pa.array([START] * len(ids), TIMESTAMP),
        "last_seen": pa.array([START + timedelta(days=DAYS)] * len(ids), TIMESTAMP),
    }
    for number, signal in enumerate(SIGNALS):
        p = rng.random(len(ids))
        for index, account in enumerate(ids):
            if account in home and number < 4:
                p[index] *= 1e-5
        profiles[f"p_{signal}"] = pa.array(p, mask=rng.random(len(ids)) < 0.1)
    profiles["enriched_features"] = pa.array(
        [_carried(home.get(account), rng) for account in ids], pa.list_(pa.string())
    )
    return ScanResult(
        accounts=pa.Table.from_pylist(rows, schema=ACCOUNT_RESULTS),
        profiles=pa.table(profiles),
        campaigns=campaigns,
        evidence=evidence,
        summary=_summary(len(ids), int(events.sum()) + sum(c.events for c in campaigns), campaigns),
    )


def _carried(home: Campaign | None, rng: np.random.Generator) -> list[str] | None:
    if home is None:
        return None
    return [label for _, label, share, *_ in ENRICHMENTS[home.kind] if rng.random() < share]


def _account_row(account: str, home: Campaign | None, rng: np.random.Generator) -> dict:
    verdict, reasons = "allow", []
    if home and home.kind is Kind.EXTRACTION:
        verdict = "block" if rng.random() < 0.8 else "challenge"
        reasons = ["member of an extraction campaign", "shares 5 enriched features"]
    elif home:
        verdict = "throttle" if home.kind is Kind.RELAY else "watch"
        reasons = [f"member of a coordinated group ({home.kind})"]
    return {
        "account_id": account,
        "risk": 1.0
        if account == HOSTILE_ID
        else float(0.9 + 0.1 * rng.random() if verdict == "block" else 0.4 * rng.random()),
        "p_value": float(1e-6 * rng.random() if home else rng.random()),
        "campaign_id": home.campaign_id if home else None,
        "verdict": verdict,
        "reasons": reasons,
    }


def _activity(kind: Kind, days: int, events: int, rng: np.random.Generator) -> np.ndarray:
    hours = np.arange(24)
    human = 0.15 + np.exp(-(((hours - 14) / 4.5) ** 2))
    shape = np.ones(24) if kind in {Kind.EXTRACTION, Kind.EVALUATION} else human
    growth = 1 / (1 + np.exp(-(np.arange(days) - days * 0.35) / 2.2))
    if kind is Kind.EVALUATION:
        growth = (np.arange(days) % 9 == 3).astype(float)
    mean = np.outer(growth, shape)
    if kind is Kind.EXTRACTION:
        mean[15:, :] *= 1.7
        mean[14, :] *= 0.1
    return rng.poisson(mean / mean.sum() * events)


def _graph(campaign: Campaign, rng: np.random.Generator) -> Graph:
    sample = campaign.accounts[:90]
    centres = rng.normal(0, 0.45, (3, 2))
    places = np.clip(
        centres[rng.integers(3, size=len(sample))] + rng.normal(0, 0.2, (len(sample), 2)), -1, 1
    )
    nodes = [
        GraphNode(account, round(float(x), 4), round(float(y), 4), int(rng.integers(10, 400)))
        for account, (x, y) in zip(sample, places, strict=True)
    ]
    edges = set()
    for i, place in enumerate(places):
        near = np.argsort(((places - place) ** 2).sum(axis=1))[1:5]
        edges |= {(min(i, int(j)), max(i, int(j))) for j in near}
    links = [(i, j, round(float(rng.gamma(4, 3)), 2)) for i, j in sorted(edges)]
    return Graph(nodes=nodes, edges=links, sampled_from=campaign.size)


def _summary(accounts: int, events: int, campaigns: tuple[Campaign, ...]) -> RunSummary:
    return RunSummary(
        version="0.1.0",
        inputs=["logs/2026-03/*.jsonl.zst"],
        events=events,
        accounts=accounts,
        first_seen=START,
        last_seen=START + timedelta(days=DAYS),
        rejected=214,
        rejected_reasons={"time is not a timestamp": 181, "prompt is missing": 33},
        calibration=Calibration(
            source="self",
            accounts=accounts - sum(c.size for c in campaigns),
            contamination=0.05,
            smallest_p=1 / (accounts + 1),
            note="no reference was given; null distributions come from this traffic",
        ),
        settings={"seed": 0, "alpha": 0.01, "engine": "local", "reference": None, "min_size": 10},
        signals=[SignalStatus(name, True, "") for name in SIGNALS]
        + [
            SignalStatus("hosting_network", False, "no list was given: stillwatch lists build"),
            SignalStatus("output_harvest", False, "the log has no completions"),
        ],
        exempt_accounts=24 if campaigns else 0,
        candidate_clusters=61 if campaigns else 0,
        notes=["11 of 61 candidate clusters were smaller than 10 accounts and were not tested."],
    )
