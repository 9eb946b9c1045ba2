"""Bundles: canonical, lossless, bounded; campaigns and signatures read back as they were."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from time import process_time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.cli.main import main
from stillwatch.detect.judgements import Decision, Judgement
from stillwatch.errors import InputError
from stillwatch.events.contracts import Kind, Verdict
from stillwatch.share import atlas
from stillwatch.share.signatures.model import Tlp
from stillwatch.share.stix import allowlist, bundle, campaign, coarse, phrases
from stillwatch.share.stix.coarse import Coarseness, Step
from stillwatch.share.stix.disclosure import Producer, disclose
from stillwatch.share.stix.ids import Ids
from stillwatch.share.stix.incoming import understand
from stillwatch.share.stix.indicators import coarsened, signature_of
from tests.share.stix.build import (
    IDS,
    ME,
    NOW,
    SHARED_KINDS,
    build_bundle,
    build_campaign,
    build_disclosure,
    build_evidence,
    build_signature,
    of_type,
)

numbers = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("level", list(Tlp))
@pytest.mark.parametrize("kind", SHARED_KINDS)
def test_what_leaves_reads_back_to_the_same(kind, level):
    disclosed = build_disclosure(kind, tlp=level)
    signature = coarsened(build_signature(), ME, Coarseness(), IDS, level)
    whole = campaign.bundle(disclosed, [signature], IDS)
    again = bundle.read(bundle.write(whole))
    assert again == whole
    assert campaign.disclosures(again["objects"]) == [disclosed]
    assert signature_of(of_type(again, "indicator")) == signature
    assert allowlist.refusals(again) == []


@given(values)
def test_canonical_form_is_stable_and_lossless(value):
    whole = {"type": "bundle", "id": "x", "objects": [{"type": "note", "x": value}]}
    written = bundle.write(whole)
    assert bundle.read(written) == whole
    assert bundle.write(bundle.read(written)) == written


def test_canonical_form_is_that_of_rfc_8785():
    """The examples of section 3.2.2 and 3.2.3 of the RFC, within a bundle."""
    given_numbers = b"[333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001]"
    whole = bundle.read(b'{"type":"bundle","n":' + given_numbers + b"}")
    wanted = b'{"n":[333333333.3333333,1e+30,4.5,0.002,1e-27],"type":"bundle"}'
    assert bundle.write(whole) == wanted
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\x80", "\u00f6"]
    order = json.loads(bundle.write(dict.fromkeys(names, 0)))
    assert list(order) == ["\r", "1", "\x80", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]


@pytest.mark.shared
@pytest.mark.parametrize("name", ["apt1", "poisonivy"])
def test_bundles_of_other_tools_lose_nothing(shared_data, tmp_path, name, capfd):
    raw = gzip.decompress((shared_data / f"standards/stix_example_{name}.json.gz").read_bytes())
    (tmp_path / "theirs.json").write_bytes(raw)
    out = tmp_path / "received"
    assert (
        main(["share", "import", str(tmp_path / "theirs.json"), "--out", str(out), "--json"]) == 0
    )
    written = (out / "bundle.json").read_bytes()
    assert written == bundle.write(json.loads(raw))
    assert json.loads(written) == json.loads(raw)
    said = json.loads(capfd.readouterr().out)
    assert sum(said["kept"].values()) == len(json.loads(raw)["objects"])
    assert (said["signatures"], said["verdict"]) == ([], "watch")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"[" * 100_000, "deep"),
        (b'{"type":"bundle","a":' + b"[" * 40 + b"]" * 40 + b"}", "deep"),
        (b'{"type":"bundle","type":"bundle"}', "twice"),
        (b'{"type":"bundle","objects":[{"id":"a","id":"b"}]}', "twice"),
        (b'{"type":"bundle","n":NaN}', "NaN"),
        (b'{"type":"indicator"}', "no STIX bundle"),
        (b'{"type":"bundle","objects":[1]}', "list of JSON objects"),
        (b'{"type":"bundle"', "line 1"),
        (b"\xff\xfe", "UTF-8"),
    ],
)
def test_what_is_no_bundle_is_refused(data, why):
    with pytest.raises(InputError, match=why):
        bundle.read(data)


def test_sizes_are_bounded(monkeypatch):
    monkeypatch.setattr(bundle, "MOST_BYTES", 100)
    with pytest.raises(InputError, match="split it"):
        bundle.read(b" " * 101)
    monkeypatch.setattr(bundle, "MOST_OBJECTS", 1)
    with pytest.raises(InputError, match="objects"):
        bundle.read(b'{"type":"bundle","objects":[{},{}]}')


def test_a_number_without_canonical_form_is_refused():
    with pytest.raises(InputError, match=r"2\^53"):
        bundle.write({"n": 2**60})


def test_ids_stay_and_reveal_nothing():
    first, again = build_bundle(), build_bundle(now=NOW + timedelta(days=3))
    names = [one["id"] for one in first["objects"]]
    assert names == [one["id"] for one in again["objects"]]
    assert len(set(names)) == len(names)
    other = Ids.from_secret(b"z" * 32)
    theirs = build_bundle(ids=other)
    assert not {o["id"] for o in theirs["objects"] if o["type"] == "campaign"} & set(names)
    assert "quiet" not in bundle.write(first).decode()


def test_an_update_keeps_what_did_not_change():
    first = build_bundle()["objects"]
    same = build_bundle(now=NOW + timedelta(days=1))["objects"]
    kept = [one for one in bundle.revise(first, same) if one["type"] != "campaign"]
    assert kept == [one for one in first if one["type"] != "campaign"]
    changed = build_bundle(now=NOW + timedelta(days=1), tlp=Tlp.GREEN)["objects"]
    known = {one["id"]: one for one in first}
    for now in bundle.revise(first, changed):
        before = known.get(now["id"])
        if before is None:
            assert now["type"] == "llm-api-activity"  # it has no versions
        elif now != before:
            assert now["created"] == before["created"]
            assert now["modified"] > before["modified"]


@pytest.mark.parametrize("kind", [Kind.ORGANISATION, Kind.SHARED_APP, Kind.EVALUATION])
def test_customers_are_not_shared(kind):
    with pytest.raises(InputError, match="customers"):
        build_disclosure(kind)


def test_a_persons_decision_counts():
    found = build_campaign(Kind.EVALUATION)
    evidence = build_evidence(found)
    options = {"producer": ME, "ids": IDS, "now": NOW, "life": timedelta(days=1)}

    def judge(decision, kind):
        said = Judgement(NOW, "Ada", decision, campaign_id=found.campaign_id,
                         kind=kind, accounts=found.accounts)  # fmt: skip
        return disclose(found, evidence, [said], **options)

    assert judge(Decision.RELABEL, Kind.EXTRACTION).kind is Kind.EXTRACTION
    assert judge(Decision.CONFIRM, Kind.RELAY).confidence == 95
    with pytest.raises(InputError, match="dismissed"):
        judge(Decision.DISMISS, Kind.EXTRACTION)


def test_a_small_campaign_and_a_long_life_are_refused():
    small = build_campaign(size=4)
    options = {"producer": ME, "ids": IDS, "now": NOW, "life": timedelta(days=1)}
    with pytest.raises(InputError, match="4 accounts"):
        disclose(small, build_evidence(small), [], **options)
    with pytest.raises(InputError, match="366 days"):
        build_disclosure(life=timedelta(days=400))


@given(st.integers(0, 10**12), st.sampled_from([1, 2]))
def test_counts_are_coarse_and_near(number, digits):
    rounded = Coarseness(digits).count(number)
    assert coarse.is_coarse(rounded)
    assert len(str(rounded).rstrip("0")) <= digits
    if 1 <= number <= coarse.MOST_COUNTED:
        assert abs(rounded - number) <= number * 0.5 * 10 ** (1 - digits)


@given(st.floats(0, 1))
def test_a_rounded_probability_is_no_stronger_a_claim(number):
    up, down = coarse.probability(number), coarse.probability_down(number)
    assert up >= min(number, 1.0) or up == pytest.approx(number, rel=1e-9)
    assert down <= number
    assert coarse.is_coarse(up)
    assert coarse.is_coarse(down)


@given(
    st.datetimes(datetime(2, 1, 1), datetime(9999, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.sampled_from(list(Step)),
)
def test_a_window_contains_what_happened(moment, step):
    rounding = Coarseness(step=step)
    assert rounding.start(moment) <= moment <= rounding.end(moment)
    assert rounding.end(moment) - rounding.start(moment) <= timedelta(days=1)


def test_rivals_enter_at_watch_and_expire():
    whole = build_bundle(signatures=[build_signature()])
    found = understand(whole, NOW)
    assert (len(found.campaigns), len(found.signatures)) == (1, 1)
    assert found.verdict is Verdict.WATCH
    late = understand(whole, NOW + timedelta(days=400))
    assert (late.campaigns, late.signatures, late.expired) == ((), (), 2)
    earlier = dict(of_type(whole, "indicator"))
    of_type(whole, "indicator")["revoked"] = True
    whole["objects"].append(earlier)
    gone = understand(whole, NOW)
    assert gone.signatures == ()
    assert [one.id for one in gone.revoked] == [one.id for one in found.signatures]


def test_a_damaged_object_of_ours_is_kept_and_named():
    whole = build_bundle(signatures=[build_signature()])
    of_type(whole, "indicator")["pattern"] = "[ipv4-addr:value = '198.51.100.3']"
    del of_type(whole, "campaign")["first_seen"]
    found = understand(whole, NOW)
    assert (found.campaigns, found.signatures) == ((), ())
    assert len(found.skipped) == 2
    assert found.kept["indicator"] == 1


def test_the_command_exports_checks_and_imports(provider, capfd):
    command = ["share", "export", "result#c001", "--created-by", "Example Labs"]
    assert main([*command, "--key-file", "provider.key", "--out", "one.json"]) == 0
    assert main(["share", "check", "one.json"]) == 0
    assert main([*command, "--key-file", "provider.key", "--update", "one.json",
                 "--out", "two.json"]) == 0  # fmt: skip
    one, two = (json.loads((provider / f"{n}.json").read_text()) for n in ("one", "two"))
    assert [o["id"] for o in one["objects"]] == [o["id"] for o in two["objects"]]
    capfd.readouterr()
    assert main(["share", "import", "two.json", "--out", "received", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["campaigns"][0]["producer"]["name"] == "Example Labs"
    assert main(["share", "import", "two.json", "--out", "received"]) == 1
    (provider / "us.json").write_bytes(msgspec.json.encode(Producer(ME.id, "Example Labs")))
    assert main(["share", "export", "result#c001", "--created-by", "us.json"]) == 0
    assert ME.id in capfd.readouterr().out
    assert main(["share", "export", "result", "--created-by", "us.json"]) == 2
    assert main([*command, "--expires", "soon"]) == 2


@pytest.mark.shared
def test_names_of_techniques_are_those_of_atlas(shared_data):
    text = gzip.decompress((shared_data / "standards/atlas_ATLAS.yaml.gz").read_bytes()).decode()
    assert f"version: {atlas.VERSION}" in text
    known = [(t.id, t.name) for t in atlas.TECHNIQUES.values()] + list(atlas.MITIGATIONS.values())
    for code, name in known:
        assert f"- id: {code}\n    name: {name}\n" in text, code


def test_codenames_differ_and_are_allowed():
    names = phrases.codenames()
    assert len(set(names)) == len(names) == 1024


ODD = (5, None, [], {}, ["a"], {"a": 1}, "", "x", True, 10**30, -1, 1.5, float("1e300"))


def places(value, path=()):
    """Every place of a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for name, one in inner:
        yield (*path, name)
        if isinstance(one, dict | list):
            yield from places(one, (*path, name))


def test_an_object_of_any_shape_is_read_or_skipped_and_never_stops_the_rest():
    whole = build_bundle(signatures=[build_signature()])
    later = NOW + timedelta(hours=1)
    assert understand(whole, later).signatures
    for path in list(places(whole["objects"])):
        for odd in ODD:
            changed = json.loads(json.dumps(whole))
            holder = changed["objects"]
            for name in path[:-1]:
                holder = holder[name]
            if len(path) > 1:
                holder[path[-1]] = odd
            found = understand(changed, later)
            # What is read can be written and read again with the types that it must have.
            again = msgspec.json.decode(msgspec.json.encode(found), type=type(found))
            assert again == found, (path, odd)


@pytest.mark.parametrize("text", ["\\ud800", "a\\udfffb", "\\udc80\\ud800"])
def test_half_of_a_surrogate_pair_is_refused_when_it_is_read(text):
    data = f'{{"type":"bundle","id":"x","objects":[{{"type":"note","x":"{text}"}}]}}'
    with pytest.raises(InputError, match="surrogate"):
        bundle.read(data.encode())
    paired = data.replace(text, "\\ud83d\\ude00")
    assert bundle.read(paired.encode())["objects"][0]["x"] == "\U0001f600"


@pytest.mark.parametrize("digits", ["1e400", "-1e400", "1.0e309"])
def test_a_number_beyond_every_double_is_refused_when_it_is_read(digits):
    data = f'{{"type":"bundle","id":"x","objects":[{{"type":"note","x":{digits}}}]}}'
    with pytest.raises(InputError, match="Infinity"):
        bundle.read(data.encode())


def test_objects_of_another_shape_keep_no_campaign_from_being_read():
    whole = build_bundle()
    odd = [
        {"type": "observed-data", "id": "observed-data--1", "object_refs": 5},
        {"type": "relationship", "id": "relationship--1"},
        {"type": "note", "id": []},
        {"type": ["x"], "id": {"a": 1}},
    ]
    found = understand({**whole, "objects": [*odd, *whole["objects"], *odd]}, NOW)
    assert found.campaigns == tuple(campaign.disclosures(whole["objects"]))
    assert len(found.campaigns) == 1


def test_many_campaigns_and_rules_are_read_in_time_that_grows_with_their_number():
    one = of_type(build_bundle(), "campaign")
    many = [{**one, "id": f"campaign--{n}"} for n in range(20_000)]
    rules = [{"type": "indicator", "pattern_type": "sigma", "x": n} for n in range(20_000)]
    before = process_time()
    found = understand({"type": "bundle", "objects": [*many, *rules]}, NOW)
    assert len(found.skipped) == 40_000
    assert process_time() - before < 20  # one look at each for each was minutes


def test_nothing_is_taken_up_of_a_bundle_that_cannot_be_written(provider):
    theirs, signatures, out = provider / "b.json", provider / "signatures", provider / "out"
    made = build_signature(id="signature--x")
    whole = build_bundle(signatures=[made])
    theirs.write_bytes(bundle.write(whole))
    given = ["share", "import", str(theirs), "--signatures", str(signatures), "--out", str(out)]
    given += ["--forum-key", "provider.key"]
    out.mkdir()
    (out / "kept").write_text("mine")
    assert main(given) == 1
    theirs.write_text(json.dumps({**whole, "x": 2**60 + 1}))
    (out / "kept").unlink()
    assert main(given) == 1
    assert not signatures.exists()
    assert not list(out.iterdir())


def test_what_gives_no_size_is_read_no_further_than_the_limit(monkeypatch, capsys):
    monkeypatch.setattr(bundle, "MOST_BYTES", 1000)
    assert main(["share", "import", "/dev/zero"]) == 1
    assert "larger than 1,000 bytes" in capsys.readouterr().err


def test_a_rule_whose_aliases_stand_for_millions_of_values_is_refused(provider, capsys):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    rule = provider / "rule.yml"
    rule.write_text("\n".join(["id: 00000000-0000-4000-8000-000000000001", *lines]))
    given = ["share", "export", "result#c001", "--created-by", "Example Labs", "--rule", str(rule)]
    assert main([*given, "--key-file", "provider.key"]) == 1
    assert "aliases" in capsys.readouterr().err


def test_what_passed_through_the_library_of_oasis_is_understood():
    stix2 = pytest.importorskip("stix2")
    whole = build_bundle(signatures=[build_signature()])
    written = stix2.parse(bundle.write(whole), allow_custom=True).serialize()
    assert '"2026-04-05T12:00:00Z"' in written  # it leaves decimals out where they are zero
    ours, theirs = understand(whole, NOW), understand(bundle.read(written.encode()), NOW)
    assert (theirs.campaigns, theirs.signatures) == (ours.campaigns, ours.signatures)
    assert theirs.skipped == ()


@pytest.mark.parametrize("text", ["2026-03-06", "2026-03-06T14:00:00", "2026-03-06T14:00:00+01:00"])
def test_a_time_that_is_not_of_stix_is_refused(text):
    with pytest.raises(ValueError, match="must be like"):
        coarse.moment(text)
