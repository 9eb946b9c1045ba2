"""The whole job on a small simulated log."""

from datetime import UTC, datetime

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import stillwatch
from stillwatch.detect import store
from stillwatch.detect.analysis import AnalysisSettings
from stillwatch.detect.explain import explain
from stillwatch.detect.judgements import Decision, Judgement
from stillwatch.detect.results import ACCOUNT_RESULTS
from stillwatch.events.contracts import Exemption, Kind
from stillwatch.events.fingerprint import fingerprint_stream
from stillwatch.events.key import Key
from stillwatch.events.readers import Rejects, open_log

VERDICTS = ("allow", "watch", "throttle", "challenge", "degrade", "block")


def said(result):
    """What a result says, without its inputs' names."""
    return result.campaigns, result.evidence, result.accounts, result.profiles


@pytest.fixture(scope="module")
def quick(log, part):
    return stillwatch.scan(part, log.accounts)


@pytest.fixture(scope="module")
def unlisted(part):
    return stillwatch.scan(part)


def test_the_result_holds_every_account_once(log, base):
    assert base.accounts.schema.equals(ACCOUNT_RESULTS)
    ids = base.accounts["account_id"].to_pylist()
    assert ids == sorted(pc.unique(pq.read_table(log.events)["account_id"]).to_pylist())
    assert ids == base.profiles["account_id"].to_pylist()
    risk = base.accounts["risk"].to_numpy()
    p_value = base.accounts["p_value"].to_numpy()
    assert ((risk >= 0) & (risk <= 1)).all()
    assert ((p_value > 0) & (p_value <= 1)).all()
    assert base.summary.events == pq.read_metadata(log.events).num_rows


def test_hidden_campaigns_are_found_and_benign_accounts_left_alone(log, base):
    attack = attackers(log)
    grave = {Kind.EXTRACTION, Kind.RELAY}
    accused = {a for c in base.campaigns if c.kind in grave for a in c.accounts}
    assert any(c.kind is Kind.EXTRACTION for c in base.campaigns)
    assert len(accused & attack) >= 0.5 * len(attack)
    extraction = {a for c in base.campaigns if c.kind is Kind.EXTRACTION for a in c.accounts}
    assert len(extraction - attack) <= 0.05 * len(extraction)


def test_campaigns_agree_with_the_accounts_table_and_with_their_evidence(base):
    settings = AnalysisSettings()
    names = [campaign.campaign_id for campaign in base.campaigns]
    assert len(set(names)) == len(names)
    assert list(base.evidence) == names
    rows = {row["account_id"]: row for row in base.accounts.to_pylist()}
    listed = {a: row["campaign_id"] for a, row in rows.items() if row["campaign_id"]}
    assert listed == {a: c.campaign_id for c in base.campaigns for a in c.accounts}
    events = dict(
        zip(
            base.profiles["account_id"].to_pylist(),
            base.profiles["events"].to_pylist(),
            strict=True,
        )
    )
    for campaign in base.campaigns:
        evidence = base.evidence[campaign.campaign_id]
        assert campaign.size == len(campaign.accounts)
        assert campaign.events == sum(events[a] for a in campaign.accounts)
        assert evidence.growth[-1].accounts == campaign.size
        assert evidence.growth[-1].events == campaign.events == np.sum(evidence.activity)
        assert campaign.q_coordination <= settings.coordination
        assert (campaign.q_kind <= settings.kind) == (campaign.kind is Kind.EXTRACTION)
        assert (campaign.objective is not None) == (campaign.kind is Kind.EXTRACTION)
        assert campaign.reasons
        assert {v for a in campaign.accounts if (v := rows[a]["verdict"])} <= set(VERDICTS)


def test_explain_says_which_features_an_account_carries(part, quick):
    """What it says of TLS fingerprints is what the log says."""
    seen = set(
        zip(part["account_id"].to_pylist(), part["tls_fingerprint"].to_pylist(), strict=True)
    )
    checked, sides = 0, set()
    for campaign in quick.campaigns:
        for account in campaign.accounts[:40]:
            found = explain(quick, account)
            assert not any("is not recorded" in line for line in found.missing)
            for feature in found.features:
                told = feature.label
                sides.add(feature.carried)
                line = f"{'Carries' if feature.carried else 'Lacks'} {told}"
                side = found.evidence_for if feature.carried else found.evidence_against
                assert any(text.startswith(line) for text in side)
                if feature.family == "TLS fingerprint":
                    fingerprint = feature.label.removeprefix("TLS fingerprint ")
                    assert feature.carried == ((account, fingerprint) in seen)
                    checked += 1
    assert checked > 0
    assert sides == {True, False}


def test_accounts_in_no_campaign_have_no_enriched_features(quick):
    table = quick.profiles["enriched_features"]
    assert table.type == pa.list_(pa.string())
    assert table.is_null().equals(quick.accounts["campaign_id"].is_null())


def test_the_same_input_gives_the_same_bytes(log, part, quick, tmp_path):
    again = stillwatch.scan(part, log.accounts)
    for name, result in (("first", quick), ("second", again)):
        store.write_result(result, tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "first").iterdir())
    assert files == sorted(path.name for path in (tmp_path / "second").iterdir())
    for name in files:
        first, second = (tmp_path / run / name for run in ("first", "second"))
        assert first.read_bytes() == second.read_bytes(), name


def test_the_order_of_rows_does_not_matter(log, part, quick):
    order = np.random.default_rng(3).permutation(part.num_rows)
    assert said(stillwatch.scan(part.take(pa.array(order)), log.accounts)) == said(quick)


def test_fingerprints_give_the_same_result_as_events(log, part, quick, tmp_path):
    pq.write_table(part, tmp_path / "events.parquet")
    batches = fingerprint_stream(
        open_log([tmp_path / "events.parquet"], rejects=Rejects()), Key.public()
    )
    assert said(stillwatch.scan(pa.Table.from_batches(batches), log.accounts)) == said(quick)


def arrow_sources(part, path):
    yield "path", str(path)
    yield "polars", pl.from_arrow(part)
    yield "pandas", part.to_pandas()
    yield "duckdb", duckdb.read_parquet(str(path))


def test_arrow_inputs_give_the_same_result_as_the_path(log, part, quick, tmp_path):
    path = tmp_path / "events.parquet"
    pq.write_table(part, path)
    for name, source in arrow_sources(part, path):
        assert said(stillwatch.scan(source, log.accounts)) == said(quick), name


def test_exempt_accounts_are_shown_and_never_beyond_watch(log, part, quick):
    grave = [c for c in quick.campaigns if c.kind in {Kind.EXTRACTION, Kind.RELAY}]
    members = [a for c in grave for a in c.accounts][:5]
    never = quick.summary.last_seen.replace(year=2099)
    register = [Exemption("registered evaluator", never, account_id=a) for a in members]
    found = stillwatch.scan(part, log.accounts, exempt=register)
    rows = {row["account_id"]: row for row in found.accounts.to_pylist()}
    assert {rows[a]["verdict"] for a in members} <= {"allow", "watch"}
    assert all(rows[a]["campaign_id"] for a in members)
    assert all(rows[a]["reasons"][0] == "exempt: registered evaluator" for a in members)
    assert found.summary.exempt_accounts == len(members)
    others = {row["account_id"]: row for row in quick.accounts.to_pylist()}
    assert all(rows[a] == others[a] for a in rows if a not in members)
    assert sum(e.exempt_members for e in found.evidence.values()) == len(members)


def groups(result):
    return sorted(campaign.accounts for campaign in result.campaigns)


def test_a_reference_from_an_earlier_result_calibrates(log, part, quick, tmp_path):
    store.write_result(quick, tmp_path / "earlier")
    found = stillwatch.scan(part, log.accounts, reference=tmp_path / "earlier")
    assert found.summary.calibration.source == "reference"
    ordinary = sum(quick.profiles["ordinary"].to_pylist())
    assert found.summary.calibration.accounts == ordinary
    # Calibration says what is unusual, not who belongs together.
    assert groups(found) == groups(quick)


def test_judgements_take_accounts_out_of_the_reference(log, part, quick, tmp_path):
    store.write_result(quick, tmp_path / "earlier")
    profiles = quick.profiles.select(["account_id", "ordinary"]).to_pylist()
    attacker = next(p["account_id"] for p in profiles if p["ordinary"])
    judged = Judgement(datetime(2026, 3, 20, tzinfo=UTC), "Ada", Decision.CONFIRM, attacker)
    store.append_judgement(tmp_path / "earlier", judged)
    found = stillwatch.scan(part, log.accounts, reference=tmp_path / "earlier")
    assert found.summary.calibration.accounts == quick.summary.calibration.accounts - 1


@pytest.mark.parametrize("rows", [1, 5, 50])
def test_tiny_logs_work(part, rows, tmp_path):
    found = stillwatch.scan(part.slice(0, rows))
    assert found.accounts.num_rows == pc.count_distinct(part.slice(0, rows)["account_id"]).as_py()
    assert found.campaigns == ()
    assert set(found.accounts["verdict"].to_pylist()) <= {"allow", "watch"}
    store.write_result(found, tmp_path / "out")
    assert store.read_result(tmp_path / "out").summary == found.summary


def test_a_log_of_one_account_works(part):
    one = part.filter(pc.equal(part["account_id"], part["account_id"][0]))
    found = stillwatch.scan(one)
    assert found.accounts.num_rows == 1
    assert found.campaigns == ()


def attackers(log):
    attack = log.labels.filter(pc.equal(log.labels["label"], "attack"))
    return set(attack["account_id"].to_pylist())


def test_without_an_accounts_table_attackers_are_still_grouped(log, quick, unlisted):
    assert any("no accounts table" in note for note in unlisted.summary.notes)
    assert not any("no accounts table" in note for note in quick.summary.notes)
    attack = attackers(log)
    mostly = [c for c in unlisted.campaigns if len(attack & set(c.accounts)) > 0.9 * c.size]
    assert sum(c.size for c in mostly) >= 0.5 * len(attack)
    assert Kind.ORGANISATION not in {c.kind for c in mostly}
    off = {status.name for status in unlisted.summary.signals if not status.on}
    assert off > {status.name for status in quick.summary.signals if not status.on}


def test_an_accounts_table_may_miss_half_of_the_accounts(log, part):
    accounts = pq.read_table(log.accounts)
    half = accounts.filter(pa.array(np.arange(accounts.num_rows) % 2 == 0))
    found = stillwatch.scan(part, half)
    assert found.accounts.num_rows == pc.count_distinct(part["account_id"]).as_py()
    attack = attackers(log)
    grouped = {a for c in found.campaigns for a in c.accounts}
    assert len(grouped & attack) >= 0.5 * len(attack)


def test_the_order_of_the_accounts_table_does_not_matter(log, part, quick):
    accounts = pq.read_table(log.accounts)
    order = np.random.default_rng(1).permutation(accounts.num_rows)
    assert said(stillwatch.scan(part, accounts.take(pa.array(order)))) == said(quick)


def test_campaign_ids_stay_when_a_campaign_grows(log, part, quick):
    """Nine tenths of the log, then all of it: what only grew keeps its name."""
    times = part["time"].cast(pa.int64())
    until = int(np.quantile(times.to_numpy(), 0.9))
    earlier = stillwatch.scan(part.filter(pc.less(times, until)), log.accounts)
    kept = 0
    for campaign in earlier.campaigns:
        grown = [c for c in quick.campaigns if set(campaign.accounts) <= set(c.accounts)]
        kept += [c.campaign_id for c in grown] == [campaign.campaign_id]
    assert kept >= 3


def test_rejected_rows_are_counted_and_noted(part):
    broken = part.set_column(
        part.schema.get_field_index("account_id"),
        "account_id",
        pa.array([None, *part["account_id"].to_pylist()[1:]]),
    )
    rejects = Rejects()
    found = stillwatch.scan(broken.slice(0, 500), rejects=rejects)
    assert rejects.total == found.summary.rejected == 1
    assert found.summary.events == 499
    assert any("could not be read" in note for note in found.summary.notes)
