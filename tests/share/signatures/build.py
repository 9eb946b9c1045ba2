"""Fingerprints and signatures made by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from stillwatch.events.schema import FINGERPRINTS
from stillwatch.share.signatures.families import NEEDED, Family
from stillwatch.share.signatures.model import Feature, Pattern, Rate, Rule, Signature, identify

SCHEMA = pa.schema([FINGERPRINTS.field(name) for name in NEEDED])
START = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)


def event(account: str, hours: float = 0.0, **columns: Any) -> dict[str, Any]:
    """One event; what is not given is null, or a value that nobody else has."""
    own = hash((account, hours, "event")) % 2**60 + 1
    row: dict[str, Any] = dict.fromkeys(NEEDED)
    row |= {"account_id": account, "time": START + timedelta(hours=hours)}
    row |= {name: own + place for place, name in enumerate(("template", "opening", "closing"))}
    row |= {"markers": 0, "bands": [own + n for n in range(8)]}
    row |= {"sketch": [0] * 16, "passages": [0] * 8}
    return row | columns


def batch(*events: dict[str, Any]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(list(events), schema=SCHEMA)


def table(*events: dict[str, Any]) -> pa.Table:
    return pa.Table.from_batches([batch(*events)])


def keyed(number: int, digits: int = 16) -> str:
    return f"{number:0{digits}x}"


def pattern(*features: Feature, events: int = 1, share: float = 0.0) -> Pattern:
    return Pattern(features, Rule(events, share))


def template(*numbers: int) -> Feature:
    return Feature(Family.TEMPLATE, tuple(sorted(map(keyed, numbers))))


def signature(*features: Feature, **given: Any) -> Signature:
    made = pattern(*(features or (template(7),)))
    known = {
        "id": identify(made, "key"),
        "name": "reasoning: template",
        "description": made.words,
        "key_id": "key",
        "k": 12,
        "cover": 1.0,
        "false_positives": Rate.of(0, 1000),
        "valid_from": START,
        "valid_until": START + 180 * DAY,
    }
    return Signature(features=made.features, rule=made.rule, **(known | given))
