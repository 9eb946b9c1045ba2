import pytest
import yaml

from stillwatch.errors import InputError
from stillwatch.share.sigma.cases import read_cases
from stillwatch.share.sigma.convert import convert
from stillwatch.share.sigma.lint import lint
from stillwatch.share.sigma.reading import read_rules
from tests.share.sigma.build import document, event, in_python

GOOD = {
    "id": "3b7d4a52-6d0e-4f0a-9f46-6a7a0b6a9d11",
    "status": "test",
    "description": "A rule.",
    "author": "Someone",
    "date": "2026-11-21",
    "tags": ["atlas.aml.t0024.002"],
    "falsepositives": ["Somebody else."],
    "level": "low",
}
DETECTION = {"selection": {"markers": "thinking"}, "condition": "selection"}
MANY = [f"w{n}" for n in range(41)]
WORDY = "carries no prompt"
LONG = "in this long prompt there are many more words than a turn of phrase has"


def said_of(detection=DETECTION, **changes):
    body = document(detection) | GOOD | changes
    text = yaml.safe_dump({key: value for key, value in body.items() if value is not None})
    return [issue.message for issue in lint([read_rules(text, "a.yml")])]


def selection(**fields):
    return {
        "selection": {key.replace("__", "|"): v for key, v in fields.items()},
        "condition": "selection",
    }


def test_a_good_rule_has_no_issue():
    assert said_of() == []


ISSUES = {
    "no id": ({"id": None}, "id is missing"),
    "no notes": ({"falsepositives": None}, "who else does this"),
    "no author": ({"author": None}, "author is missing"),
    "no level": ({"level": None}, "level is missing"),
    "no status": ({"status": None}, "status is missing"),
    "no date": ({"date": None}, "date is missing"),
    "dates": ({"modified": "2026-01-01"}, "modified lies before date"),
    "no technique": ({"tags": ["tlp.green"]}, "no technique of ATLAS"),
    "technique": ({"tags": ["atlas.aml.t9999"]}, "no technique of aml"),
    "namespace": ({"tags": ["atlas.aml.t0012", "mine.own"]}, "namespace that nobody knows"),
    "prompt": ({"detection": selection(prompt__contains=LONG)}, WORDY),
    "regex": ({"detection": selection(prompt__re=LONG + " and " + LONG)}, WORDY),
    "encoded": ({"detection": selection(prompt__base64=LONG)}, WORDY),
    "many": ({"detection": selection(prompt__contains=MANY)}, "the most"),
    "account": ({"detection": selection(account_id="acct-7")}, "names someone"),
    "address": ({"detection": selection(client_address__cidr="192.0.2.0/24")}, "names someone"),
    "country": ({"detection": selection(country="AQ")}, "never a signal"),
    "language": ({"detection": selection(prompt_language="x")}, "never a signal"),
    "unknown": ({"detection": selection(colour="red")}, "no field 'colour'"),
    "source": ({"logsource": {"product": "windows", "category": "process_creation"}}, "log source"),
    "dangling": ({"detection": DETECTION | {"other": {"stream": True}}}, "not referenced"),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "message"), ISSUES.values(), ids=ISSUES)
def test_each_fault_is_one_clear_line(changes, message):
    import re  # noqa: PLC0415

    said = said_of(**changes)
    assert any(re.search(message, line) for line in said), said
    assert not any("\n" in line for line in said)


def test_rules_with_one_id_are_found():
    text = yaml.safe_dump(document(DETECTION) | GOOD)
    files = [read_rules(text, "a.yml"), read_rules(text, "b.yml")]
    assert any("identifier" in issue.message.lower() for issue in lint(files))


def test_what_is_no_rule_is_one_clear_line():
    for text in ("", "[1, 2]", "title: x", "a: [", "title: x\ndetection: 3\nlogsource: 4"):
        with pytest.raises(InputError) as caught:
            read_rules(text, "a.yml")
        assert str(caught.value).startswith("a.yml")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "- {name: a, match: true}",
        "- {name: a, match: true, events: [{markers: [spying]}]}",
        "- {name: a, match: true, events: [{colour: red}]}",
        "- {name: a, match: true, events: [{repeat: 20000}]}",
        "- {name: a, match: maybe, profile: {}}",
        "name: [",
    ],
)
def test_what_is_no_case_is_one_clear_line(text):
    with pytest.raises(InputError, match=r"tests\.yml holds no test events"):
        read_cases(text, "tests.yml")


HOSTILE = {
    "undefined": ("two", "not defined"),
    "pipe": ("selection | count() > 3", "deprecated"),
    "deep": ("not " * 400 + "selection", "recursion"),
    "long": ("selection or " * 300 + "selection", "split the rule"),
    "brackets": ("(" * 40 + "selection" + ")" * 40, "split the rule"),
}


@pytest.mark.parametrize(("condition", "why"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_condition_is_one_clear_line(condition, why):
    detection = DETECTION | {"condition": condition}
    assert any(why in line for line in said_of(detection))
    rule = read_rules(yaml.safe_dump(document(detection)), "a.yml").rules[0]
    with pytest.raises(InputError, match=why):
        in_python(rule, [event()])
    done = convert(yaml.safe_dump(document(detection)), "a.yml", "duckdb")
    assert done.queries == ()
    assert why in done.reason


@pytest.mark.parametrize("text", ["a: 2026-13-45", "a: [", "a: \x07"])
def test_what_no_reader_of_yaml_takes_is_one_line(text):
    with pytest.raises(InputError, match="is not YAML"):
        read_rules(text, "a.yml")


@pytest.mark.parametrize("text", ["title: a\ntitle: b\n", "a: {b: 1, c: 2, b: 3}\n"])
def test_a_name_that_stands_twice_is_refused(text):
    with pytest.raises(InputError, match="stands twice"):
        read_rules(text, "a.yml")


def test_a_few_lines_cannot_stand_for_millions_of_values():
    bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"
    with pytest.raises(InputError, match="aliases are not allowed"):
        read_rules(bomb, "a.yml")
    with pytest.raises(InputError, match="split it"):
        read_rules("a" * 200_001, "a.yml")
