"""Records on disk, and what other members sent."""

import msgspec
import pytest

from stillwatch.errors import InputError, StorageError
from stillwatch.share.attribution.received import matched, received
from stillwatch.share.attribution.store import RECORDS, add_record, read_records
from stillwatch.share.signatures.families import NEEDED, Family
from stillwatch.share.signatures.model import Feature, Rule
from tests.share.attribution.build import accounts, events, recorded, traces
from tests.share.stix.build import build_bundle, build_signature, of_type

MEMBERS = ["a", "b"]


def record(operator="A", campaign="c"):
    table = accounts([{"account_id": m, "payment_hash": "k"} for m in MEMBERS])
    return recorded(traces(table, MEMBERS), operator, campaign)


def test_what_is_added_is_read_back(tmp_path):
    for one in (record("A", "c1"), record("B", "c2")):
        add_record(tmp_path / "known", one)
    assert read_records(tmp_path / "known") == [record("A", "c1"), record("B", "c2")]


def test_a_later_word_of_the_same_person_counts(tmp_path):
    for one in (record("A", "c1"), record("B", "c1")):
        add_record(tmp_path, one)
    assert [r.operator for r in read_records(tmp_path)] == ["B"]


def test_a_line_that_a_crash_cut_off_is_left_out(tmp_path):
    add_record(tmp_path, record("A", "c1"))
    path = tmp_path / RECORDS
    path.write_bytes(path.read_bytes() + msgspec.json.encode(record("B", "c2"))[:40])
    assert [r.operator for r in read_records(tmp_path)] == ["A"]
    add_record(tmp_path, record("C", "c3"))
    assert [r.operator for r in read_records(tmp_path)] == ["A", "C"]


def test_damage_is_one_clear_line(tmp_path):
    with pytest.raises(InputError, match="record one with"):
        read_records(tmp_path)
    (tmp_path / RECORDS).write_text('{"format": "another"}\n')
    with pytest.raises(InputError, match="another version"):
        read_records(tmp_path)
    (tmp_path / RECORDS).write_text('{"format": "stillwatch-operators/1"}\nno record\n')
    with pytest.raises(InputError, match="damaged"):
        read_records(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        add_record(tmp_path / "file", record())


FRAME = build_signature((Feature(Family.TEMPLATE, ("00000000000000ff",)),), rule=Rule(1, 0.0))


def attributed(bundle, **actor):
    """The bundle with an actor that its campaign is attributed to, as another tool writes it."""
    campaign = of_type(bundle, "campaign")
    name = {"type": "threat-actor", "id": "threat-actor--1", "name": "Operator A"} | actor
    link = {
        "type": "relationship",
        "relationship_type": "attributed-to",
        "source_ref": campaign["id"],
        "target_ref": name["id"],
    }
    return bundle | {"objects": [*bundle["objects"], name, link]}


def test_a_campaign_with_signatures_is_a_candidate_under_its_name_and_member():
    [one] = received(build_bundle(signatures=[FRAME]))
    assert one.name.endswith("of Example Labs")
    assert (one.member, one.attributed) == ("Example Labs", False)
    assert one.signatures[0].features == FRAME.features
    assert received(build_bundle()) == []


def test_a_campaign_is_whose_its_member_says_it_is():
    bundle = build_bundle(signatures=[FRAME])
    [one] = received(attributed(bundle))
    assert (one.name, one.attributed) == ("Operator A", True)
    [other] = received(attributed(bundle, revoked=True))
    assert not other.attributed
    [third] = received(attributed(bundle, type="location"))
    assert not third.attributed


def test_accounts_that_match_signatures_of_another_member_are_counted():
    campaigns = received(build_bundle(signatures=[FRAME]))
    rows = events([{"account_id": m, "template": 255 if m == "a" else 1} for m in MEMBERS * 6])
    [found] = matched(campaigns, rows.select(list(NEEDED)).to_batches(), MEMBERS)
    assert (found.carrying, found.accounts, found.share) == (1, 2, 0.5)
    assert found.examples == (campaigns[0].signatures[0].id,)
