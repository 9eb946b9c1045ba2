import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from stillwatch.cli.main import main
from stillwatch.detect.results import ACCOUNT_RESULTS
from stillwatch.detect.store import read_result

SCAN = ("scan", "events.parquet", "--accounts", "accounts.parquet")
pytestmark = pytest.mark.usefixtures("workspace")


def test_a_scan_writes_contract_3_the_same_to_the_byte(workspace, capsys):
    assert main([*SCAN, "--out", "out"]) == 0
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "The report is out/report.html" in shown.err
    names = {path.name for path in (workspace / "out").iterdir()}
    assert names >= {
        "accounts.parquet",
        "profiles.parquet",
        "campaigns.json",
        "report.html",
        "rejected.jsonl",
    }
    assert pq.read_schema(workspace / "out/accounts.parquet").equals(ACCOUNT_RESULTS)
    assert not list(workspace.glob(".*out*"))
    for name in names:  # the earlier scan of the same input
        same = (workspace / "result" / name).read_bytes() == (workspace / "out" / name).read_bytes()
        assert same, name


def test_machines_read_stdout_and_fail_on_is_exit_code_3(capsys):
    kinds = {campaign.kind.value for campaign in read_result(Path("result")).campaigns}
    absent = {"extraction", "relay", "evaluation", "shared-app", "organisation"} - kinds
    asked = [word for kind in absent for word in ("--fail-on", kind)]
    assert main([*SCAN, "--out", "out", "--json", "--quiet", *asked]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    found = json.loads(shown.out)
    assert {campaign["kind"] for campaign in found["campaigns"]} == kinds
    assert found["run"]["accounts"] > 1000
    assert found["changes"] is None
    assert main([*SCAN, "--out", "out", "--quiet", *asked, "--fail-on", kinds.pop()]) == 3


def test_days_without_an_event_are_said(workspace, capsys):
    days = ["--since", "2031-01-01", "--until", "2031-01-31"]
    assert main([*SCAN, "--out", "out", "--quiet", *days]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "holds no events since 2031-01-01 and until 2031-01-31: give other days" in line
    assert not (workspace / "out").exists()


def test_a_cluster_without_the_engine_for_it_is_refused(workspace, capsys):
    assert main([*SCAN, "--out", "out", "--master", "spark://h:7077"]) == 2
    assert "--master needs --engine spark" in capsys.readouterr().err
    assert not (workspace / "out").exists()


def test_compare_says_what_became_of_each_campaign(capsys):
    assert main([*SCAN, "--out", "out", "--compare", "result", "--json"]) == 0
    shown = capsys.readouterr()
    assert "Since the earlier result:" in shown.err
    changes = json.loads(shown.out)["changes"]
    assert {change["change"] for change in changes} == {"steady"}


def test_fingerprints_find_the_same_campaigns(capsys):
    key = ("--key-file", "provider.key", "--quiet")
    assert main([*SCAN, "--out", "one", *key]) == 0
    assert main(["scan", "fingerprints.parquet", *SCAN[2:], "--out", "two", *key]) == 0
    one, two = read_result_of("one"), read_result_of("two")
    assert one == two
    assert capsys.readouterr().err == ""


def read_result_of(folder):
    return [(c.campaign_id, c.kind, c.accounts) for c in read_result(Path(folder)).campaigns]


def test_exempt_accounts_are_never_beyond_watch(workspace, capsys):
    result = read_result(workspace / "result")
    member = result.campaigns[0].accounts[0]
    lines = f"account_id,reason,expires\n{member},registered evaluator,2099-01-01\n"
    (workspace / "exempt.csv").write_text(lines)
    assert main([*SCAN, "--out", "out", "--exempt", "exempt.csv", "--json", "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out)["run"]["exempt_accounts"] == 1
    rows = {row["account_id"]: row for row in pq.read_table("out/accounts.parquet").to_pylist()}
    assert rows[member]["verdict"] in {"allow", "watch"}
    assert "registered evaluator" in " ".join(rows[member]["reasons"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--accounts", "nowhere.parquet"), "nowhere.parquet"),
        (("--exempt", "nowhere.toml"), "nowhere.toml"),
        (("--prices", "nowhere.toml"), "nowhere.toml"),
        (("--key-file", "nowhere.key"), "nowhere.key"),
        (("--reference", "nowhere"), "nowhere"),
        (("--compare", "nowhere"), "nowhere"),
        (("--format", "morse"), "morse"),
        (("--account-from", "api-key"), "needs a key"),
        (("--out", "logs"), "logs is not empty"),
    ],
)
def test_wrong_inputs_are_one_line(workspace, capsys, words, message):
    assert main(["scan", "events.parquet", "--out", "out", *words]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert not (workspace / "out").exists()


def test_rejected_rows_are_counted_and_listed(workspace, capsys):
    lines = (workspace / "logs/part-0.jsonl").read_text().splitlines()
    lines[3] = "{"
    (workspace / "log.jsonl").write_text("\n".join(lines))
    assert main(["scan", "log.jsonl", "--out", "out"]) == 0
    assert re.search(r"Rejected 1 row: .* \(1\); see out/rejected.jsonl", capsys.readouterr().err)
    (rejected,) = (workspace / "out/rejected.jsonl").read_text().splitlines()
    assert json.loads(rejected)["row"] == 4


def test_explain_tells_for_and_against(capsys):
    result = read_result_of("result")
    name, _, accounts = result[0]
    assert main(["explain", f"result#{accounts[0]}"]) == 0
    assert name in capsys.readouterr().out
    assert main(["explain", f"result#{accounts[0]}", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["account_id"] == accounts[0]
    assert main(["explain", "result#nobody"]) == 1
    assert "'nobody'" in capsys.readouterr().err


def test_simulate_lists_scenarios_and_refuses_others(workspace, capsys):
    assert main(["simulate", "--list"]) == 0
    assert "paraphrase" in capsys.readouterr().out
    assert main(["simulate", "--scenario", "weather", "--out", "x"]) == 1
    assert "no scenario 'weather'" in capsys.readouterr().err
    assert main(["simulate", "--scale", "tiny", "--out", "x"]) == 1
    assert "no scale 'tiny'" in capsys.readouterr().err
    assert not (workspace / "x").exists()


def test_the_demo_shows_what_was_hidden(capsys):
    assert main(["demo", "--scale", "small", "--out", "demo"]) == 0
    said = capsys.readouterr().err
    assert said.count("campaign-0") == 3
    assert "stand wrongly in" in said
    assert "The report is demo/result/report.html" in said
