"""Scans, as a user starts them, of real prompts in three vendors' formats."""

import json
import os
import subprocess
import sys
from collections import Counter

import pyarrow.parquet as pq
import pytest

from tests.cli.real_logs import write_batch, write_litellm, write_otlp
from tests.cli.real_traffic import make_traffic

SEED = 1
pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def traffic(shared_data):
    return make_traffic(shared_data, SEED)


@pytest.fixture(scope="module")
def home(tmp_path_factory, traffic):
    folder = tmp_path_factory.mktemp("real")
    write_otlp(traffic.requests, folder / "traces.json")
    write_litellm(traffic.requests, folder / "litellm.jsonl")
    (folder / "batch").mkdir()
    write_batch(traffic.requests, folder / "batch")
    return folder


@pytest.fixture(scope="module")
def otlp(home):
    return scan(home, "traces.json")


def stillwatch(home, *arguments):
    settings = {"XDG_CONFIG_HOME", "XDG_DATA_HOME", "STILLWATCH_KEY_FILE"}
    environment = {name: value for name, value in os.environ.items() if name not in settings}
    done = subprocess.run(
        [sys.executable, "-m", "stillwatch", *arguments, "--json", "--quiet"],
        capture_output=True,
        text=True,
        check=False,
        cwd=home,
        env=environment | {"HOME": str(home)},
    )
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def scan(home, log):
    return stillwatch(home, "scan", log, "--out", f"result of {log}")


def assert_all_was_read(found, traffic):
    senders = {request.account for request in traffic.requests}
    run = found["run"]
    assert (run["events"], run["accounts"]) == (len(traffic.requests), len(senders))
    assert (run["rejected"], run["rejected_reasons"]) == (0, {})


def assert_the_pool_is_one_campaign(found, traffic, kind):
    """At least nine tenths of it in one campaign, and nobody in an extraction who is not of it."""
    members = {c["campaign_id"]: set(c["accounts"]) for c in found["campaigns"]}
    kinds = {c["campaign_id"]: c["kind"] for c in found["campaigns"]}
    largest = max(members, key=lambda name: len(members[name] & traffic.pool))
    assert len(members[largest] & traffic.pool) >= 0.9 * len(traffic.pool)
    assert kinds[largest] == kind
    for name, accounts in members.items():
        if kinds[name] == "extraction" or name == largest:
            assert not accounts & (traffic.people | traffic.evaluators)
    return largest


def test_the_traffic_is_always_the_same(shared_data, traffic):
    assert make_traffic(shared_data, SEED) == traffic
    assert make_traffic(shared_data, SEED + 1) != traffic


def test_an_otlp_file(otlp, traffic):
    assert_all_was_read(otlp, traffic)
    assert_the_pool_is_one_campaign(otlp, traffic, "extraction")


def test_a_litellm_file(home, traffic):
    found = scan(home, "litellm.jsonl")
    assert_all_was_read(found, traffic)
    assert_the_pool_is_one_campaign(found, traffic, "extraction")


def test_an_openai_batch(home, traffic):
    """A batch file has no address, client or session, and its times are those of its processing.

    Content alone shows one group. That it is extraction takes a second line of evidence, so its
    kind stays open and a person is asked to look.
    """
    found = scan(home, "batch")
    assert_all_was_read(found, traffic)
    name = assert_the_pool_is_one_campaign(found, traffic, "unknown")
    rows = pq.read_table(home / "result of batch/accounts.parquet").to_pylist()
    verdicts = Counter(row["verdict"] for row in rows if row["campaign_id"] == name)
    assert "allow" not in verdicts
    ordinary = {row["verdict"] for row in rows if row["account_id"] in traffic.people}
    assert ordinary <= {"allow", "watch"}


@pytest.mark.parametrize(
    ("people", "members", "few_shot"), [(300, 80, True), (300, 40, False), (1600, 80, False)]
)
def test_a_small_log_and_a_bare_question(shared_data, tmp_path, people, members, few_shot):
    """A pool that is a fifth of all accounts, and questions that have only a frame in common."""
    traffic = make_traffic(shared_data, SEED, people=people, members=members, few_shot=few_shot)
    write_litellm(traffic.requests, tmp_path / "litellm.jsonl")
    found = scan(tmp_path, "litellm.jsonl")
    assert_all_was_read(found, traffic)
    assert_the_pool_is_one_campaign(found, traffic, "extraction")


def test_fingerprints_tell_the_same(home, otlp):
    written = stillwatch(home, "ingest", "traces.json", "--out", "fingerprints.parquet")
    assert (written["rows"], written["rejected"]) == (otlp["run"]["events"], 0)
    found = scan(home, "fingerprints.parquet")
    assert campaigns_of(found) == campaigns_of(otlp)


def campaigns_of(found):
    return [(c["campaign_id"], c["kind"], c["accounts"]) for c in found["campaigns"]]
