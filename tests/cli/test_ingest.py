import json
import stat

import pyarrow.parquet as pq
import pytest

from stillwatch.cli.main import main
from stillwatch.events.schema import EVENTS, FINGERPRINTS

TEXT = "my grandmother keeps the key under the third flower pot"
LOG = f"""\
event_id,time,account_id,model,prompt,client_address
e1,2026-03-01T00:00:00Z,a,m,{TEXT},192.0.2.1
e2,2026-03-01T00:00:01Z,b,m,Hello there,198.51.100.2
e3,{TEXT},b,m,Hello there,198.51.100.2
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "STILLWATCH_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "log.csv").write_text(LOG)
    return tmp_path


def test_the_text_is_gone_and_rejected_rows_are_counted(home, capsys):
    assert main(["ingest", "log.csv", "--out", "fp.parquet", "--json"]) == 0
    shown = capsys.readouterr()
    found = json.loads(shown.out)
    assert (found["rows"], found["rejected"], found["contract"]) == (2, 1, "fingerprints")
    assert "Rejected 1 row: not a time (1); see fp.parquet.rejected.jsonl" in shown.err
    table = pq.read_table(home / "fp.parquet")
    assert table.schema.equals(FINGERPRINTS)
    (rejected,) = (home / "fp.parquet.rejected.jsonl").read_text().splitlines()
    assert json.loads(rejected) == {
        "file": "log.csv",
        "row": 3,
        "column": "time",
        "reason": "not a time",
    }
    written = b"".join(p.read_bytes() for p in home.glob("fp.parquet*"))
    assert TEXT.encode() not in written
    assert b"flower" not in written + shown.out.encode() + shown.err.encode()


def test_a_key_of_the_users_own_is_made_once(home, capsys):
    assert main(["ingest", "log.csv", "--out", "one.parquet"]) == 0
    assert "made a key for this user" in capsys.readouterr().err
    key = home / "home/.config/stillwatch/key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert main(["ingest", "log.csv", "--out", "two.parquet"]) == 0
    assert "made a key" not in capsys.readouterr().err
    one, two = pq.read_table("one.parquet"), pq.read_table("two.parquet")
    assert one.equals(two)
    assert one.schema.metadata[b"stillwatch.key_id"] == two.schema.metadata[b"stillwatch.key_id"]


@pytest.mark.usefixtures("home")
def test_another_key_gives_other_fingerprints():
    assert main(["key", "new", "other.key"]) == 0
    assert main(["ingest", "log.csv", "--out", "one.parquet"]) == 0
    assert main(["ingest", "log.csv", "--out", "two.parquet", "--key-file", "other.key"]) == 0
    one, two = pq.read_table("one.parquet"), pq.read_table("two.parquet")
    assert one["content"].to_pylist() != two["content"].to_pylist()
    assert one["words"].equals(two["words"])


def test_prompts_are_kept_only_when_asked_for(home, capsys):
    assert main(["ingest", "log.csv", "--out", "ev.parquet", "--keep-prompts"]) == 0
    assert "must not leave the provider" in capsys.readouterr().err
    table = pq.read_table(home / "ev.parquet")
    assert table.schema.equals(EVENTS)
    assert table["prompt"].to_pylist() == [TEXT, "Hello there"]
    assert TEXT not in (home / "ev.parquet.rejected.jsonl").read_text()


def test_fingerprints_are_joined_but_have_no_text_to_keep(home, capsys):
    assert main(["ingest", "log.csv", "--out", "one.parquet"]) == 0
    assert main(["ingest", "one.parquet", "--out", "two.parquet"]) == 0
    assert pq.read_table("one.parquet").equals(pq.read_table("two.parquet"))
    capsys.readouterr()
    assert main(["ingest", "one.parquet", "--out", "x.parquet", "--keep-prompts"]) == 1
    assert "which hold no text" in capsys.readouterr().err
    assert not (home / "x.parquet").exists()


def test_lists_mark_addresses(home):
    (home / "sources").mkdir()
    (home / "sources/vpn.txt").write_text("192.0.2.0/24\n")
    (home / "sources/hosting_asn.txt").write_text("AS64500\n")
    rows = LOG.splitlines()
    asns = ("asn", "64500", "1", "1")
    text = "\n".join(f"{row},{asn}" for row, asn in zip(rows, asns, strict=True))
    (home / "log.csv").write_text(text)
    assert main(["lists", "build", "sources", "--quiet"]) == 0
    assert main(["ingest", "log.csv", "--out", "fp.parquet"]) == 0
    assert pq.read_table("fp.parquet")["network_lists"].to_pylist() == [3, 0]


@pytest.mark.usefixtures("home")
def test_quiet_says_nothing(capsys):
    assert main(["ingest", "log.csv", "--out", "fp.parquet", "--quiet"]) == 0
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "")
