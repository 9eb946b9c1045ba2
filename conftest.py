"""Fixtures and rules for every test.

Where the data beside the checkout is required, a `shared` test that skips has failed: `.ci/run`
sets STILLWATCH_REQUIRE_SHARED where that data is expected, so that a test cannot vanish unseen.
"""

import os
import shutil

import msgspec
import pyarrow.parquet as pq
import pytest

from stillwatch.cli.main import main

EXEMPTIONS = """\
[[exemption]]
org_id = "org-of-an-evaluator"
reason = "registered evaluator"
expires = 2099-01-01
"""
PRICES = """\
currency = "USD"

[[model]]
pattern = "*"
input = [1.0, 3.0]
output = [5.0, 15.0]
"""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):  # noqa: ARG001 - pytest passes by name
    """Fail a test that skipped for want of data that must be there."""
    report = yield
    required = os.environ.get("STILLWATCH_REQUIRE_SHARED") == "1"
    if required and report.skipped and item.get_closest_marker("shared"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} needs the shared data, which this run requires"
    return report


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """The folder in which the documentation's commands run: simulated traffic and a result."""
    folder = tmp_path_factory.mktemp("docs")
    traffic = folder / "traffic"
    arguments = ["--scenario", "mixed", "--scale", "small", "--seed", "1", "--quiet"]
    assert main(["simulate", *arguments, "--out", str(traffic)]) == 0
    for name in ("events", "accounts", "labels"):
        (folder / f"{name}.parquet").hardlink_to(traffic / f"{name}.parquet")
    events = str(folder / "events.parquet")
    key = str(folder / "provider.key")
    fingerprints = str(folder / "fingerprints.parquet")
    assert main(["key", "new", key]) == 0
    assert main(["ingest", events, "--out", fingerprints, "--key-file", key, "--quiet"]) == 0
    (folder / "logs").mkdir()
    for number, group in enumerate((slice(0, 200), slice(200, 400))):
        rows = pq.read_table(events).slice(group.start, 200).to_pylist()
        write_lines(folder / f"logs/part-{number}.jsonl", rows)
    (folder / "exemptions.toml").write_text(EXEMPTIONS)
    (folder / "prices.toml").write_text(PRICES)
    (folder / "sources").mkdir()
    (folder / "sources/vpn.txt").write_text("198.51.100.0/24\n")
    (folder / "sources/hosting_asn.txt").write_text("AS64500 # an example\n")
    accounts = str(folder / "accounts.parquet")
    result = str(folder / "result")
    assert main(["scan", events, "--accounts", accounts, "--out", result, "--quiet"]) == 0
    return folder


@pytest.fixture
def workspace(prepared, tmp_path, monkeypatch):
    """A copy of that folder as the working directory, with a home of its own."""
    folder = tmp_path / "work"
    shutil.copytree(prepared, folder)
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "STILLWATCH_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(folder)
    return folder


def write_lines(path, rows):
    """Write rows as JSON lines."""
    path.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
