"""Hand-made fingerprints and populations: each column has a dull default, tests name the rest."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.detect.engines.local import LocalEngine
from stillwatch.detect.lifecycle import account_features
from stillwatch.detect.population import Population
from stillwatch.events.schema import ACCOUNTS, BANDS, FINGERPRINTS, PASSAGES, SKETCH

START = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday

Row = Mapping[str, Any]

_SLOTS = {"bands": BANDS, "sketch": SKETCH, "passages": PASSAGES, "completion_passages": PASSAGES}
_COUNTS = ("markers", "script", "characters", "words", "constraints", "nesting", "entropy")


def event(account: str, minute: float = 0.0, **columns: Any) -> dict[str, Any]:
    """One fingerprint, `minute` minutes after `START`."""
    row: dict[str, Any] = dict.fromkeys(FINGERPRINTS.names)
    row |= dict.fromkeys(_COUNTS, 0)
    row |= dict.fromkeys(("content", "template", "opening", "closing"), 1)
    row |= {
        "account_id": account,
        "time": START + timedelta(minutes=minute),
        "model": "m",
        **columns,
    }
    row["event_id"] = f"{account}-{minute}"
    for name, slots in _SLOTS.items():
        given = list(columns.get(name, []))
        if given or name != "completion_passages":
            row[name] = given + [0] * (slots - len(given))
    return row


def engine(events: Sequence[Row], folder: Path) -> LocalEngine:
    """A DuckDB engine over these fingerprints."""
    path = folder / f"fingerprints-{len(list(folder.iterdir()))}.parquet"
    pq.write_table(pa.Table.from_pylist(list(events), schema=FINGERPRINTS), path)
    return LocalEngine([path], folder, memory_limit="500MB", threads=1)


def population(
    events: Sequence[Row],
    folder: Path,
    accounts: Mapping[str, Row] | None = None,
    disposable: Sequence[bool] | None = None,
) -> Population:
    """The population of these events; account codes follow the sorted account ids.

    Args:
        events: fingerprints, as from `event`.
        folder: where to put files.
        accounts: accounts columns by account id.
        disposable: per account code.
    """
    with engine(events, folder) as local:
        profiles, pace, features = local.profiles(), local.pace(), local.features()
        sketches, hourly, models = local.sketches(), local.hourly(), local.models()
    table = None
    if accounts is not None:
        ids = profiles["account_id"].to_pylist()
        rows = [{"account_id": name, **accounts.get(name, {})} for name in ids]
        table = pa.Table.from_pylist(rows, schema=ACCOUNTS)
        features |= account_features(table)
    return Population(
        profiles=profiles,
        pace=pace,
        features=features,
        sketches=sketches,
        hourly=hourly,
        models=models,
        accounts=table,
        disposable=None if disposable is None else np.array(disposable),
        first_seen=min(row["time"] for row in events),
        last_seen=max(row["time"] for row in events),
    )


def mixed_events(rng: np.random.Generator, accounts: int = 30) -> list[dict[str, Any]]:
    """Random events that use every column which signals read; 1 to 60 events per account."""
    return [
        _random_event(f"account-{account:03d}", rng)
        for account in range(accounts)
        for _ in range(int(rng.integers(1, 61)))
    ]


def _random_event(account: str, rng: np.random.Generator) -> dict[str, Any]:
    def below(limit: int) -> int:
        return int(rng.integers(limit))

    return event(
        account,
        minute=30.0 * below(20 * 48),
        content=below(400),
        template=below(40),
        opening=below(20),
        closing=below(20),
        network=below(30),
        conversation=below(900),
        sketch=[2**20 * (1 + below(3000)) for _ in range(8)],
        words=1 + below(300),
        constraints=below(6),
        nesting=below(4),
        entropy=float(rng.uniform(0, 8)),
        markers=below(2**13),
        completion_markers=below(2**13),
        completion_passages=rng.integers(1, 50, 3).tolist(),
        passages=rng.integers(1, 50, 3).tolist(),
        input_tokens=below(900),
        output_tokens=below(900),
        reasoning_tokens=below(900),
        turn=1 + below(3),
        tools=below(2),
        choices=1 + below(2),
        logprobs=bool(below(2)),
        finish_reason=("stop", "length")[below(2)],
        status=(200, 429)[below(2)],
        network_lists=below(4),
        script=below(11),
        country=("DE", "JP", "BR")[below(3)],
        asn=below(9),
    )


def mixed_accounts(rng: np.random.Generator, accounts: int = 30) -> dict[str, dict[str, Any]]:
    """Random accounts with every column which signals read, for `mixed_events`."""
    return {
        f"account-{account:03d}": {
            "created_at": START - timedelta(hours=float(rng.uniform(0, 200))),
            "plan": ("free", "pro")[int(rng.integers(2))],
            "org_id": f"org-{rng.integers(9)}",
            "payment_hash": f"payment-{rng.integers(12)}",
            "device_hash": f"device-{rng.integers(12)}",
            "signup_address": f"10.0.{rng.integers(9)}.1",
            "country": ("DE", "JP", "BR")[int(rng.integers(3))],
        }
        for account in range(accounts)
    }
