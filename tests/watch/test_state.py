"""The state: made, opened, locked, migrated, damaged, recovered."""

import sqlite3

import pytest

from stillwatch.detect.watch import database
from stillwatch.detect.watch.state import SCRATCH, SEGMENTS, Facts, open_state
from stillwatch.errors import ConfigError, InputError, IntegrityError, StorageError
from tests.watch.watching import counts, event, events_of, held, once, write

STEP = "ALTER TABLE campaigns ADD COLUMN note TEXT NOT NULL DEFAULT 'none'"


@pytest.fixture
def used(tmp_path):
    """A state with ten events of two accounts, and its source."""
    logs = tmp_path / "logs"
    logs.mkdir()
    write(logs / "a.jsonl", [event(n, f"account-{n % 2}") for n in range(10)])
    once(logs, tmp_path / "state")
    return tmp_path / "state", logs


def test_a_state_of_an_older_version_is_migrated_and_copied_first(used):
    folder, _ = used
    state, facts = open_state(folder, None, (*database.STEPS, STEP))
    with state:
        assert state.db.execute("PRAGMA user_version").fetchone() == (len(database.STEPS) + 1,)
        assert state.db.execute("SELECT note FROM campaigns").fetchall() == []
        assert counts(events_of(state)) == {"account-0": 5, "account-1": 5}
        assert facts.window == 28
    copy = sqlite3.connect(folder / f"state.db.{len(database.STEPS)}")
    assert copy.execute("PRAGMA user_version").fetchone() == (len(database.STEPS),)
    assert copy.execute("SELECT value FROM counters WHERE name = 'events'").fetchone() == (10,)
    copy.close()
    with pytest.raises(IntegrityError, match=r"is of version 2, this Stillwatch knows up to 1"):
        open_state(folder, None)


def test_a_migration_that_fails_leaves_the_older_version(used):
    folder, _ = used
    with pytest.raises(StorageError):
        open_state(folder, None, (*database.STEPS, f"{STEP}; NO STATEMENT"))
    assert held(folder).num_rows == 10


def test_two_watches_never_share_a_state(used):
    folder, logs = used
    state, _ = open_state(folder, None)
    with state, pytest.raises(StorageError, match="is used by another watch"):
        once(logs, folder)
    assert once(logs, folder).announced == []


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (lambda folder: (folder / "state.db").write_bytes(b"no database" * 1000), "damaged"),
        (lambda folder: _cut(folder / "state.db"), "damaged"),
        (lambda folder: _cut(next((folder / SEGMENTS).iterdir())), "missing or damaged"),
        (lambda folder: next((folder / SEGMENTS).iterdir()).unlink(), "missing or damaged"),
    ],
    ids=["no database", "cut database", "cut segment", "no segment"],
)
def test_a_damaged_state_is_one_clear_line(used, damage, what):
    folder, logs = used
    damage(folder)
    with pytest.raises(IntegrityError, match=what) as said:
        once(logs, folder)
    assert "new state folder" in str(said.value)
    assert "\n" not in str(said.value)


def _cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def test_what_a_crash_left_is_removed(used):
    folder, logs = used
    orphan = folder / SEGMENTS / "20000-0123456789abcdef.parquet"
    orphan.write_bytes(b"PAR1 half a file")
    spilled = folder / SCRATCH / "tmp1234" / "duckdb_temp_storage.tmp"
    spilled.parent.mkdir(parents=True)
    spilled.write_bytes(b"fingerprints")
    once(logs, folder)
    assert not orphan.exists()
    assert not list(folder.rglob("tmp*"))
    assert held(folder).num_rows == 10


def test_a_state_is_for_one_source_and_one_key(used, tmp_path):
    folder, logs = used
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(ConfigError, match="was made with source"):
        once(other, folder)
    with pytest.raises(ConfigError, match="was made with key id"):
        open_state(folder, Facts(str(logs.resolve()), "another", 28))
    once(logs, folder, window=9)
    once(logs, folder)
    state, facts = open_state(folder, None)
    state.close()
    assert facts.window == 9


def test_a_folder_that_is_no_state_is_refused(tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="is not empty and holds no state"):
        open_state(mine, Facts("x", "y", 28))
    with pytest.raises(InputError, match="holds no state"):
        open_state(tmp_path / "absent", None)
    assert [path.name for path in mine.iterdir()] == ["notes.txt"]
    with pytest.raises(InputError, match="lies inside"):
        once(mine, mine / "state")
