"""Nothing of a log, a customer or a price list comes out, by any path and in no disguise."""

import base64
import gzip
import json
from datetime import timedelta
from unittest import mock

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from stillwatch.cli.main import main
from stillwatch.detect.judgements import Decision, Judgement
from stillwatch.detect.results import Value
from stillwatch.detect.store import append_judgement, write_result
from stillwatch.errors import InputError
from stillwatch.events.contracts import Kind
from stillwatch.share.signatures.families import Family
from stillwatch.share.signatures.life import Act, Happening
from stillwatch.share.signatures.model import Feature, Tlp
from stillwatch.share.signatures.store import SignatureStore
from stillwatch.share.stix import allowlist, misp
from stillwatch.share.stix import bundle as bundles
from stillwatch.share.stix import campaign as stix_campaign
from stillwatch.share.stix.coarse import Coarseness
from stillwatch.share.stix.disclosure import Producer, disclose
from stillwatch.share.stix.indicators import coarsened
from stillwatch.share.stix.rules import Fields, Many, Text
from tests.report.build import assemble, build_result
from tests.share.stix import canaries
from tests.share.stix.build import (
    IDS,
    ME,
    NOW,
    SHARED_KINDS,
    build_bundle,
    build_campaign,
    build_evidence,
    build_signature,
)

ANY = Text(r"(?s:.*)", 1_000_000, "any text")
planted = st.lists(canaries.texts, min_size=3, max_size=3, unique=True)
quick = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def judged(text, kind):
    return Judgement(time=NOW, by=text, decision=Decision.CONFIRM, campaign_id=f"sw-{text}",
                     kind=kind, accounts=[text], note=text)  # fmt: skip


def publish(folder, signature, by):
    """A store with a published signature, and a draft that stays."""
    store = SignatureStore(folder)
    store.add([signature, build_signature(id="signature--draft", text=by)])
    for act in (Act.TEST, Act.PUBLISH):
        store.record(Happening(signature.id, NOW, act, by=by, note=by))


def exported(texts, kind=Kind.EXTRACTION, signature=None):
    """Everything that comes out of an export with canaries in every field, errors included."""
    campaign = build_campaign(kind, texts[0], objective=texts[1], accounts=texts * 140)
    evidence = build_evidence(campaign, texts[2])
    given_signature = signature or build_signature(text=texts[1])
    try:
        disclosed = disclose(
            campaign, evidence, [judged(texts[0], kind)], producer=ME, ids=IDS, now=NOW,
            life=timedelta(days=9),
        )  # fmt: skip
        ready = [coarsened(given_signature, ME, Coarseness(), IDS, Tlp.AMBER)]
        whole = stix_campaign.bundle(disclosed, ready, IDS)
        allowlist.check(whole)
    except InputError as error:
        return [str(error)]
    return [bundles.write(whole)]


@pytest.mark.parametrize("kind", list(Kind))
@quick
@given(planted)
def test_nothing_of_a_campaign_comes_out(kind, texts):
    said = exported(texts, kind)
    assert canaries.leaks(texts, *said) == []
    assert (said[0][:1] == b"{") == (kind in SHARED_KINDS)


@settings(quick, max_examples=10)
@given(planted)
def test_nothing_comes_out_as_misp(texts):
    campaign = build_campaign(text=texts[0])
    bundle = bundles.read(exported(texts)[0])
    event = misp.event(bundle)
    assert canaries.leaks([*texts, campaign.campaign_id], event) == []
    assert json.loads(event)["Event"]["info"].startswith("Extraction campaign ")


@quick
@given(planted, st.sampled_from(list(Family)))
def test_nothing_comes_out_of_a_signature(texts, family):
    values = (Feature(Family.TEMPLATE, ("0" * 16,)), Feature(family, (texts[0], texts[1])))
    for changes in (
        {"features": values},
        {"key_id": texts[2]},
        {"objective": texts[0]},
        {"techniques": (texts[0], texts[1])},
    ):
        said = exported(texts, signature=build_signature(text=texts[1], **changes))
        assert canaries.leaks(texts, *said) == []
        assert said[0][:1] != b"{"


@quick
@given(canaries.texts)
def test_a_name_of_who_shares_is_a_name(text):
    bundle = build_bundle(producer=Producer(ME.id, text))
    with pytest.raises(InputError, match=r"identity\)\.name") as error:
        allowlist.check(bundle)
    assert canaries.leaks([text], str(error.value)) == []


def places(value, path=()):
    """Every place in a bundle where a value stands."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from places(inner, (*path, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from places(inner, (*path, number))
    else:
        yield path


WHOLE = build_bundle(signatures=[build_signature()])
PLACES = sorted(places(WHOLE), key=str)
RAW = bundles.write(WHOLE)


def replaced(path, value, name=None):
    """The bundle with another value at a place, or with a new property beside it."""
    bundle = bundles.read(RAW)
    around = bundle
    for step in path[:-1]:
        around = around[step]
    if name is None:
        around[path[-1]] = value
    elif isinstance(around, dict):
        around[name] = value
    else:
        around.append(value)
    return bundle


def wrapped(text):
    """A text and what it may hide in."""
    yield text
    yield base64.b64encode(text.encode()).decode()
    yield text.encode().hex()
    yield text[::-1]
    yield base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()
    yield [text]
    yield {"value": text}


@quick
@given(canaries.texts, st.sampled_from(PLACES), st.integers(0, 6))
def test_a_planted_text_is_refused_at_every_place(text, place, form):
    disguised = list(wrapped(text))[form]
    found = allowlist.refusals(replaced(place, disguised))
    assert found
    assert canaries.leaks([text], *found) == []


@quick
@given(canaries.texts, st.sampled_from(PLACES), st.booleans())
def test_a_planted_property_is_refused_and_not_repeated(text, place, in_name):
    name = text if in_name else "prompt"
    bundle = replaced(place, text, name)
    found = allowlist.refusals(bundle)
    assert found
    assert canaries.leaks([text], *found) == []
    with pytest.raises(InputError) as error:
        misp.event(bundle)
    assert canaries.leaks([text], str(error.value)) == []


@pytest.mark.parametrize("place", PLACES, ids=str)
@settings(quick, max_examples=5)
@given(st.integers(10_001, 10**12).filter(lambda n: n % 1000))
@example(1042)
@example(48_213)
def test_exact_numbers_are_refused_at_every_place(place, number):
    for exact in (number, number / 100, str(number)):
        assert allowlist.refusals(replaced(place, exact)), place


@settings(quick, max_examples=3)
@given(planted, st.sampled_from([Kind.EXTRACTION, Kind.RELAY]))
def test_nothing_comes_out_of_the_command(tmp_path_factory, texts, kind):
    """Files, their names, what is printed and what is said, of every command of the group."""
    folder = tmp_path_factory.mktemp("export")
    campaign = build_campaign(kind, texts[0], campaign_id="sw-12345678")
    campaign = msgspec.structs.replace(campaign, value=Value(1234.56, 7890.12, texts[1]))
    rng = np.random.default_rng(1)
    evidence = {campaign.campaign_id: build_evidence(campaign, texts[1])}
    write_result(assemble((campaign,), evidence, 2000, rng), folder / "result")
    append_judgement(folder / "result", judged(texts[2], kind))
    publish(folder / "signatures", build_signature(text=texts[1]), texts[2])
    key = folder / "provider.key"
    assert main(["key", "new", str(key)]) == 0
    out = folder / "out"
    common = ["share", "export", f"{folder}/result#sw-12345678", "--created-by", "Example Labs",
              "--key-file", str(key), "--signatures", str(folder / "signatures")]  # fmt: skip
    for form in ("stix", "misp"):
        assert main([*common, "--format", form, "--out", str(out / f"{form}.json")]) == 0
    assert main(["share", "check", str(out / "stix.json")]) == 0
    written = sorted(out.rglob("*"))
    outputs = [path.read_bytes() for path in written] + [str(path.name) for path in written]
    assert len(written) == 2
    assert canaries.leaks([*texts, "sw-12345678", "1234.56"], *outputs) == []


def test_what_a_command_says_of_a_bad_bundle_repeats_nothing(tmp_path, capfd):
    text = "ada@quokka.example"
    (tmp_path / "bad.json").write_bytes(bundles.write(replaced(PLACES[7], text, text)))
    assert main(["share", "check", str(tmp_path / "bad.json")]) == 1
    assert main(["share", "check", str(tmp_path / "bad.json"), "--json"]) == 1
    shown = capfd.readouterr()
    assert "may not leave" in shown.out + shown.err
    assert canaries.leaks([text], shown.out, shown.err) == []


def opened(rules, path):
    """Rules with one field that takes any text."""
    name, *rest = path
    if isinstance(rules, Many):
        return Many(opened(rules.rule, path), rules.most, rules.least)
    inner = ANY if not rest else opened(rules.all[name], rest)
    required = {**rules.required, name: inner} if name in rules.required else rules.required
    optional = {**rules.optional, name: inner} if name in rules.optional else rules.optional
    return Fields(required, optional)


@pytest.mark.parametrize(
    ("type_", "path"),
    [
        ("campaign", ["description"]),
        ("observed-data", ["object_refs"]),
        ("sighting", ["last_seen"]),
    ],
)
def test_an_allow_list_with_one_field_opened_is_caught(type_, path):
    """A mapping that leaks is stopped by the list; with the field opened, the search finds it."""
    text = "Please derive the quokka step by step"
    bundle = bundles.read(RAW)
    next(one for one in bundle["objects"] if one["type"] == type_)[path[0]] = text
    with pytest.raises(InputError, match=path[0]):
        allowlist.check(bundle)
    mutant = {**allowlist.OBJECTS, type_: opened(allowlist.OBJECTS[type_], path)}
    with mock.patch.object(allowlist, "OBJECTS", mutant):
        allowlist.check(bundle)
        assert canaries.leaks([text], bundles.write(bundle)) == [text]


@quick
@given(canaries.texts, st.text(max_size=7), st.integers(0, 2))
def test_the_search_finds_every_disguise(text, around, pad):
    for form in canaries.disguises(text):
        assert canaries.leaks([text], around.encode(), b"<" + form + b">") == [text]
    inside = base64.b64encode(b"x" * pad + text.encode() + b"yz")
    assert canaries.leaks([text], inside) == [text]
    assert canaries.leaks([text], "Extraction campaign steep meadow", RAW) == []


def test_the_results_of_the_report_are_shared_too():
    result = build_result()
    for campaign in result.campaigns:
        if campaign.kind in SHARED_KINDS:
            evidence = result.evidence[campaign.campaign_id]
            disclosed = disclose(
                campaign, evidence, [], producer=ME, ids=IDS, now=NOW, life=timedelta(days=9)
            )
            whole = stix_campaign.bundle(disclosed, [], IDS)
            allowlist.check(whole)
            assert canaries.leaks(campaign.accounts[:20], bundles.write(whole)) == []
