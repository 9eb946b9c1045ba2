"""What a scan returns and writes (contract 3), as typed values.

`Campaign` is exactly what stands in `campaigns.json`. `Evidence` is what a person needs to check it
and stands in `evidence.json`, keyed by campaign; `RunSummary` is `run.json`. No field here depends
on the wall clock, so that the same input, settings and version give the same bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec
import pyarrow as pa

from stillwatch.detect import notebook, wording
from stillwatch.errors import InputError
from stillwatch.events.contracts import Kind

RESULT_FORMAT: Final = "stillwatch-result/1"
"""Stands in `run.json` as `format`; a reader refuses any other."""

ACCOUNT_RESULTS = pa.schema(
    [
        pa.field("account_id", pa.string(), nullable=False),
        pa.field("risk", pa.float64(), nullable=False),
        pa.field("p_value", pa.float64(), nullable=False),
        ("campaign_id", pa.string()),
        pa.field("verdict", pa.string(), nullable=False),
        pa.field("reasons", pa.list_(pa.string()), nullable=False),
    ]
)
"""`accounts.parquet`, sorted by `account_id`; `risk` in 0..1, higher is worse."""


class Share(msgspec.Struct, frozen=True):
    """A part of a campaign's events, 0..1, by objective."""

    objective: str
    share: float


class Value(msgspec.Struct, frozen=True):
    """What the campaign's tokens are worth at the price table given."""

    low: float
    high: float
    currency: str


class Indicator(msgspec.Struct, frozen=True):
    """A feature that many members carry and few others do.

    `value` is readable where the feature is (a client name, a TLS fingerprint), else the keyed hash
    in hexadecimal. `members` and `population` count accounts that carry it, in the campaign and in
    all traffic (members included).
    """

    family: str
    value: str
    members: int
    population: int


class Campaign(msgspec.Struct, frozen=True):
    """A cluster asserted as one operation, with a kind; see docs/concepts.md."""

    campaign_id: str
    kind: Kind
    accounts: list[str]
    size: int
    events: int
    first_seen: datetime
    last_seen: datetime
    q_coordination: float
    q_kind: float
    objective: str | None
    carries: list[Share]
    value: Value | None
    reasons: list[str]
    indicators: list[Indicator]


class Enrichment(msgspec.Struct, frozen=True):
    """One bar of the report: how common a feature is among members and in the population.

    `log10_p` is finite: it is computed as a logarithm, because the p-value may underflow.
    """

    family: str
    label: str
    member_share: float
    population_share: float
    log10_p: float
    held_out: bool
    """True where the feature took no part in forming the cluster, so its p-value is a test."""


class Alternative(msgspec.Struct, frozen=True):
    """A benign explanation that was tested: rejected when its p-value is small."""

    kind: str
    p_value: float
    rejected: bool
    why: str
    what: str = ""
    """The explanation in words; empty where the kind says enough."""


class GrowthPoint(msgspec.Struct, frozen=True):
    """Accounts seen so far and events so far, at the end of one day or hour."""

    time: datetime
    accounts: int
    events: int


class GraphNode(msgspec.Struct, frozen=True):
    """An account in the campaign's picture; x and y in -1..1."""

    account_id: str
    x: float
    y: float
    events: int


class Graph(msgspec.Struct, frozen=True):
    """The strongest links among a sample of members; `edges` are (node, node, weight in nats)."""

    nodes: list[GraphNode]
    edges: list[tuple[int, int, float]]
    sampled_from: int


class Evidence(msgspec.Struct, frozen=True):
    """What lets another person check one campaign."""

    campaign_id: str
    enrichments: list[Enrichment]
    alternatives: list[Alternative]
    growth: list[GrowthPoint]
    activity_start: datetime
    activity: list[list[int]]
    """Events per day (rows, from `activity_start`'s day) and hour of the day (24 columns, UTC)."""
    graph: Graph
    input_tokens: int
    output_tokens: int
    languages: list[Share]
    doubts: list[str]
    untested_members: int
    """Members added after the test, by matching its enriched features."""
    exempt_members: int
    unusual_p: float = 1.0
    """P-value of "taken one by one, its members behave like others": small where they do not."""


class Calibration(msgspec.Struct, frozen=True):
    """Where null distributions came from; `contamination`: the share of attack assumed there."""

    source: str  # "self" or "reference"
    accounts: int
    contamination: float
    smallest_p: float
    note: str


class SignalStatus(msgspec.Struct, frozen=True):
    """Whether a signal took part, and if not, why."""

    name: str
    on: bool
    why: str


class RunSummary(msgspec.Struct, frozen=True, tag_field="format", tag=RESULT_FORMAT):
    """The run as a whole, for the report's head and for `--json`."""

    version: str
    inputs: list[str]
    events: int
    accounts: int
    first_seen: datetime
    last_seen: datetime
    rejected: int
    rejected_reasons: dict[str, int]
    calibration: Calibration
    settings: dict[str, str | int | float | bool | None]
    signals: list[SignalStatus]
    exempt_accounts: int
    candidate_clusters: int
    notes: list[str]


@dataclass(frozen=True, repr=False)
class ScanResult:
    """All that a scan found, as one value; `detect.store` writes it to a folder and reads it back.

    Both tables are Arrow, so `polars.from_arrow(result.accounts)` and `result.accounts.to_pandas()`
    need nothing more. `evidence` has one entry per campaign, keyed by `campaign_id`.
    """

    accounts: pa.Table
    """`ACCOUNT_RESULTS`, one row per account, sorted by `account_id`."""
    profiles: pa.Table
    """One row per account: `account_id`, `events`, `first_seen`, `last_seen`, `p_<signal>`, …"""
    campaigns: tuple[Campaign, ...]
    evidence: Mapping[str, Evidence]
    summary: RunSummary

    def campaign(self, campaign_id: str) -> Campaign:
        """The campaign of that name.

        Raises:
            InputError: No campaign is called that; the message names those that exist.
        """
        for campaign in self.campaigns:
            if campaign.campaign_id == campaign_id:
                return campaign
        known = ", ".join(c.campaign_id for c in self.campaigns[:8]) or "none"
        raise InputError(f"No campaign is called {campaign_id!r}; this result has: {known}.")

    def __repr__(self) -> str:
        lines = [f"ScanResult: {wording.headline(self)}"]
        grave = [c for c in self.campaigns if c.kind in wording.GRAVE_KINDS]
        lines += [f"  {c.campaign_id}  {wording.one_line(c)}" for c in grave]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return notebook.view(self)
