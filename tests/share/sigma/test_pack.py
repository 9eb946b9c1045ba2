"""The rules that ship: linted, tested on both engines, and converted for other systems."""

from importlib.resources import files

import pytest
import yaml

from stillwatch.share.atlas import TAGS
from stillwatch.share.sigma.convert import convert, targets
from stillwatch.share.sigma.engine import run_case
from stillwatch.share.sigma.fields import Service
from stillwatch.share.sigma.incremental import Pack
from stillwatch.share.sigma.lint import lint
from stillwatch.share.sigma.match import plan
from stillwatch.share.sigma.pack import pack, pack_cases, pack_names

NAMES = pack_names()
RULES = dict(zip(NAMES, (plan([file])[0] for file in pack()), strict=True))
ONLY_OVER_A_LOG = {"failover_after_block", "probe_then_harvest"}
UNCONVERTED = {
    "splunk": {"failover_after_block"},  # no temporal_ordered
    "esql": {
        "failover_after_block",
        # Lucene's regular expressions mean something else
        "working_memory_translated",
        "thinking_language_forced",
        "reasoning_signature_replayed",
    },
}


def test_the_pack_has_nothing_to_mend():
    assert len(NAMES) >= 30
    assert lint(pack()) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_rule_of_the_pack_does_what_its_cases_say_on_duckdb(name):
    cases = pack_cases(name)
    assert {case.match for case in cases} == {True, False}
    found = {case.name: run_case(RULES[name], case) for case in cases}
    assert found == {case.name: case.match for case in cases}


@pytest.mark.parametrize("name", sorted(set(NAMES) - ONLY_OVER_A_LOG))
def test_and_in_the_path_of_a_request(name):
    for case in pack_cases(name):
        compiled = Pack.compile([RULES[name].rule])
        assert not compiled.skipped
        found = [name for row in case.rows for name in compiled.match(row)]
        assert bool(found) is case.match, case.name


def test_most_rules_need_no_text():
    with_text = {name for name in NAMES if RULES[name].raw}
    assert with_text == {
        "inline_reasoning_tags",
        "reasoning_signature_replayed",
        "thinking_language_forced",
        "working_memory_translated",
    }
    assert {rule.service for rule in RULES.values()} == set(Service)


@pytest.mark.parametrize("target", ["splunk", "esql", "lucene", "eql", "duckdb"])
def test_the_pack_for_other_systems(target):
    folder = files("stillwatch.share.sigma") / "rules"
    done = {n: convert((folder / f"{n}.yml").read_text(), n, target) for n in NAMES}
    failed = {name for name, each in done.items() if not each.queries}
    assert all(done[name].reason for name in failed)
    if target in UNCONVERTED:
        assert failed == UNCONVERTED[target]
    if target == "lucene":
        assert all(RULES[n].correlation or "regular" in done[n].reason for n in failed)
    if target == "eql":
        assert failed >= {
            n for n in NAMES if (c := RULES[n].correlation) and c.counts == "value_count"
        }
    if target == "duckdb":
        assert not failed
    assert target in targets()


def test_es_ql_gets_a_boolean_for_each_name():
    folder = files("stillwatch.share.sigma") / "rules"
    done = convert((folder / "fake_debugging_session.yml").read_text(), "a.yml", "esql")
    assert "markers_system_probe==true" in done.queries[0].replace(" ", "").lower()
    assert "markers==" not in done.queries[0].replace(" ", "")


@pytest.mark.shared
def test_every_technique_is_one_of_atlas(shared_data):
    import gzip  # noqa: PLC0415 - for this test alone

    text = gzip.decompress((shared_data / "standards/atlas_ATLAS.yaml.gz").read_bytes())
    known = {}

    def walk(node):
        if isinstance(node, dict):
            if {"id", "name"} <= node.keys():
                known[str(node["id"]).lower()] = node["name"]
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(yaml.load(text, yaml.CSafeLoader))
    assert {tag: known.get(tag) for tag in TAGS} == {tag: t.name for tag, t in TAGS.items()}
