"""Campaigns, signatures and bundles made by hand, small enough to read."""

from datetime import UTC, datetime, timedelta

from stillwatch.detect.results import (
    Alternative,
    Campaign,
    Enrichment,
    Evidence,
    Graph,
    GraphNode,
    GrowthPoint,
    Indicator,
    Share,
    Value,
)
from stillwatch.events.contracts import Kind, Verdict
from stillwatch.share.signatures.families import Family
from stillwatch.share.signatures.model import Feature, Rate, Rule, Signature, Tlp
from stillwatch.share.stix import campaign as stix_campaign
from stillwatch.share.stix.coarse import Coarseness
from stillwatch.share.stix.disclosure import Disclosure, Producer, disclose
from stillwatch.share.stix.ids import Ids
from stillwatch.share.stix.indicators import coarsened

START = datetime(2026, 3, 2, 5, 17, 33, tzinfo=UTC)
NOW = datetime(2026, 4, 6, 12, 3, 4, tzinfo=UTC)
IDS = Ids.from_secret(bytes(range(32)))
ME = Producer(IDS.of("identity", "us"), "Example Labs")
SHARED_KINDS = (Kind.EXTRACTION, Kind.RELAY, Kind.UNKNOWN)


def build_campaign(kind=Kind.EXTRACTION, text="quiet", **changes):
    """A campaign; `text` stands in every field that takes any."""
    fields = {
        "campaign_id": f"sw-{text}",
        "kind": kind,
        "accounts": [f"acct-{text}-{i}" for i in range(412)],
        "size": 412,
        "events": 63_127,
        "first_seen": START,
        "last_seen": START + timedelta(days=24, hours=7),
        "q_coordination": 3.2e-9,
        "q_kind": 0.01234,
        "objective": "reasoning",
        "carries": [Share("reasoning", 0.8312), Share("coding", 0.1688), Share(text, 0.2)],
        "value": Value(12_345.67, 98_765.43, text),
        "reasons": [f"all of them wrote {text}"],
        "indicators": [Indicator(text, text, 400, 412)],
    }
    return Campaign(**{**fields, **changes})


def build_evidence(campaign, text="quiet"):
    """Evidence; `text` stands in every field that takes any."""
    return Evidence(
        campaign_id=campaign.campaign_id,
        enrichments=[
            Enrichment("prompt template", text, 0.91, 0.002, -1840.2, held_out=True),
            Enrichment(text, text, 0.5, 0.1, -3.0, held_out=True),
            Enrichment("payment", text, 0.2, 0.001, -9.0, held_out=False),
        ],
        alternatives=[Alternative(text, 0.001, rejected=True, why=text, what=text)],
        growth=[GrowthPoint(START, 12_347, 63_127)],
        activity_start=START,
        activity=[[7] * 24],
        graph=Graph([GraphNode(text, 0.1, 0.2, 77)], [], 412),
        input_tokens=123_456_789,
        output_tokens=987_654_321,
        languages=[Share(text, 1.0)],
        doubts=[text],
        untested_members=13,
        exempt_members=17,
    )


def build_signature(features=None, text="quiet", **changes):
    """A signature; `text` stands in every field that takes any, save in what it looks for."""
    fields = {
        "id": f"signature--{text}",
        "name": text,
        "description": f"an account that says {text}",
        "features": features
        or (
            Feature(Family.PACE, ("many", "mass")),
            Feature(Family.TEMPLATE, ("0" * 16, "f" * 16)),
            Feature(Family.BANDS, tuple(f"{i:016x}" for i in range(8)), 4),
            Feature(Family.VOCABULARY, tuple(f"{i:08x}" for i in range(32)), 9),
            Feature(Family.MARKERS, ("1ff",)),
            Feature(Family.CLIENT, ("python-httpx",)),
            Feature(Family.TLS, ("t13d1516h2_8daaf6152771_b186095e22b6",)),
        ),
        "rule": Rule(5, 0.251),
        "key_id": "ab" * 8,
        "k": 123,
        "cover": 0.9137,
        "false_positives": Rate.of(3, 12_345),
        "valid_from": NOW - timedelta(days=1),
        "valid_until": NOW + timedelta(days=60),
        "objective": "reasoning",
        "tlp": Tlp.RED,
        "created_by": f"identity--{text}",
    }
    return Signature(**{**fields, **changes})


def build_disclosure(kind=Kind.EXTRACTION, **options) -> Disclosure:
    """A disclosure of `build_campaign`."""
    campaign = build_campaign(kind)
    given = {
        "producer": ME,
        "ids": IDS,
        "now": NOW,
        "life": timedelta(days=90),
        "responses": [Verdict.BLOCK, Verdict.WATCH, Verdict.THROTTLE],
    }
    return disclose(campaign, build_evidence(campaign), [], **{**given, **options})


def build_bundle(kind=Kind.EXTRACTION, signatures=(), tlp=Tlp.AMBER, **options):
    """A bundle of `build_disclosure` with signatures."""
    disclosed = build_disclosure(kind, tlp=tlp, **options)
    ready = [coarsened(one, ME, Coarseness(), IDS, tlp) for one in signatures]
    return stix_campaign.bundle(disclosed, ready, IDS)


def of_type(bundle, type_):
    """The last object of a type."""
    return [one for one in bundle["objects"] if one["type"] == type_][-1]
