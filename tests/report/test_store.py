import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch.detect import report, store
from stillwatch.detect.compare import compare
from stillwatch.detect.judgements import Decision, Judgement, judge
from stillwatch.errors import InputError, StorageError
from tests.report.build import build_empty, build_result

CAMPAIGN_KEYS = [
    "campaign_id",
    "kind",
    "accounts",
    "size",
    "events",
    "first_seen",
    "last_seen",
    "q_coordination",
    "q_kind",
    "objective",
    "carries",
    "value",
    "reasons",
    "indicators",
]


@pytest.fixture(scope="module")
def result():
    return build_result(scale=0.2)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_what_is_written_reads_back_equal(result, tmp_path):
    store.write_result(result, tmp_path / "out")
    read = store.read_result(tmp_path / "out")
    assert read == result
    assert read.accounts.schema.equals(result.accounts.schema)


def test_folder_holds_the_contract_and_no_more(result, tmp_path):
    store.write_result(result, tmp_path / "deep" / "out")
    optional = {store.COMPARISON, store.JUDGEMENTS}
    assert set(contents(tmp_path / "deep" / "out")) == store.FILES - optional
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["out"]
    campaigns = json.loads((tmp_path / "deep" / "out" / store.CAMPAIGNS).read_bytes())
    assert isinstance(campaigns, list)
    assert {tuple(campaign) for campaign in campaigns} == {tuple(CAMPAIGN_KEYS)}
    assert campaigns[0]["value"].keys() == {"low", "high", "currency"}
    assert campaigns[0]["carries"][0].keys() == {"objective", "share"}
    accounts = pq.read_schema(tmp_path / "deep" / "out" / store.ACCOUNTS)
    assert accounts.names == [
        "account_id",
        "risk",
        "p_value",
        "campaign_id",
        "verdict",
        "reasons",
    ]


def test_the_same_result_gives_the_same_bytes(result, tmp_path):
    store.write_result(result, tmp_path / "a")
    store.write_result(build_result(scale=0.2), tmp_path / "b")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_rejected_rows_are_copied_and_the_file_is_always_there(result, tmp_path):
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"row": 3}\n')
    store.write_result(result, tmp_path / "some", rejected=rows)
    store.write_result(result, tmp_path / "none")
    assert (tmp_path / "some" / store.REJECTED).read_text() == '{"row": 3}\n'
    assert (tmp_path / "none" / store.REJECTED).read_bytes() == b""


def test_comparison_is_written_where_there_is_one(result, tmp_path):
    store.write_result(result, tmp_path / "out", comparison=compare(result, build_empty()))
    changes = json.loads((tmp_path / "out" / store.COMPARISON).read_bytes())["changes"]
    assert [change["change"] for change in changes] == ["new"] * 5


def test_an_earlier_result_is_replaced_whole(result, tmp_path):
    out = tmp_path / "out"
    store.write_result(result, out, comparison=compare(result, result))
    store.write_result(build_empty(), out)
    assert store.read_result(out).campaigns == ()
    assert not (out / store.COMPARISON).exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_judgements_survive_when_a_result_is_written_again(result, tmp_path):
    out = tmp_path / "out"
    store.write_result(result, out)
    at = datetime(2026, 3, 20, tzinfo=UTC)
    judged = [Judgement(at, name, Decision.DISMISS, "acct-000007") for name in ("Ada", "Bo")]
    for judgement in judged:
        store.append_judgement(out, judgement)
    store.write_result(build_empty(), out)
    assert store.read_judgements(out) == judged
    assert store.read_result(out).campaigns == ()


def test_a_judgement_is_never_glued_to_the_line_before(tmp_path):
    at, file = datetime(2026, 3, 20, tzinfo=UTC), tmp_path / store.JUDGEMENTS
    judged = [Judgement(at, name, Decision.DISMISS, "acct-000007") for name in ("Ada", "Bo")]
    store.append_judgement(tmp_path, judged[0])
    file.write_bytes(file.read_bytes().rstrip())
    store.append_judgement(tmp_path, judged[1])
    assert store.read_judgements(tmp_path) == judged
    cut = file.read_bytes()[:-9]
    file.write_bytes(cut)
    with pytest.raises(InputError, match="holds a line that is no judgement"):
        store.append_judgement(tmp_path, judged[1])
    assert file.read_bytes() == cut


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, OSError(28, "No space left")])
def test_an_interruption_leaves_the_earlier_result(result, tmp_path, monkeypatch, interruption):
    out = tmp_path / "out"
    store.write_result(result, out)
    before = contents(out)

    def interrupted(*_: object) -> str:
        raise interruption

    monkeypatch.setattr(report, "render", interrupted)
    with pytest.raises((KeyboardInterrupt, StorageError)):
        store.write_result(build_empty(), out)
    assert contents(out) == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_new_folder_has_the_usual_permissions(result, tmp_path):
    (tmp_path / "usual").mkdir()
    store.write_result(result, tmp_path / "out")
    assert (tmp_path / "out").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_an_empty_folder_is_taken(result, tmp_path):
    store.write_result(result, tmp_path)
    assert store.read_result(tmp_path) == result


def test_someone_elses_folder_is_refused(result, tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(InputError, match="holds no scan result; give --out a new folder"):
        store.write_result(result, tmp_path)
    assert contents(tmp_path) == {"thesis.tex": b""}


def test_a_file_is_refused(result, tmp_path):
    (tmp_path / "out").touch()
    with pytest.raises(InputError, match="is a file"):
        store.write_result(result, tmp_path / "out")


def test_an_earlier_result_with_notes_beside_it_is_refused(result, tmp_path):
    store.write_result(result, tmp_path / "out")
    (tmp_path / "out" / "notes.md").write_text("mine")
    with pytest.raises(InputError, match=r"notes\.md"):
        store.write_result(result, tmp_path / "out")
    assert (tmp_path / "out" / "notes.md").read_text() == "mine"


def test_reading_what_is_not_a_result(tmp_path):
    with pytest.raises(InputError, match="is not a folder"):
        store.read_result(tmp_path / "nowhere")
    with pytest.raises(InputError, match="holds no scan result"):
        store.read_result(tmp_path)


def test_reading_another_version(result, tmp_path):
    store.write_result(result, tmp_path / "out")
    run = tmp_path / "out" / store.RUN
    run.write_text(run.read_text().replace("stillwatch-result/1", "stillwatch-result/9"))
    with pytest.raises(InputError, match=r"stillwatch-result/9.*scan again"):
        store.read_result(tmp_path / "out")


@pytest.mark.parametrize("name", [store.ACCOUNTS, store.CAMPAIGNS, store.EVIDENCE, store.PROFILES])
def test_reading_a_damaged_result(result, tmp_path, name):
    store.write_result(result, tmp_path / "out")
    path = tmp_path / "out" / name
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(InputError, match=name):
        store.read_result(tmp_path / "out")
    path.unlink()
    with pytest.raises(InputError, match=f"{name} is missing"):
        store.read_result(tmp_path / "out")


def test_reading_accounts_with_other_columns(result, tmp_path):
    store.write_result(result, tmp_path / "out")
    pq.write_table(pa.table({"account_id": ["a"]}), tmp_path / "out" / store.ACCOUNTS)
    with pytest.raises(InputError, match="columns of a result"):
        store.read_result(tmp_path / "out")


def test_a_run_that_is_no_object_is_damaged(result, tmp_path):
    store.write_result(result, tmp_path / "out")
    (tmp_path / "out" / store.RUN).write_bytes(msgspec.json.encode([1]))
    with pytest.raises(InputError, match="damaged"):
        store.read_result(tmp_path / "out")


def test_a_mount_point_or_a_closed_folder_is_refused_before_the_scan(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "is_mount", lambda _: True)
    with pytest.raises(InputError, match="a folder inside it"):
        store.check_output(tmp_path)
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(InputError, match="cannot be written"):
        store.check_output(tmp_path / "deep" / "out")


def test_a_file_where_a_parent_should_be_is_a_storage_error(result, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="Cannot write"):
        store.write_result(result, tmp_path / "file" / "out")


def test_a_judgement_waits_until_nobody_else_changes_them(result, tmp_path):
    at = datetime(2026, 3, 20, 9, tzinfo=UTC)
    campaign = result.campaigns[0].campaign_id
    said = judge(result, campaign, Decision.CONFIRM, kind=None, by="Ada", time=at, note="")
    with ThreadPoolExecutor(1) as other:
        with store.judging(tmp_path):
            waiting = other.submit(store.append_judgement, tmp_path, said)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.2)
            assert store.read_judgements(tmp_path) == []
        waiting.result(timeout=60)
    assert store.read_judgements(tmp_path) == [said]
