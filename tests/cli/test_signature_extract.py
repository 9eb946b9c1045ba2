"""Signatures on the command line: from a result to another provider's log and back."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch.cli.main import main
from stillwatch.detect.store import write_result
from stillwatch.events.contracts import Kind
from stillwatch.events.schema import EVENTS
from tests.report.build import START, build_result

CANARY = "zyzzyva-7713"
FRAME = f"Question for the {CANARY} panel:\n{{}}\nShow every step, then the panel's grade:"
WORDS = [f"{a}{b}{c}" for a in "bdfgklm" for b in "aeiou" for c in ("rn", "st", "lop", "ven")]


def sentence(rng, words=14):
    return " ".join(rng.choice(WORDS, words))


def log(path, members, others, rng, frame=FRAME):
    """Members ask in one frame, all others in words of their own; the canary is in each prompt."""
    rows = []
    for account in [*members, *others]:
        for _ in range(3):
            text = sentence(rng)
            prompt = (
                frame.format(text) if account in members else f"{text} {CANARY} {sentence(rng)}"
            )
            rows.append((account, prompt))
    names = ("event_id", "time", "account_id", "model", "prompt")
    columns = dict.fromkeys(EVENTS.names, [None] * len(rows)) | {
        "event_id": [f"e{n}" for n in range(len(rows))],
        "time": [START] * len(rows),
        "account_id": [account for account, _ in rows],
        "model": ["m"] * len(rows),
        "prompt": [prompt for _, prompt in rows],
    }
    assert set(names) <= set(columns)
    pq.write_table(pa.table(columns, schema=EVENTS), path)


@pytest.fixture(scope="module")
def forum(tmp_path_factory):
    """A folder with a result, its log, another provider's log and the forum's key."""
    folder = tmp_path_factory.mktemp("forum")
    result = build_result(scale=0.02)
    campaign = next(c for c in result.campaigns if c.kind is Kind.EXTRACTION)
    write_result(result, folder / "result")
    rng = np.random.default_rng(4)
    people = [f"person-{n}" for n in range(1800)]
    log(folder / "here.parquet", set(campaign.accounts), people, rng)
    bots = [f"elsewhere-{n}" for n in range(7)]
    log(folder / "there.parquet", set(bots), [f"customer-{n}" for n in range(400)], rng)
    labels = {
        "account_id": [*bots, *(f"customer-{n}" for n in range(400))],
        "label": ["attack"] * 7 + ["benign"] * 400,
        "cohort": ["campaign"] * 7 + ["customer"] * 400,
    }
    pq.write_table(pa.table(labels), folder / "labels.parquet")
    assert main(["key", "new", str(folder / "forum.key")]) == 0
    (folder / "campaign").write_text(campaign.campaign_id)
    return folder


@pytest.fixture
def run(forum, tmp_path, monkeypatch, capsys):
    """Run a signature command in a new folder of signatures; return exit code and output."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(forum)

    def command(name, *words, store=tmp_path / "signatures"):
        capsys.readouterr()
        where = [str(store)] if name in {"lint", "test"} else ["--signatures", str(store)]
        code = main(["signature", name, *map(str, words), *where])
        return code, capsys.readouterr()

    return command


KEY = ("--forum-key", "forum.key")


def extracted(run, forum, *more):
    name = f"result#{(forum / 'campaign').read_text()}"
    return run("extract", name, "--events", "here.parquet", *KEY, *more)


def test_a_signature_made_here_finds_the_operator_elsewhere(run, forum, tmp_path):
    code, shown = extracted(run, forum, "--json")
    assert code == 0, shown.err
    found = json.loads(shown.out)
    assert found["covered"] == found["accounts"] > 5
    assert found["signatures"][0]["false_positives"]["hits"] == 0
    assert run("lint")[0] == 0
    out = tmp_path / "hits.parquet"
    code, shown = run("match", "there.parquet", *KEY, "--out", out, "--json")
    rows = json.loads(shown.out)
    assert {row["account_id"] for row in rows} == {f"elsewhere-{n}" for n in range(7)}
    assert {row["verdict"] for row in rows} == {"allow"}, "a draft proposes nothing"
    assert pq.read_table(out).to_pylist() == rows
    code, shown = run(
        "test",
        "--events",
        "there.parquet",
        "--labels",
        "labels.parquet",
        *KEY,
        "--json",
        "--record",
        "--by",
        "Ada",
        "--most",
        "0.02",
    )
    whole = json.loads(shown.out)[0]
    assert (whole["recall"]["hits"], whole["precision"]["hits"]) == (7, 7)
    rows = json.loads(run("match", "there.parquet", *KEY, "--json")[1].out)
    assert {row["verdict"] for row in rows} == {"watch"}


def test_no_canary_and_no_account_is_in_what_is_written(run, forum, tmp_path):
    assert extracted(run, forum)[0] == 0
    written = b"".join(path.read_bytes() for path in (tmp_path / "signatures").iterdir())
    for secret in (CANARY, "zyzzyva", "panel", "person-", "acct"):
        assert secret.encode() not in written


def test_fingerprints_under_the_forum_key_do_as_well_and_others_do_not(run, forum, tmp_path):
    for name, key in (("good", "forum.key"), ("bad", "own.key")):
        if not (forum / key).exists():
            main(["key", "new", str(forum / key)])
        made = tmp_path / f"{name}.parquet"
        main(["ingest", "there.parquet", "--out", str(made), "--key-file", key, "--quiet"])
    assert extracted(run, forum)[0] == 0
    code, shown = run("match", tmp_path / "good.parquet", "--json")
    assert len(json.loads(shown.out)) == 7
    assert run("match", tmp_path / "bad.parquet", *KEY)[0] == 1
    shown = run("match", tmp_path / "bad.parquet")[1]
    assert "no signature is under the key" in shown.err
    code, shown = run("match", "there.parquet")
    assert (code, "--forum-key" in shown.err) == (1, True)


def test_a_public_template_is_refused(run, forum, tmp_path):
    sources = tmp_path / "sources"
    sources.mkdir()
    rng = np.random.default_rng(1)
    (sources / "public_prompts.json").write_text(
        json.dumps([{"prompt": FRAME.format(sentence(rng))} for _ in range(3)])
    )
    built = ["lists", "build", str(sources), "--out", str(tmp_path / "lists"), "--key-file"]
    assert main([*built, "forum.key"]) == 0
    code, shown = extracted(run, forum, "--lists", tmp_path / "lists", "--json")
    refused = [r for r in json.loads(shown.out)["refusals"] if "warning list" in r["why"]]
    assert {r["what"].split()[0] for r in refused} >= {"template", "closing"}
    used = {f["family"] for s in json.loads(shown.out)["signatures"] for f in s["features"]}
    assert not used & {"template", "closing", "opening"}
    code, shown = run("lint", "--lists", forum)
    assert code == 1


def test_a_campaign_of_a_benign_kind_makes_no_signature(run, forum):
    campaigns = json.loads((forum / "result/campaigns.json").read_text())
    app = next(c["campaign_id"] for c in campaigns if c["kind"] == "shared-app")
    code, shown = run("extract", f"result#{app}", "--events", "here.parquet", *KEY)
    assert code == 1
    assert "would accuse its users" in shown.err


def test_a_life_on_the_command_line(run, forum):
    assert extracted(run, forum)[0] == 0
    name = json.loads(run("list", "--json")[1].out)[0]["signature"]["id"][11:19]
    assert run("state", name, "publish", "--by", "Ada")[0] == 1, "a draft cannot be published"
    for act in (["test"], ["publish"], ["report", "--confirmed", "1", "--benign", "4"]):
        assert run("state", name, *act, "--by", "Ada")[0] == 0
    shown = run("list")[1].out
    assert "quarantined" in shown
    assert "4 of 5 judged hits were benign" in shown
    matched = run("match", "there.parquet", *KEY, "--json")[1]
    assert json.loads(matched.out) == []
    assert "quarantined" in matched.err
    assert "Ada" in run("show", name)[1].out
    assert run("state", name, "report", "--by", "Ada")[0] == 2
    assert run("state", name, "report", "--by", "Ada", "--confirmed", "1000001")[0] == 2


@pytest.fixture
def shared(run, forum, tmp_path, capsys):
    """The bundle that one member shares, and how another takes it up."""
    assert extracted(run, forum)[0] == 0
    for row in json.loads(run("list", "--json")[1].out):
        for act in ("test", "publish"):
            name = row["signature"]["id"][11:19]
            assert run("state", name, act, "--by", "Ada")[0] == 0
    bundle = tmp_path / "out.json"
    name = f"result#{(forum / 'campaign').read_text()}"
    words = ["--created-by", "Example Labs", "--signatures", str(tmp_path / "signatures")]
    assert main(["share", "export", name, *words, "--expires", "30d", "--out", str(bundle)]) == 0

    def take(file=bundle, key="forum.key"):
        capsys.readouterr()
        words = ["--signatures", str(tmp_path / "theirs"), "--forum-key", key, "--json"]
        code = main(["share", "import", str(file), *words])
        return code, capsys.readouterr()

    return bundle, take


def test_what_one_member_shares_another_matches(shared, run, tmp_path):
    bundle, take = shared
    code, shown = take()
    assert code == 0, shown.err
    adopted = json.loads(shown.out)["adopted"]
    assert len(adopted["new"]) == len(json.loads(run("list", "--json")[1].out)) > 0
    theirs = tmp_path / "theirs"
    rows = json.loads(run("match", "there.parquet", *KEY, "--json", store=theirs)[1].out)
    assert {row["account_id"] for row in rows} == {f"elsewhere-{n}" for n in range(7)}
    assert {row["verdict"] for row in rows} == {"watch"}
    assert {row["state"] for row in rows} == {"received"}
    things = json.loads(bundle.read_text())["objects"]
    me = next(thing["created_by_ref"] for thing in things if thing["type"] == "indicator")
    listed = json.loads(run("list", "--json", store=theirs)[1].out)
    assert {row["life"]["source"] for row in listed} == {me}
    assert me in run("show", adopted["new"][0]["id"], store=theirs)[1].out
    again = json.loads(take()[1].out)["adopted"]
    assert (again["new"], again["known"]) == ([], len(adopted["new"]))
    drafts = json.loads(run("match", "there.parquet", *KEY, "--json", store=bundle)[1].out)
    assert {row["account_id"] for row in drafts} == {row["account_id"] for row in rows}
    assert run("lint", store=bundle)[0] == 0
    assert main(["signature", "convert", str(bundle), "--to", "splunk"]) == 1


def test_a_later_bundle_revokes_and_another_key_is_left_out(shared, run, tmp_path):
    bundle, take = shared
    main(["key", "new", str(tmp_path / "others.key")])
    code, shown = take(key=str(tmp_path / "others.key"))
    assert code == 0
    assert "left out" in shown.err
    assert json.loads(shown.out)["adopted"]["new"] == []
    assert take()[0] == 0
    content = json.loads(bundle.read_text())
    for thing in content["objects"]:
        if thing["type"] == "indicator":
            thing["revoked"] = True
    later = tmp_path / "later.json"
    later.write_text(json.dumps(content))
    code, shown = take(later)
    adopted = json.loads(shown.out)["adopted"]
    assert adopted["revoked"] == len(json.loads(run("list", "--json")[1].out))
    theirs = tmp_path / "theirs"
    matched = run("match", "there.parquet", *KEY, "--json", store=theirs)[1]
    assert json.loads(matched.out) == []
    assert "revoked" in matched.err
    take()
    assert "revoked" in run("list", store=theirs)[1].out


@pytest.mark.parametrize(
    ("option", "value"),
    [("--k", "4"), ("--k", "-1"), ("--created-by", "ada@example.org"), ("--created-by", CANARY)],
)
def test_what_lint_would_fault_is_refused_before_a_log_is_read(run, forum, option, value):
    code, said = extracted(run, forum, option, value)
    assert code == 2
    assert CANARY not in said.err
    assert "signature" not in said.out


def test_a_pattern_that_is_there_already_is_named_with_its_state(run, forum):
    assert extracted(run, forum)[0] == 0
    name = json.loads(run("list", "--json")[1].out)[0]["signature"]["id"]
    assert run("state", name, "revoke", "--by", "Ada")[0] == 0
    code, said = extracted(run, forum)
    assert code == 0
    assert f"{name[11:19]} is there already, revoked: revoke by Ada" in said.err
