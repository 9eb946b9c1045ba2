"""The whole watch in this process: the same as a scan, windows, repeats, announcements, purge."""

import json
import os
import random

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import stillwatch
from stillwatch.detect import store
from stillwatch.detect.judgements import Decision, judge
from stillwatch.detect.results import ScanResult
from stillwatch.detect.watch.purge import purge_account, purge_before, purge_window
from stillwatch.detect.watch.start import Inputs
from stillwatch.detect.watch.state import RESULT, VERDICTS, open_state
from stillwatch.errors import IntegrityError
from stillwatch.events.contracts import Kind
from tests.watch.test_judgements import AT
from tests.watch.watching import counts, event, held, once, write


@pytest.fixture(scope="module")
def accounts(small_log, tmp_path_factory):
    path = tmp_path_factory.mktemp("accounts") / "accounts.parquet"
    pq.write_table(small_log.accounts, path)
    return path


@pytest.fixture(scope="module")
def watched(lines, accounts, tmp_path_factory):
    """A state that was fed the log in three parts of shuffled lines, and what each run told."""
    folder = tmp_path_factory.mktemp("watched")
    shuffled = lines.copy()
    random.Random(3).shuffle(shuffled)
    (folder / "logs").mkdir()
    told = []
    for number in range(3):
        write(folder / f"logs/part-{number % 2}.jsonl", shuffled[number::3])
        told.append(once(folder / "logs", folder / "state", accounts=accounts))
    return folder, told


def without_names(result: ScanResult):
    """What a result says of groups, whatever they are called."""
    return sorted(
        (c.accounts, c.kind, c.events, c.q_coordination, c.q_kind, c.objective)
        for c in result.campaigns
    )


def test_however_a_log_is_split_the_watch_finds_what_a_scan_finds(watched, small_log, accounts):
    folder, _ = watched
    found = store.read_result(folder / "state" / RESULT)
    expected = stillwatch.scan(small_log.events, accounts)
    assert without_names(found) == without_names(expected)
    names = ["account_id", "risk", "p_value", "verdict"]
    assert found.accounts.select(names).equals(expected.accounts.select(names))
    columns = [n for n in expected.profiles.column_names if n != "enriched_features"]
    assert found.profiles.select(columns).equals(expected.profiles.select(columns))
    assert found.summary.events == expected.summary.events
    assert any(c.kind is Kind.EXTRACTION for c in found.campaigns)


def test_a_campaign_is_announced_once_and_each_of_its_kinds_once(watched):
    folder, told = watched
    announced = [line for run in told for line in run.announced]
    assert [line.number for line in announced] == sorted({line.number for line in announced})
    new = [line.campaign_id for line in announced if line.what == "new"]
    assert len(new) == len(set(new))
    kinds = [(line.campaign_id, line.kind) for line in announced if line.kind]
    assert len(kinds) == len(set(kinds))
    result = store.read_result(folder / "state" / RESULT)
    assert {(c.campaign_id, c.kind) for c in result.campaigns} <= set(kinds)
    assert once(folder / "logs", folder / "state").announced == []


def test_verdict_changes_add_up_to_the_verdicts(watched):
    folder, _ = watched
    rows = [json.loads(line) for line in (folder / "state" / VERDICTS).read_text().splitlines()]
    assert [row["number"] for row in rows] == sorted({row["number"] for row in rows})
    final = {row["account_id"]: (row["verdict"], row["campaign_id"]) for row in rows}
    result = store.read_result(folder / "state" / RESULT).accounts.to_pylist()
    expected = {
        r["account_id"]: (r["verdict"], r["campaign_id"]) for r in result if r["verdict"] != "allow"
    }
    assert {account: said for account, said in final.items() if said[0] != "allow"} == expected


def test_a_dismissed_campaign_stays_quiet_and_the_others_do_not(lines, accounts, tmp_path):
    (tmp_path / "logs").mkdir()
    write(tmp_path / "logs/a.jsonl", lines[: len(lines) * 3 // 4])
    state = tmp_path / "state"
    first = once(tmp_path / "logs", state, accounts=accounts)
    result = store.read_result(state / RESULT)
    dismissed = next(c for c in result.campaigns if c.kind is Kind.EXTRACTION)
    name = dismissed.campaign_id
    said = judge(result, name, Decision.DISMISS, kind=None, by="Ada", time=AT, note="ours")
    store.append_judgement(state, said)
    # As if the watch had never announced it: only the judgement keeps it quiet.
    opened, _ = open_state(state, None)
    with opened:
        opened.db.execute("UPDATE campaigns SET announced = ''")
    write(tmp_path / "logs/a.jsonl", lines[len(lines) * 3 // 4 :])
    second = once(tmp_path / "logs", state, accounts=accounts)
    again = {line.campaign_id for line in second.announced}
    assert name in {line.campaign_id for line in first.announced}
    assert name not in again
    assert again & {line.campaign_id for line in first.announced}
    found = store.read_result(state / RESULT)
    campaign = found.campaign(name)
    assert campaign.reasons[0].startswith("dismissed by Ada")
    members = pc.is_in(found.accounts["account_id"], pa.array(campaign.accounts))
    assert set(found.accounts.filter(members)["verdict"].to_pylist()) == {"allow"}
    assert store.read_judgements(state / RESULT) == [said]


def test_days_leave_the_window_and_late_events_are_counted(tmp_path):
    (tmp_path / "logs").mkdir()
    log, state = tmp_path / "logs/a.jsonl", tmp_path / "state"
    write(log, [event(day, f"account-{day}", day=day) for day in range(1, 6)])
    once(tmp_path / "logs", state, window=3)
    assert sorted(counts(held(state))) == ["account-3", "account-4", "account-5"]
    result = store.read_result(state / RESULT)
    assert (result.summary.events, result.summary.accounts) == (3, 3)
    write(log, [event(20, "late", day=1), event(21, "fresh", day=6)])
    once(tmp_path / "logs", state)
    assert sorted(counts(held(state))) == ["account-4", "account-5", "fresh"]
    notes = store.read_result(state / RESULT).summary.notes
    assert "3 events came when their day had left the window" in notes


def test_an_event_id_counts_once_and_the_repeats_are_told(tmp_path):
    (tmp_path / "logs").mkdir()
    log = tmp_path / "logs/a.jsonl"
    write(log, [event(n) for n in (1, 2, 2, 3)])
    once(tmp_path / "logs", tmp_path / "state")
    write(tmp_path / "logs/b.jsonl", [event(n) for n in (3, 4)])
    once(tmp_path / "logs", tmp_path / "state")
    assert sorted(held(tmp_path / "state")["event_id"].to_pylist()) == ["e1", "e2", "e3", "e4"]
    notes = store.read_result(tmp_path / "state" / RESULT).summary.notes
    assert "2 events came again and are counted once" in notes


def test_events_far_ahead_of_the_clock_do_not_end_the_window(tmp_path):
    (tmp_path / "logs").mkdir()
    future = json.dumps(json.loads(event(9)) | {"time": "2098-01-01T00:00:00Z"})
    write(tmp_path / "logs/a.jsonl", [event(1), future, event(2)])
    once(tmp_path / "logs", tmp_path / "state")
    summary = store.read_result(tmp_path / "state" / RESULT).summary
    assert (summary.events, summary.rejected) == (2, 1)
    assert summary.rejected_reasons == {"time more than a day ahead of the clock": 1}


def test_the_accounts_table_is_read_again_when_it_changes(small_log, tmp_path):
    path, said = tmp_path / "accounts.parquet", []
    pq.write_table(small_log.accounts.slice(0, 5), path)
    nothing = dict.fromkeys(("reference", "exempt", "lists", "prices"))
    inputs = Inputs(path, **nothing, say=said.append)
    assert inputs().listed.num_rows == 5
    path.write_bytes(b"PAR1 half a table")
    os.utime(path, ns=(1, 1))
    assert inputs().listed.num_rows == 5
    assert len(said) == 1
    pq.write_table(small_log.accounts.slice(0, 7), path)
    os.utime(path, ns=(2, 2))
    assert inputs().listed.num_rows == 7


def every_byte(folder):
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_no_byte_of_a_text_reaches_the_state(tmp_path):
    (tmp_path / "logs").mkdir()
    texts = {name: f"unspeakable {name}" for name in ("prompt", "completion", "system")}
    bad = json.dumps(json.loads(event(3, **texts)) | {"time": "never"})
    # A line that can be read, one that cannot, one that is no JSON, and half a line.
    lines = [event(1, **texts), event(2, account="b", **texts), bad, "unspeakable {"]
    (tmp_path / "logs/a.jsonl").write_text("\n".join([*lines, event(4, **texts)[:-9]]))
    once(tmp_path / "logs", tmp_path / "state")
    summary = store.read_result(tmp_path / "state" / RESULT).summary
    assert (summary.events, summary.rejected) == (2, 3)
    assert b"unspeakable" not in every_byte(tmp_path / "state")


def test_after_a_purge_no_byte_of_the_account_is_left(lines, accounts, tmp_path):
    (tmp_path / "logs").mkdir()
    write(tmp_path / "logs/a.jsonl", lines)
    state = tmp_path / "state"
    once(tmp_path / "logs", state, accounts=accounts)
    result = store.read_result(state / RESULT)
    campaign = next(c for c in result.campaigns if c.kind is Kind.EXTRACTION)
    account = campaign.accounts[0]
    for subject in (campaign.campaign_id, account):
        said = judge(result, subject, Decision.CONFIRM, kind=None, by="Ada", time=AT, note="")
        store.append_judgement(state, said)
    (state / "state.db.0").write_bytes(account.encode())  # as a migration would leave it
    with (state / VERDICTS).open("a") as file:
        file.write(f'{{"number":99,"account_id":"{account}')  # as a crash would leave it
    assert account.encode() in every_byte(state)
    before = counts(held(state))
    opened, _ = open_state(state, None)
    with opened:
        purged = purge_account(opened, account)
    assert (purged.events, purged.judgements) == (before.pop(account), 2)
    assert account.encode() not in every_byte(state)
    assert counts(held(state)) == before
    once(tmp_path / "logs", state, accounts=accounts)
    assert account.encode() not in every_byte(state)
    assert store.read_result(state / RESULT).summary.accounts == len(before)


def test_a_purge_refuses_a_line_of_verdicts_that_no_watch_wrote(tmp_path):
    (tmp_path / "logs").mkdir()
    state = tmp_path / "state"
    write(tmp_path / "logs/a.jsonl", [event(1)])
    once(tmp_path / "logs", state)
    (state / VERDICTS).write_text("mine\n")
    opened, _ = open_state(state, None)
    with opened, pytest.raises(IntegrityError, match="no watch wrote: move it away"):
        purge_account(opened, "a")
    assert (state / VERDICTS).read_text() == "mine\n"


def test_purge_by_time_and_by_window(tmp_path):
    (tmp_path / "logs").mkdir()
    state = tmp_path / "state"
    write(tmp_path / "logs/a.jsonl", [event(day, f"acc{day}", day=day) for day in range(1, 9)])
    once(tmp_path / "logs", state)
    opened, _ = open_state(state, None)
    with opened:
        assert purge_before(opened, AT.replace(day=2, hour=0, minute=2)).events == 1
        assert purge_before(opened, AT.replace(day=2, hour=0, minute=3)).events == 1
        assert purge_window(opened, 3).events == 3
    assert sorted(counts(held(state))) == ["acc6", "acc7", "acc8"]
    assert not (state / RESULT).exists()
