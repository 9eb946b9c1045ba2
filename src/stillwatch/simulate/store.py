"""Write a scenario to a directory, as the files that a scan and a benchmark read."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Final

import msgspec
import pyarrow.parquet as pq

from stillwatch.errors import InputError
from stillwatch.events.schema import EVENTS
from stillwatch.events.written import SCENARIO, is_simulated
from stillwatch.simulate.crowd import EPOCH
from stillwatch.simulate.knobs import SCALES, definition
from stillwatch.simulate.traffic import ROW_GROUP, Traffic

FILES: Final = (
    SCENARIO,
    "events.parquet",
    "accounts.parquet",
    "labels.parquet",
    "exemptions.json",
)
"""Renamed into place in this order: the first makes the folder ours."""


def check_folder(out: Path) -> None:
    """Refuse a folder that holds anything but earlier traffic; call it before a long simulation.

    Raises:
        InputError: `out` holds files and no `scenario.json`, or is a file.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file; give --out a folder.")
    if out.is_dir() and any(out.iterdir()) and not is_simulated(out):
        raise InputError(
            f"{out} is not empty and holds no simulated traffic; give --out a new folder."
        )


def write_traffic(
    traffic: Traffic, out: Path, progress: Callable[[int], None] = lambda _: None
) -> int:
    """Write a scenario to a directory, made where it is missing; returns the number of events.

    The files are `events.parquet`, `accounts.parquet`, `labels.parquet`, `exemptions.json` (the
    register for `scan --exempt`) and `scenario.json`. They replace those of earlier traffic once
    all are written, so that an interrupted simulation leaves none half-written.

    Args:
        traffic: What `simulate` drew.
        out: The directory.
        progress: Called with the number of events of each batch that was written.

    Raises:
        InputError: The directory holds files of someone else.
    """
    check_folder(out)
    count = 0
    with _replacing(out) as building:
        with pq.ParquetWriter(building / "events.parquet", EVENTS, compression="zstd") as writer:
            for batch in traffic.batches():
                writer.write_batch(batch, row_group_size=ROW_GROUP)
                count += batch.num_rows
                progress(batch.num_rows)
        pq.write_table(traffic.accounts, building / "accounts.parquet", compression="zstd")
        pq.write_table(traffic.labels, building / "labels.parquet", compression="zstd")
        (building / "exemptions.json").write_bytes(msgspec.json.encode(traffic.exemptions))
        (building / SCENARIO).write_bytes(
            msgspec.json.format(msgspec.json.encode(describe(traffic, count)), indent=2)
        )
    return count


@contextmanager
def _replacing(out: Path) -> Iterator[Path]:
    """A new folder inside `out`, whose files take their places there if the block succeeds.

    Other files in `out`, such as a result, stay.
    """
    made = not out.exists()
    out.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=".simulating.", dir=out))
    try:
        yield building
        for name in FILES:
            (building / name).replace(out / name)
    finally:
        shutil.rmtree(building, ignore_errors=True)
        if made:
            with suppress(OSError):  # it is not empty, as it should be
                out.rmdir()


def describe(traffic: Traffic, count: int) -> dict[str, object]:
    """What `scenario.json` holds: the arguments, the totals, every campaign, and tactics if any."""
    tactics = definition(traffic.scenario).tactics.used()
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
        **({"operators": traffic.operators} if traffic.operators else {}),
        **({"returning": True} if traffic.returning else {}),
        **({"tactics": tactics} if tactics else {}),
    }
