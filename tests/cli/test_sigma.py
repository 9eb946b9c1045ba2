import json
import sys

import pyarrow.parquet as pq
import pytest

from stillwatch.cli.main import main

RULE = """\
title: Thinking
id: 3b7d4a52-6d0e-4f0a-9f46-6a7a0b6a9d11
status: test
description: A prompt that works on hidden thinking.
author: Someone
date: 2026-11-21
tags: [atlas.aml.t0024.002]
logsource: {product: llm, category: llm_api, service: events}
detection:
  selection: {markers: thinking}
  condition: selection
falsepositives: [People who ask about thinking.]
level: low
"""
CASES = """\
- {name: marked, match: true, events: [{markers: [thinking]}]}
- {name: not marked, match: false, events: [{markers: []}]}
"""


@pytest.fixture
def rules(tmp_path):
    (tmp_path / "rules/tests").mkdir(parents=True)
    (tmp_path / "rules/thinking.yml").write_text(RULE)
    (tmp_path / "rules/tests/thinking.yml").write_text(CASES)
    return tmp_path / "rules"


def run(capsys, *words):
    code = main(["signature", *map(str, words)])
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def test_lint_runs_the_cases_too(rules, capsys):
    assert run(capsys, "lint", rules) == (0, "", "1 file, 0 faults\n")
    (rules / "tests/thinking.yml").write_text(CASES.replace("match: true", "match: false"))
    code, said, _ = run(capsys, "lint", rules / "thinking.yml")
    assert code == 1
    assert said.endswith("thinking.yml: matches: marked\n")
    (rules / "tests/thinking.yml").unlink()
    code, said, _ = run(capsys, "lint", rules, "--json")
    assert code == 1
    assert "no test events" in json.loads(said)["faults"][0]["fault"]


def test_convert_writes_queries_and_says_what_they_miss(rules, capsys):
    code, said, _ = run(capsys, "convert", rules, "--to", "splunk")
    assert (code, said) == (0, 'markers="thinking"\n')
    code, said, _ = run(capsys, "convert", rules, "--to", "duckdb")
    assert said == 'SELECT * FROM events WHERE coalesce(("markers" & 2) != 0, FALSE)\n'
    text = (rules / "thinking.yml").read_text().replace("markers: thinking", "prompt|re: '^a'")
    (rules / "thinking.yml").write_text(text)
    code, said, error = run(capsys, "convert", rules, "--to", "elastic")
    assert (code, said) == (1, "")
    assert "regular expressions of Lucene" in error


def test_what_cannot_be_used_is_one_clear_line(rules, capsys, tmp_path):
    faults = {
        ("lint", tmp_path / "absent.yml"): "does not exist",
        ("lint", tmp_path / "rules/tests/none"): "does not exist",
        ("convert", rules, "--to", "nothing"): "pip install pysigma-backend-nothing",
    }
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "empty").mkdir()
    faults[("lint", tmp_path / "notes.txt")] = "no signature of a known type"
    faults[("lint", tmp_path / "empty")] = "holds no signatures and no rules"
    for words, why in faults.items():
        code, said, error = run(capsys, *words)
        assert (code, said) == (1, "")
        assert why in error
        assert error.count("\n") == 1


def test_without_the_extra_one_line_names_it(rules, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "sigma.rule", None)
    code, _, error = run(capsys, "lint", rules)
    assert code == 1
    assert "pip install 'stillwatch[share]'" in error


def test_match_over_events_fingerprints_and_a_result(workspace, rules, capsys):
    code, said, _ = run(capsys, "match", "events.parquet", "--rules", rules, "--json", "--quiet")
    matches = json.loads(said)
    assert code == 0
    assert {"rule_id", "rule", "level", "account_id", "first_time", "last_time", "events"} == set(
        matches[0]
    )
    _, said, _ = run(capsys, "match", "fingerprints.parquet", "--rules", rules, "--json", "--quiet")
    assert json.loads(said) == matches
    code, said, error = run(capsys, "match", "result", "--pack", "--out", "matches.parquet")
    assert code == 0
    assert "left out" in error
    assert pq.read_table(workspace / "matches.parquet").num_rows > 0
    code, _, error = run(capsys, "match", "fingerprints.parquet", "--pack")
    assert code == 0
    assert "need events with text" in error
    code, _, error = run(capsys, "match", "result", "--rules", rules)
    assert code == 1
    assert "none of the rules is over profiles" in error


def test_test_measures_rules_on_labels(workspace, rules, capsys):
    words = ("test", rules, "--events", "events.parquet", "--labels", "labels.parquet")
    code, said, _ = run(capsys, *words, "--json", "--quiet")
    measured = json.loads(said)[0]
    assert code == 0
    assert measured["precision"] > 0.5
    assert measured["attackers"] > measured["hits"] > 0
    assert sum(size for _, size in measured["benign"].values()) > 2000
    code, said, _ = run(capsys, *words, "--quiet")
    assert "Thinking" in said
    code, _, error = run(
        capsys, "test", "--pack", "--events", "events.parquet", "--labels", "events.parquet"
    )
    assert code == 1
    assert "labels need account_id, cohort" in error
    assert workspace
