import json
import os

import pytest

from stillwatch.cli.main import main


@pytest.fixture
def home(tmp_path, monkeypatch):
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "STILLWATCH_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def checks(capsys):
    capsys.readouterr()
    code = main(["doctor", "--json"])
    return code, {c["name"]: c for c in json.loads(capsys.readouterr().out)}


@pytest.mark.usefixtures("home")
def test_a_fresh_user_is_told_what_is_off_and_what_turns_it_on(capsys):
    code, found = checks(capsys)
    assert code == 0
    assert found["packages"]["state"] == "ok"
    assert found["key"]["state"] == "off"
    assert "stillwatch key new" in found["key"]["mend"]
    for name in ("hosting and VPN networks", "disposable mail"):
        assert found[name]["state"] == "off"
        assert "stillwatch lists build" in found[name]["mend"]


@pytest.mark.usefixtures("home")
def test_a_wrong_variable_is_mended_in_the_environment(capsys, monkeypatch):
    monkeypatch.setenv("STILLWATCH_ENGINE", "cluster")
    code, found = checks(capsys)
    assert code == 1
    assert found["settings"]["mend"] == "set STILLWATCH_ENGINE to another value or unset it"


def test_lists_and_keys_are_seen(home, capsys):
    (home / "sources").mkdir()
    (home / "sources/vpn.txt").write_text("192.0.2.0/24\n")
    (home / "sources/disposable.txt").write_text("mail.example\n")
    assert main(["lists", "build", "sources"]) == 0
    assert main(["key", "new", "own.key"]) == 0
    (home / "stillwatch.toml").write_text('key_file = "own.key"\n')
    code, found = checks(capsys)
    assert code == 0
    assert "2 sources, built 0 days ago" in found["lists"]["detail"]
    assert found["hosting and VPN networks"]["state"] == "ok"
    assert found["disposable mail"]["state"] == "ok"
    assert found["key"]["detail"].endswith("own.key")
    assert found["settings"]["detail"].endswith("stillwatch.toml")


ENTITY_LIST = (
    "Source List,Entity Number,Name,Address,City,Country,Federal Register Notice,Effective Date,"
    "Alternate Name\nEL,7,Tianmu Radar Technology,12 Jingye Road,Haidian,China,80 FR 1,1/2/2020,\n"
)


def test_entity_lists_have_a_size_and_an_age(home, capsys):
    assert checks(capsys)[1]["entity lists"]["state"] == "off"
    (home / "stillwatch.toml").write_text('entity_lists = "entities"\n')
    code, found = checks(capsys)
    assert (code, found["entity lists"]["state"]) == (1, "wrong")
    folder = home / "entities"
    folder.mkdir()
    for name in ("new.csv", "old.csv"):
        (folder / name).write_text(ENTITY_LIST)
    (folder / "notes.txt").write_text("hello\n")
    os.utime(folder / "old.csv", (1.6e9, 1.6e9))
    code, found = checks(capsys)
    assert code == 0
    assert found["entity list new.csv"]["state"] == "ok"
    assert "1 entry" in found["entity list new.csv"]["detail"]
    assert "newest entry of 2020-01-02" in found["entity list new.csv"]["detail"]
    assert found["entity list old.csv"]["state"] == "off"
    assert "fetch it again" in found["entity list old.csv"]["mend"]
    assert found["entity list notes.txt"]["detail"] == "no list that is known"


def test_what_is_wrong_is_exit_code_one(home, capsys):
    assert main(["key", "new", "own.key"]) == 0
    (home / "own.key").chmod(0o644)
    (home / "stillwatch.toml").write_text('key_file = "own.key"\nlists = "lists"\n')
    (home / "lists").mkdir()
    (home / "lists/lists.parquet").write_bytes(b"PAR1")
    code, found = checks(capsys)
    assert code == 1
    assert found["key"]["mend"].startswith("chmod 600")
    assert found["lists"]["state"] == "wrong"
    assert "build it again" in found["lists"]["detail"]


@pytest.mark.usefixtures("home")
def test_the_table_is_for_people(capsys):
    assert main(["doctor"]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert "no list, so this signal is off" in shown.out
