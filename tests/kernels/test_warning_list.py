"""The warning list: public text under the forum's key, recognised by file name, never as text."""

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch.errors import ConfigError
from stillwatch.events.fingerprint import fingerprint_batch
from stillwatch.events.key import Key
from stillwatch.events.schema import EVENTS
from stillwatch.events.warning_list import FILE, read_warning, warning_table
from stillwatch.events.warning_sources import Warnings, parse_warning

KEY = Key.from_secret(b"the key of the forum")
PROMPT = "Question: who wrote it?\nThink step by step, then write the final answer:"


def event(prompt: str, **columns) -> pa.RecordBatch:
    row = dict.fromkeys(EVENTS.names) | {"event_id": "", "time": 0, "account_id": "", "model": ""}
    return pa.RecordBatch.from_pylist([row | {"prompt": prompt} | columns], schema=EVENTS)


@pytest.mark.parametrize(
    ("name", "text", "entries"),
    [
        ("prompts.txt", f"{PROMPT.splitlines()[0]}\n\n", 1),
        ("benchmark_questions.csv", "id,question\n1,who?\n2,\n", 1),
        ("templates.jsonl", json.dumps({"instruction": "do"}) + "\nno json\n", 1),
        ("templates.json", json.dumps(["one", {"prompt": "two"}, 3]), 2),
    ],
)
def test_prompts_are_read_from_what_people_publish(name, text, entries):
    source = parse_warning(name, text)
    assert (source.sort, len(source.entries)) == (Warnings.PROMPTS, entries)


def test_kits_clients_and_tls_are_read():
    parameters = parse_warning(
        "sdk_defaults.csv", "temperature,stream,max_tokens\n0.7,true,\n1,,512\n"
    )
    assert parameters.entries == [
        {"temperature": 0.7, "stream": True},
        {"temperature": 1.0, "max_tokens": 512},
    ]
    clients = parse_warning("clients.txt", "curl/8.1\nOpenAI/Python 1.4\n")
    assert [entry["user_agent"] for entry in clients.entries] == ["curl/8.1", "OpenAI/Python 1.4"]
    assert parse_warning("ja4.txt", "t13d1516h2_8daaf6152771_b186095e22b6\n").sort is Warnings.TLS
    assert parse_warning("notes.txt", "hello\n") is None
    assert parse_warning("prompts.json", "{}") is None


def test_a_prompt_that_is_listed_is_known_and_another_is_not(tmp_path):
    sources = [
        (Warnings.PROMPTS, parse_warning("prompts.json", json.dumps([PROMPT])).entries),
        (Warnings.PARAMETERS, [{"temperature": 0.7}]),
        (Warnings.CLIENTS, [{"user_agent": "curl/8.1"}]),
    ]
    table = warning_table(sources, KEY)
    pq.write_table(table, tmp_path / FILE)
    warned = read_warning(tmp_path, KEY.id)
    same = fingerprint_batch(event(PROMPT, temperature=0.7, user_agent="curl/9"), KEY).to_pylist()[
        0
    ]
    other = fingerprint_batch(event("How do I bake bread without yeast?"), KEY).to_pylist()[0]
    for column in ("template", "opening", "closing"):
        assert f"{same[column]:016x}" in warned[column]
        assert f"{other[column]:016x}" not in warned[column]
    assert {f"{band:016x}" for band in same["bands"]} <= warned["bands"]
    assert f"{same['parameters']:016x}" in warned["parameters"]
    assert f"{other['parameters']:016x}" not in warned["parameters"]
    assert warned["client"] == {"curl"}
    assert b"step by step" not in (tmp_path / FILE).read_bytes()


def test_a_list_under_another_key_or_damaged_is_refused(tmp_path):
    assert read_warning(tmp_path, KEY.id) == {}
    entries = parse_warning("prompts.json", json.dumps([PROMPT])).entries
    pq.write_table(warning_table([(Warnings.PROMPTS, entries)], KEY), tmp_path / FILE)
    with pytest.raises(ConfigError, match="another key"):
        read_warning(tmp_path, Key.public().id)
    (tmp_path / FILE).write_bytes(b"no parquet")
    with pytest.raises(ConfigError, match="damaged"):
        read_warning(tmp_path, KEY.id)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "entries"),
    [
        ("eval_gsm8k_train.jsonl.gz", 1000),
        ("legit_awesome_prompts.csv.gz", 100),
        ("human_selfinstruct_user_oriented.jsonl.gz", 100),
    ],
)
def test_public_collections_are_read(shared_data: Path, name, entries):
    text = gzip.decompress((shared_data / "benign" / name).read_bytes()).decode()
    source = parse_warning(f"prompts_{name.removesuffix('.gz')}", text)
    assert len(source.entries) >= entries
    assert source.skipped <= 0.02 * len(source.entries)
