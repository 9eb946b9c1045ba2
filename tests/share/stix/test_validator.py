"""What leaves passes the validator of OASIS and is read by other libraries."""

import itertools
import json
from pathlib import Path

import jsonschema
import pytest
import stix2
from stix2patterns.v21.pattern import Pattern
from stix2patterns.validator import run_validator
from stix2validator import ValidationOptions, validate_instance

from stillwatch.errors import InputError
from stillwatch.events.contracts import Kind, Verdict
from stillwatch.share.signatures.families import ASPECTS, Family
from stillwatch.share.signatures.model import Feature, Tlp
from stillwatch.share.stix import bundle as bundles
from stillwatch.share.stix import patterns, tlp
from stillwatch.share.stix.coarse import Coarseness, Step
from stillwatch.share.stix.published import SCHEMAS, schema, tables
from tests.share.stix.build import ME, SHARED_KINDS, build_bundle, build_signature, of_type

ROOT = Path(__file__).parents[3]
READABLE = {
    Family.TLS: ("t13d1516h2_8daaf6152771_b186095e22b6",),
    Family.CLIENT: ("openai/python", "curl"),
    Family.MARKERS: ("1ff",),
    Family.COMPLETION_MARKERS: ("3",),
    Family.LIFE: ("hours",),
    Family.RAMP: ("at-once",),
    Family.PACE: ("mass",),
    Family.RHYTHM: ("round-the-clock", "part-of-day"),
}


def faults(bundle, *, interop=True, **options):
    strict = ValidationOptions(strict=True, interop=interop, version="2.1", **options)
    return [str(error) for error in validate_instance(bundle, strict).errors]


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("level", list(Tlp))
@pytest.mark.parametrize("kind", SHARED_KINDS)
def test_every_kind_of_export_is_valid_and_interoperable(kind, level, signed):
    signatures = [build_signature()] if signed else []
    bundle = build_bundle(kind, signatures, level)
    assert faults(bundles.read(bundles.write(bundle))) == []


@pytest.mark.parametrize("rounding", [Coarseness(1, Step.DAY), Coarseness(2, Step.HOUR)])
@pytest.mark.parametrize("responses", [[], list(Verdict)[1:]])
def test_every_option_gives_a_valid_bundle(rounding, responses):
    assert faults(build_bundle(coarseness=rounding, responses=responses)) == []


def test_the_validator_would_complain():
    bundle = build_bundle()
    of_type(bundle, "campaign")["x_price"] = "1.99"
    assert len(faults(bundle)) == 1


def test_exports_obey_the_published_schemas():
    bundle = build_bundle(signatures=[build_signature()])
    assert faults(bundle, schema_dir=str(ROOT / "docs/stix")) == []
    jsonschema.validate(bundle, json.loads((ROOT / "docs/stix/bundle.json").read_text()))
    of_type(bundle, "llm-api-activity")["accounts"] = 0
    assert faults(bundle, schema_dir=str(ROOT / "docs/stix"))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(bundle, schema("bundle"))


@pytest.mark.parametrize("name", SCHEMAS)
def test_published_schemas_are_those_of_the_code(name):
    assert json.loads((ROOT / f"docs/stix/{name}.json").read_text()) == schema(name)


def test_the_page_lists_every_field_as_the_code_does():
    assert tables() in (ROOT / "docs/sharing.md").read_text()


def test_the_reference_library_reads_it_without_loss():
    bundle = build_bundle(signatures=[build_signature()])
    parsed = stix2.parse(bundles.write(bundle), allow_custom=True)
    again = json.loads(parsed.serialize())
    assert {o["id"] for o in again["objects"]} == {o["id"] for o in bundle["objects"]}
    assert of_type(again, "indicator")["pattern"] == of_type(bundle, "indicator")["pattern"]
    assert of_type(again, "campaign")["created_by_ref"] == ME.id


@pytest.mark.parametrize("level", list(Tlp))
def test_markings_of_tlp_are_valid(level):
    assert faults(tlp.marking(level), interop=False) == []  # they have no creator, as published
    assert tlp.of_marking(tlp.IDS[level]) is level


@pytest.mark.parametrize("family", list(Family))
def test_every_family_is_a_pattern_that_other_parsers_read(family):
    digits = ASPECTS[family].keyed
    feature = Feature(family, READABLE.get(family, tuple(f"{i:0{digits}x}" for i in range(3))))
    anchor = Feature(Family.OPENING, ("a" * 16,))
    features = [feature] if ASPECTS[family].column else [anchor, feature]
    pattern = patterns.write(features, 12)
    assert run_validator(pattern, stix_version="2.1") == []
    terms = itertools.chain.from_iterable(Pattern(pattern).inspect().comparisons.values())
    assert family.value.replace("-", "_") in {path[0] for path, _, _ in terms}
    read, rule = patterns.read(pattern, {}, 0.5)
    assert (read, rule.events, rule.share) == (features, 12, 0.5)


def test_kinds_of_customers_have_no_words():
    assert set(SHARED_KINDS) | {Kind.SHARED_APP, Kind.ORGANISATION, Kind.EVALUATION} == set(Kind)


TEMPLATE = Feature(Family.TEMPLATE, ("a" * 16,))


@pytest.mark.parametrize(
    ("features", "why"),
    [
        ([Feature(Family.PACE, ("mass",))], "shapes alone"),
        ([TEMPLATE, Feature(Family.TEMPLATE, ("b" * 16,))], "one family"),
        ([Feature(Family.TEMPLATE, ("a" * 16,), 2)], "asks for 2 values"),
        ([Feature(Family.BANDS, ("a" * 16,), 2)], "asks for 2 values"),
        ([Feature(Family.BANDS, ("a" * 16, "a" * 16))], "each once"),
        ([Feature(Family.BANDS, ())], "asks for 1 values"),
        ([TEMPLATE, Feature(Family.CLIENT, ("acme-crawler",))], "public client software"),
        ([TEMPLATE, Feature(Family.TLS, ("curl' OR '1",))], "JA4"),
    ],
)
def test_a_pattern_that_may_not_leave_is_refused(features, why):
    with pytest.raises(InputError, match=why):
        patterns.write(features, 3)


@pytest.mark.parametrize(
    "pattern",
    [
        "[ipv4-addr:value = '198.51.100.3']",
        "[llm-api-event:template = 'aaaaaaaaaaaaaaaa']",
        "[llm-api-event:template =  'aaaaaaaaaaaaaaaa'] REPEATS 3 TIMES",
        "[llm-api-account:template = 'aaaaaaaaaaaaaaaa'] REPEATS 3 TIMES",
        "[llm-api-event:opening = 'aaaaaaaaaaaaaaaa'] REPEATS 3 TIMES AND [llm-api-event:tls = '']",
        "[llm-api-event:price = '1'] REPEATS 3 TIMES",
        "[llm-api-event:template IN ('aaaaaaaaaaaaaaaa')] REPEATS 3 TIMES",
        "",
    ],
)
def test_a_pattern_of_others_is_not_read(pattern):
    with pytest.raises(InputError):
        patterns.read(pattern, {}, 0.0)
