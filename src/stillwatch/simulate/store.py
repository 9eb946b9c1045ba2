"""Write a scenario to a directory, as the files that a scan and a benchmark read."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import msgspec
import pyarrow.parquet as pq

from stillwatch.events.schema import EVENTS
from stillwatch.simulate.crowd import EPOCH
from stillwatch.simulate.knobs import SCALES
from stillwatch.simulate.traffic import ROW_GROUP, Traffic


def write_traffic(
    traffic: Traffic, out: Path, progress: Callable[[int], None] = lambda _: None
) -> int:
    """Write a scenario to a directory, made where it is missing; returns the number of events.

    The files are `events.parquet`, `accounts.parquet`, `labels.parquet`, `exemptions.json` (the
    register for `scan --exempt`) and `scenario.json`.

    Args:
        traffic: What `simulate` drew.
        out: The directory.
        progress: Called with the number of events of each batch that was written.
    """
    out.mkdir(parents=True, exist_ok=True)
    count = 0
    with pq.ParquetWriter(out / "events.parquet", EVENTS, compression="zstd") as writer:
        for batch in traffic.batches():
            writer.write_batch(batch, row_group_size=ROW_GROUP)
            count += batch.num_rows
            progress(batch.num_rows)
    pq.write_table(traffic.accounts, out / "accounts.parquet", compression="zstd")
    pq.write_table(traffic.labels, out / "labels.parquet", compression="zstd")
    (out / "exemptions.json").write_bytes(msgspec.json.encode(traffic.exemptions))
    (out / "scenario.json").write_bytes(
        msgspec.json.format(msgspec.json.encode(describe(traffic, count)), indent=2)
    )
    return count


def describe(traffic: Traffic, count: int) -> dict[str, object]:
    """What `scenario.json` holds: the arguments, the totals and every campaign."""
    return {
        "scenario": traffic.scenario,
        "scale": traffic.scale,
        "seed": traffic.seed,
        "window": asdict(SCALES[traffic.scale]),
        "start": EPOCH,
        "events": count,
        "accounts": traffic.accounts.num_rows,
        "campaigns": [
            {
                "campaign": str(crowd.group[0]),
                "accounts": len(crowd.people),
                "kind": crowd.kind,
                "objective": crowd.objective,
                "evasion": crowd.knobs,
            }
            for crowd in traffic.crowds
            if crowd.attack
        ],
    }
