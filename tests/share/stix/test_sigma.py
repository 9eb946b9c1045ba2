"""Sigma rules leave with the same meaning, in our words, and with no text of a log."""

import copy
import json
from datetime import timedelta

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from stix2validator import ValidationOptions, validate_instance

from stillwatch.cli.main import main
from stillwatch.errors import InputError
from stillwatch.share.stix import allowlist, campaign, sigma
from stillwatch.share.stix import bundle as bundles
from stillwatch.share.stix.incoming import understand
from stillwatch.share.stix.indicators import rule_indicator
from tests.share.stix import canaries
from tests.share.stix.build import IDS, NOW, build_disclosure, of_type

UUID = "7d1b1d5e-4c1e-4b9e-9a55-3f3f0b1c2d4e"
RULE = """\
title: Asks for reasoning in long answers
id: 7f1c3f7e-0f2f-4e2b-a7d0-0d6f2f2f9b11
name: asks
description: Written by hand.
author: Ada
date: 2026-11-21
tags: [atlas.aml.t0024.002, attack.t1059]
logsource: {product: llm, category: llm_api, service: events}
detection:
  wanted_markers:
    markers|all: [reasoning, thinking]
    output_tokens|gte: 2048
  wanted_other:
    markers: rewriting
    stream: false
  odd:
    status: [401, 403]
  condition: 1 of wanted_* and not (odd or all of them)
level: low
---
title: Over many accounts
id: 7f1c3f7e-0f2f-4e2b-a7d0-0d6f2f2f9b12
correlation:
  type: value_count
  rules: [asks]
  group-by: [template]
  timespan: 7d
  condition: {field: account_id, gte: 15}
level: high
"""
DOCUMENTS = list(yaml.safe_load_all(RULE))


def shared(pattern):
    disclosed = build_disclosure()
    found = [rule_indicator(pattern, "one", IDS, disclosed)]
    return campaign.bundle_of(campaign.objects(disclosed, found, IDS), IDS)


def test_a_rule_keeps_its_meaning_and_loses_its_words():
    pattern = sigma.leaving(DOCUMENTS, UUID)
    first, second = yaml.safe_load_all(pattern)
    assert first["detection"] == {
        "part_1": {"markers|all": ["reasoning", "thinking"], "output_tokens|gte": 2048},
        "part_2": {"markers": ["rewriting"], "stream": False},
        "part_3": {"status": [401, 403]},
        "condition": "( part_1 or part_2 ) and not ( part_3 or ( part_1 and part_2 and part_3 ) )",
    }
    assert (first["name"], first["title"], first["tags"]) == (
        "part_1", "Shared rule", ["atlas.aml.t0024.002"],
    )  # fmt: skip
    assert second["correlation"]["rules"] == ["part_1"]
    assert second["correlation"]["group-by"] == ["template"]
    for gone in ("Ada", "hand", "wanted", "7f1c3f7e", "Many"):
        assert gone.lower() not in pattern.lower()


def test_a_shared_rule_is_valid_allowed_and_read_again():
    pattern = sigma.leaving(DOCUMENTS, UUID)
    whole = bundles.read(bundles.write(shared(pattern)))
    options = ValidationOptions(strict=True, interop=True, version="2.1")
    assert [str(error) for error in validate_instance(whole, options).errors] == []
    assert allowlist.refusals(whole) == []
    assert understand(whole, NOW).rules == (pattern,)
    of_type(whole, "indicator")["pattern"] = RULE
    assert allowlist.refusals(whole)
    found = understand(whole, NOW + timedelta(days=1))
    assert (found.rules, len(found.skipped)) == ((), 1)


def spots(value, path=()):
    """Every value and every name of a rule."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for name, one in inner:
        yield (*path, name)
        if isinstance(one, dict | list):
            yield from spots(one, (*path, name))


SPOTS = sorted(spots(DOCUMENTS), key=str)


@settings(deadline=None)
@given(canaries.texts, st.sampled_from(SPOTS), st.booleans())
def test_nothing_planted_in_a_rule_comes_out(text, spot, as_name):
    documents = copy.deepcopy(DOCUMENTS)
    around = documents
    for step in spot[:-1]:
        around = around[step]
    if as_name and isinstance(around, dict):
        around[text] = around.pop(spot[-1])
    else:
        around[spot[-1]] = text
    try:
        said = sigma.leaving(documents, UUID)
    except InputError as error:
        said = str(error)
    assert canaries.leaks([text], said) == []
    assert "may not leave" in said or "wrong type" in said or not allowlist.refusals(shared(said))


@settings(deadline=None)
@given(canaries.texts, st.sampled_from(SPOTS), st.booleans())
def test_what_is_planted_in_a_shared_rule_is_refused(text, spot, as_name):
    documents = [json.loads(one) for one in sigma.leaving(DOCUMENTS, UUID).split("\n---\n")]
    place = documents[spot[0] % 2]
    if as_name:
        place[text] = "x"
    else:
        place["title"] = text
    pattern = "\n---\n".join(bundles.write(one).decode() for one in documents)
    found = allowlist.refusals(shared(pattern))
    assert found
    assert canaries.leaks([text], *found) == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"prompt|contains": "step by step"}, "prompt|contains"),
        ({"client_address|cidr": "198.51.100.0/24"}, "client_address|cidr"),
        ({"account_id": "acct-1042"}, "account_id"),
        ({"markers": ["derive"]}, "markers"),
        ({"client_name": "acme-crawler"}, "client_name"),
        ({"input_tokens|gte": 48_213}, "input_tokens|gte"),
    ],
)
def test_what_a_rule_may_not_say_is_named(change, field):
    documents = copy.deepcopy(DOCUMENTS)
    documents[0]["detection"]["odd"] = change
    with pytest.raises(InputError) as error:
        sigma.leaving(documents, UUID)
    assert field in str(error.value)
    assert str(*change.values()).strip("[]'") not in str(error.value)


def test_the_command_takes_rules(provider):
    (provider / "rule.yml").write_text(RULE)
    command = ["share", "export", "result#c001", "--created-by", "Example Labs",
               "--key-file", "provider.key", "--rule", "rule.yml", "--out", "one.json"]  # fmt: skip
    assert main(command) == 0
    assert main(["share", "check", "one.json"]) == 0
    assert main(["share", "import", "one.json", "--out", "received"]) == 0
    assert (provider / "received/rules/rule_1.yml").read_text().startswith("{")
    (provider / "rule.yml").write_text(RULE.replace("[401, 403]", "acct-1042"))
    assert main(command) == 1
