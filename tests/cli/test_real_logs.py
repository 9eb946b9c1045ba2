"""Scans, as a user starts them, of real prompts in three vendors' formats."""

import json
import os
import subprocess
import sys

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
    """A batch file has no address, client or session: what is asked and when must do."""
    found = scan(home, "batch")
    assert_all_was_read(found, traffic)
    assert_the_pool_is_one_campaign(found, traffic, "extraction")
    rows = pq.read_table(home / "result of batch/accounts.parquet").to_pylist()
    assert {row["verdict"] for row in rows if row["account_id"] in traffic.people} <= {
        "allow",
        "watch",
    }


@pytest.mark.parametrize(
    ("recipe", "kind"),
    [
        ({"people": 300, "members": 40, "few_shot": False}, "extraction"),
        ({"people": 1600, "members": 80, "few_shot": False}, "extraction"),
        ({"people": 300, "members": 80, "few_shot": True}, "extraction"),
    ],
)
def test_a_small_log_and_a_bare_question(shared_data, tmp_path, recipe, kind):
    """A pool that is a fifth of all accounts, and questions that have only a frame in common."""
    traffic = make_traffic(shared_data, SEED, **recipe)
    write_litellm(traffic.requests, tmp_path / "litellm.jsonl")
    found = scan(tmp_path, "litellm.jsonl")
    assert_all_was_read(found, traffic)
    name = assert_the_pool_is_one_campaign(found, traffic, kind)
    rows = pq.read_table(tmp_path / "result of litellm.jsonl/accounts.parquet").to_pylist()
    verdicts = {row["verdict"] for row in rows if row["campaign_id"] == name}
    assert "allow" not in verdicts


def test_fingerprints_tell_the_same(home, otlp):
    written = stillwatch(home, "ingest", "traces.json", "--out", "fingerprints.parquet")
    assert (written["rows"], written["rejected"]) == (otlp["run"]["events"], 0)
    found = scan(home, "fingerprints.parquet")
    assert campaigns_of(found) == campaigns_of(otlp)


def campaigns_of(found):
    return [(c["campaign_id"], c["kind"], c["accounts"]) for c in found["campaigns"]]
