"""One simulated log, scanned once, for every test that needs a whole result; one Spark cluster."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import stillwatch
from stillwatch.simulate import simulate, write_traffic
from tests.detect import cluster as processes


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


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[processes.Cluster]:
    """Two worker processes on loopback; skipped where Spark is missing, unless it is required."""
    reason = processes.missing()
    if reason and os.environ.get("STILLWATCH_REQUIRE_SPARK") == "1":
        pytest.fail(f"this run requires Spark: {reason}")
    if reason:
        pytest.skip(reason)
    with processes.running(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture(scope="session")
def spark(cluster):
    """A session on the cluster, which every scan in these tests takes."""
    from stillwatch.detect.engines.spark.session import session  # noqa: PLC0415 - an extra

    with session(cluster.master, cluster.options) as found:
        yield found
