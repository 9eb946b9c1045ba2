"""One simulated log, scanned once, for every test that needs a whole result."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import stillwatch
from stillwatch.simulate import simulate, write_traffic


@dataclass(frozen=True)
class Log:
    """Events and accounts on disk, and the truth."""

    events: Path
    accounts: Path
    labels: pa.Table
    exemptions: Path


@pytest.fixture(scope="session")
def log(tmp_path_factory: pytest.TempPathFactory) -> Log:
    folder = tmp_path_factory.mktemp("log")
    traffic = simulate("demo", scale="small", seed=11)
    write_traffic(traffic, folder)
    return Log(
        folder / "events.parquet",
        folder / "accounts.parquet",
        traffic.labels,
        folder / "exemptions.json",
    )


@pytest.fixture(scope="session")
def base(log: Log) -> stillwatch.ScanResult:
    return stillwatch.scan(log.events, log.accounts)


@pytest.fixture(scope="session")
def part(log: Log) -> pa.Table:
    """Events of all attackers and of a third of the others: a log that scans in a moment."""
    ids, attack = log.labels["account_id"], pc.equal(log.labels["label"], "attack")
    few = pc.is_in(pc.utf8_slice_codeunits(ids, -1, None), pa.array(list("01234")))
    kept = ids.filter(pc.or_(attack, few))
    table = pq.read_table(log.events)
    return table.filter(pc.is_in(table["account_id"], kept.combine_chunks()))
