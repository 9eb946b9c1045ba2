"""`stillwatch attribute` from a result to a ranking, and back to the folder of known operators."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch.cli.main import main
from stillwatch.detect.store import write_result
from stillwatch.events.contracts import Kind
from tests.report.build import build_result
from tests.share.attribution.build import accounts

CANARY = "zyzzyva-7713"


@pytest.fixture(scope="module")
def provider(tmp_path_factory):
    """A folder with a result and two tables of its accounts: one has the shared card."""
    folder = tmp_path_factory.mktemp("provider")
    result = build_result(scale=0.02)
    campaign = next(c for c in result.campaigns if c.kind is Kind.EXTRACTION)
    write_result(result, folder / "result")
    crowd = [{"account_id": f"person-{n}", "org_name": "Bakery"} for n in range(500)]
    for name, card in (("same", CANARY), ("other", "another")):
        rows = [
            {
                "account_id": a,
                "payment_hash": card,
                "device_hash": card,
                "signup_address": "192.0.2.7" if card == CANARY else "198.51.100.7",
                "org_name": "Famous Labs",
                "country": "AA",
            }
            for a in campaign.accounts
        ]
        pq.write_table(accounts([*rows, *crowd]), folder / f"{name}.parquet")
    (folder / "campaign").write_text(campaign.campaign_id)
    return folder


@pytest.fixture
def run(provider, tmp_path, monkeypatch, capsys):
    """Run the command on the campaign; return exit code and output."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(provider)
    target = f"result#{(provider / 'campaign').read_text()}"

    def command(*words):
        capsys.readouterr()
        code = main(["attribute", target, *map(str, words)])
        return code, capsys.readouterr()

    return command


def renamed(folder):
    """Give the recorded campaign another id, as one of an earlier scan has."""
    path = folder / "operators.jsonl"
    head, line = path.read_text().splitlines()
    path.write_text(f"{head}\n{json.dumps(json.loads(line) | {'campaign': 'sw-earlier'})}\n")


def test_a_recorded_operator_is_found_again_and_a_name_is_not_believed(run, tmp_path):
    known = tmp_path / "known"
    code, shown = run(
        "--accounts", "same.parquet", "--known", known, "--record", "Operator A", "--by", "Ada"
    )
    assert code == 0, shown.err
    assert "recorded in" in shown.err
    renamed(known)
    assert CANARY not in (known / "operators.jsonl").read_text()
    code, shown = run("--accounts", "same.parquet", "--known", known, "--json", "--quiet")
    assert (code, shown.err) == (0, "")
    found = json.loads(shown.out)
    assert found["answer"] == "Operator A"
    assert {c["name"] for c in found["candidates"]} == {"Operator A", "Famous Labs"}
    total = sum(c["confidence"] for c in found["candidates"]) + found["unknown"]
    assert total == pytest.approx(1)
    for canary in (CANARY, "192.0.2"):
        assert canary not in shown.out


def test_with_nothing_in_common_the_answer_is_unknown(run, tmp_path):
    known, out = tmp_path / "known", tmp_path / "found.json"
    run("--accounts", "same.parquet", "--known", known, "--record", "Operator A", "--by", "Ada")
    renamed(known)
    code, shown = run("--accounts", "other.parquet", "--known", known, "--out", out)
    assert code == 0
    assert ": unknown" in shown.out.splitlines()[0]
    assert "not a verdict" in shown.out
    assert "no account shares cards with it" in shown.out
    assert "unknown: none of these" in shown.out
    assert json.loads(out.read_text())["answer"] == "unknown"


def test_a_campaign_is_not_compared_with_itself(run, tmp_path):
    known = tmp_path / "known"
    run("--accounts", "same.parquet", "--known", known, "--record", "Operator A", "--by", "Ada")
    _, shown = run("--accounts", "same.parquet", "--known", known, "--json")
    assert [c["name"] for c in json.loads(shown.out)["candidates"]] == ["Famous Labs"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "nothing to compare"),
        (("--accounts", "same.parquet", "--record", "A"), "--known"),
        (("--events", "x", "--lists", "."), "--accounts"),
        (("--accounts", "same.parquet", "--received", "."), "--events"),
    ],
)
def test_options_that_do_not_go_together_are_refused_at_once(run, words, said):
    code, shown = run(*words)
    assert code == 2
    assert said in shown.err


def test_what_is_missing_is_one_clear_line(run, tmp_path):
    code, shown = run("--accounts", "same.parquet", "--known", tmp_path)
    assert code == 1
    assert "holds no known operators" in shown.err
    strangers = tmp_path / "strangers.parquet"
    pq.write_table(pa.table(accounts([{"account_id": "x", "payment_hash": "k"}])), strangers)
    code, shown = run("--accounts", strangers)
    assert code == 1
    assert "give its own" in shown.err
