import json

import pytest

from stillwatch.cli.main import main
from stillwatch.detect.screening import extra

LIST = (
    "Source List,Entity Number,Name,Address,City,Country,Federal Register Notice,Effective Date,"
    "Alternate Name\n"
    "EL,7,Tianmu Radar Technology,12 Jingye Road,Haidian,China,80 FR 1,1/2/2020,天目雷达\n"
)
ACCOUNTS = "account_id,org_name,email_domain,org_address\na,天目雷達,,\nb,Maple Books,gmail.com,\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists/el.csv").write_text(LIST)
    (tmp_path / "lists/notes.txt").write_text("hello\n")
    (tmp_path / "accounts.csv").write_text(
        ACCOUNTS + 'c,Other,,"12 Jingye Rd, Haidian, China"\n', encoding="utf-8"
    )
    return tmp_path


def test_screen_says_what_matched_and_that_it_is_no_verdict(folder, capsys):
    arguments = [str(folder / "accounts.csv"), "--lists", str(folder / "lists")]
    assert main(["screen", *arguments]) == 0
    shown = capsys.readouterr()
    assert "it is not a verdict" in shown.out
    assert "Matches: 1" in shown.out
    assert "1 near miss: show with --near" in shown.out
    assert "not used: notes.txt" in shown.err
    assert "2020-01-02" in shown.err
    assert main(["screen", *arguments, "--near", "--quiet"]) == 0
    shown = capsys.readouterr()
    assert "the street address is listed" in " ".join(shown.out.split())
    assert not shown.err


def test_screen_writes_stable_json(folder, capsys):
    out = folder / "matches.json"
    arguments = [str(folder / "accounts.csv"), "--lists", str(folder / "lists"), "--json"]
    assert main(["screen", *arguments, "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    document = json.loads(printed)
    assert json.loads(out.read_text()) == document
    assert "not a verdict" in document["note"]
    (match,) = document["matches"]
    assert (match["account_id"], match["list_name"], match["entry_id"], match["since"]) == (
        "a",
        "Entity List",
        "7",
        "2020-01-02",
    )
    assert [near["account_id"] for near in document["near_misses"]] == ["c"]
    assert document["not_recognised"] == ["notes.txt"]
    assert main(["screen", *arguments]) == 0
    assert capsys.readouterr().out == printed


def test_screen_takes_the_folder_from_the_settings(folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    assert main(["screen", "accounts.csv"]) == 1
    assert "give --lists DIR" in capsys.readouterr().err
    (folder / "stillwatch.toml").write_text('entity_lists = "missing"\n')
    assert main(["screen", "accounts.csv"]) == 1
    assert "is no folder" in capsys.readouterr().err
    (folder / "stillwatch.toml").write_text('entity_lists = "lists"\n')
    assert main(["screen", "accounts.csv"]) == 0
    assert "Matches: 1" in capsys.readouterr().out


def test_screen_names_the_extra_that_it_needs(folder, capsys, monkeypatch):
    monkeypatch.setattr(extra, "find_spec", lambda _: None)
    arguments = [str(folder / "accounts.csv"), "--lists", str(folder / "lists")]
    assert main(["screen", *arguments]) == 1
    assert "pip install 'stillwatch[screening]'" in capsys.readouterr().err
