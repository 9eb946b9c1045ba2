import msgspec
import pytest

from stillwatch.share.signatures.families import Family
from stillwatch.share.signatures.lint import lint
from stillwatch.share.signatures.model import Feature, Rate, Rule, identify
from tests.share.signatures.build import DAY, START, keyed, pattern, signature, template


def test_a_sound_signature_has_no_fault():
    assert lint(signature()) == []
    client = Feature(Family.CLIENT, ("openai/python",))
    tls = Feature(Family.TLS, ("t13d1516h2_8daaf6152771_b186095e22b6",))
    assert lint(signature(template(1, 2), client, tls)) == []


@pytest.mark.parametrize(
    ("features", "fault"),
    [
        ((Feature(Family.TEMPLATE, ("Let us think",)),), "no fingerprint has"),
        ((Feature(Family.TEMPLATE, ("00ff",)),), "no fingerprint has"),
        ((Feature(Family.CLIENT, ("ada@example.org",)), template(1)), "no fingerprint has"),
        ((Feature(Family.LIFE, ("years",)), template(1)), "no fingerprint has"),
        ((Feature(Family.PARAMETERS, (keyed(1),)),), "can stand alone"),
        ((Feature(Family.TEMPLATE, (keyed(2), keyed(1))),), "must ascend"),
        ((Feature(Family.TEMPLATE, (keyed(1), keyed(2)), 2),), "an event carries one"),
        ((Feature(Family.BANDS, (keyed(1),), 2),), "asks for 2 of 1"),
    ],
)
def test_features_that_cannot_be_are_faults(features, fault):
    assert [found for found in lint(signature(*features)) if fault in found]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"k": 4}, "single someone out"),
        ({"id": "signature--0"}, "not that of its content"),
        ({"false_positives": Rate.of(0, 0)}, "never measured"),
        ({"valid_until": START - DAY}, "ends before"),
        ({"techniques": ("T1234",)}, "no MITRE ATLAS"),
        ({"created_by": "acme"}, "no identity"),
        ({"name": "mail ada@example.org"}, "an address"),
        ({"description": "from 10.1.2.3"}, "an address"),
        ({"description": "costs $ 3"}, "a price"),
        ({"rule": Rule(0)}, "at least one event"),
    ],
)
def test_faults_of_the_rest_are_found(change, fault):
    changed = msgspec.structs.replace(signature(), **change)
    assert [found for found in lint(changed) if fault in found]


def test_values_on_a_warning_list_are_a_fault():
    assert lint(signature(), warned={Family.TEMPLATE: {keyed(7)}}) == [
        "1 values of template are on a warning list"
    ]


def test_the_id_does_not_depend_on_the_order_of_features():
    one, two = template(1), Feature(Family.OPENING, (keyed(1),))
    assert identify(pattern(one, two), "k") == identify(pattern(two, one), "k")
    assert identify(pattern(one), "k") != identify(pattern(one), "l")
    assert identify(pattern(one), "k") != identify(pattern(one, events=2), "k")


@pytest.mark.parametrize("text", ["\x1b[31mred", "two\nlines", "a\u202eb", "a\u200bb", "\x9b0m"])
def test_words_that_a_terminal_may_obey_are_a_fault(text):
    for field in ("name", "description", "objective"):
        found = lint(msgspec.structs.replace(signature(), **{field: text}))
        assert any("does not print" in fault for fault in found)
