"""Campaigns made by hand: accounts, fingerprints and records."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa

from stillwatch.events.key import Key
from stillwatch.events.schema import ACCOUNTS, BANDS, FINGERPRINTS, PASSAGES, SKETCH
from stillwatch.share.attribution.collect import collect
from stillwatch.share.attribution.trace import Record, Traces, record

START = datetime(2026, 3, 2, tzinfo=UTC)
KEYS = {"own": "a key", "log": "another"}


def accounts(rows: list[dict]) -> pa.Table:
    """An accounts table; what a row does not say is null."""
    empty = dict.fromkeys(ACCOUNTS.names)
    return pa.Table.from_pylist([empty | row for row in rows], schema=ACCOUNTS)


def events(rows: list[dict]) -> pa.Table:
    """Fingerprints, a minute apart; what a row does not say is null or 0."""
    empty = {field.name: None if field.nullable else 0 for field in FINGERPRINTS} | {
        "bands": [0] * BANDS,
        "sketch": [0] * SKETCH,
        "passages": [0] * PASSAGES,
    }
    made = [
        empty | {"event_id": f"e{n}", "model": "m", "time": START + timedelta(minutes=n)} | row
        for n, row in enumerate(rows)
    ]
    return pa.Table.from_pylist(made, schema=FINGERPRINTS)


def traces(
    listed: pa.Table | None,
    members: list[str],
    rows: pa.Table | None = None,
    benign: pa.Table | None = None,
    keys: dict[str, str] | None = None,
) -> Traces:
    """Traces under the public key."""
    read = benign.to_batches if benign is not None else None
    return collect(rows, read, listed, members, set(), sign=Key.public().sign, keys=keys or KEYS)


def recorded(seen: Traces, operator: str, campaign: str = "c") -> Record:
    """A record of these traces."""
    return record(seen, operator=operator, campaign=campaign, by="Ada", time=START)
