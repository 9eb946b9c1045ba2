"""LiteLLM, Langfuse and OpenAI Batch files in their documented shapes."""

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch.errors import InputError

from .helpers import TEXTS, faults, read, rows_of, write_jsonl

KEY_HASH = "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b"
CHAT = [{"role": "system", "content": "You are terse."}, {"role": "user", "content": TEXTS[2]}]
RESPONSE = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1_777_629_600,
    "model": "m-1-2026",
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "message": {"role": "assistant", "content": "Because."},
        }
    ],
    "usage": {
        "prompt_tokens": 12,
        "completion_tokens": 90,
        "total_tokens": 102,
        "completion_tokens_details": {"reasoning_tokens": 64},
    },
}

PAYLOAD: dict[str, Any] = {
    "id": "chatcmpl-1",
    "trace_id": "trace-1",
    "call_type": "acompletion",
    "stream": False,
    "response_cost": 0.001,
    "status": "success",
    "custom_llm_provider": "openai",
    "total_tokens": 102,
    "prompt_tokens": 12,
    "completion_tokens": 90,
    "startTime": 1_777_629_600.25,
    "endTime": 1_777_629_602.0,
    "completionStartTime": 1_777_629_601.0,
    "response_time": 1.75,
    "model": "m-1",
    "model_id": "abc",
    "model_group": "m",
    "api_base": "https://api.example.org",
    "metadata": {
        "user_api_key_hash": KEY_HASH,
        "user_api_key_alias": "key-of-a",
        "user_api_key_team_id": "team-1",
        "user_api_key_org_id": None,
        "user_api_key_user_id": "user-1",
        "requester_ip_address": "203.0.113.9",
    },
    "cache_hit": None,
    "cache_key": None,
    "saved_cache_cost": 0.0,
    "request_tags": ["User-Agent: OpenAI", "User-Agent: OpenAI/Python 2.1"],
    "end_user": "customer-1",
    "requester_ip_address": "203.0.113.9",
    "messages": CHAT,
    "response": RESPONSE,
    "error_str": None,
    "model_parameters": {
        "temperature": 0.7,
        "max_tokens": 100,
        "n": 1,
        "tools": [{"type": "function"}],
        "response_format": {"type": "json_schema"},
        "logprobs": True,
    },
    "hidden_params": {"model_id": "abc"},
}

EXPECTED_PAYLOAD = {
    "event_id": "chatcmpl-1",
    "time": datetime(2026, 5, 1, 10, 0, 0, 250000, UTC),
    "account_id": "user-1",
    "operation": "chat",
    "model": "m-1",
    "conversation_id": "trace-1",
    "system": "You are terse.",
    "prompt": TEXTS[2],
    "turn": 1,
    "input_tokens": 12,
    "output_tokens": 90,
    "reasoning_tokens": 64,
    "temperature": 0.7,
    "max_tokens": 100,
    "choices": 1,
    "stream": False,
    "logprobs": True,
    "output_type": "json",
    "tools": 1,
    "finish_reason": "stop",
    "status": 200,
    "client_address": "203.0.113.9",
    "user_agent": "OpenAI/Python 2.1",
    "api_key_id": KEY_HASH,
    "end_user_id": "customer-1",
    "completion": "Because.",
}


def _present(row: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in row.items() if v is not None}


@pytest.mark.parametrize("wrap", [False, True])
def test_litellm_payload(wrap: bool, tmp_path: Path) -> None:  # noqa: FBT001  # a parameter of the test
    document = {"standard_logging_object": PAYLOAD} if wrap else PAYLOAD
    path = write_jsonl(tmp_path / "litellm.jsonl", [document])
    assert _present(rows_of(path)[0]) == EXPECTED_PAYLOAD


@pytest.mark.parametrize(
    ("metadata", "account"),
    [
        ({"user_api_key_user_id": "default_user_id", "user_api_key_team_id": "t"}, "t"),
        ({"user_api_key_team_id": "t", "user_api_key_hash": KEY_HASH}, "t"),
        ({"user_api_key_hash": KEY_HASH}, KEY_HASH),
    ],
)
def test_litellm_accounts(metadata: Any, account: str, tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "l.jsonl", [PAYLOAD | {"metadata": metadata}])
    assert rows_of(path)[0]["account_id"] == account


def test_litellm_redacted_prompts_are_no_prompts(tmp_path: Path) -> None:
    redacted = [{"role": "user", "content": "redacted-by-litellm"}]
    path = write_jsonl(tmp_path / "l.jsonl", [PAYLOAD, PAYLOAD | {"messages": redacted}])
    table, rejects, _ = read(path)
    assert table.num_rows == 1
    assert faults(rejects) == [(2, "prompt", "missing value")]


SPEND: dict[str, Any] = {
    "request_id": "chatcmpl-1",
    "call_type": "acompletion",
    "api_key": KEY_HASH,
    "spend": 0.001,
    "total_tokens": 102,
    "prompt_tokens": 12,
    "completion_tokens": 90,
    "startTime": "2026-05-01 10:00:00.25",
    "endTime": "2026-05-01 10:00:02",
    "model": "m-1",
    "model_group": "m",
    "user": "user-1",
    "metadata": {"user_api_key": KEY_HASH, "status": "success", "usage_object": RESPONSE["usage"]},
    "cache_hit": "False",
    "request_tags": ["User-Agent: OpenAI/Python 2.1"],
    "team_id": "team-1",
    "end_user": "customer-1",
    "requester_ip_address": "203.0.113.9",
    "messages": {},
    "response": RESPONSE,
    "session_id": "trace-1",
    "status": "success",
    "proxy_server_request": {
        "model": "m",
        "messages": CHAT,
        **PAYLOAD["model_parameters"],
        "stream": False,
    },
}


@pytest.mark.parametrize("kind", ["jsonl", "csv", "csv.gz"])
def test_litellm_spend_logs(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"spend.{kind}"
    if kind == "jsonl":
        write_jsonl(path, [SPEND])
    else:
        _write_csv(path, [SPEND])
    assert _present(rows_of(path)[0]) == EXPECTED_PAYLOAD


def _write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    """As a database exports it: structures as JSON text, nulls empty."""
    plain = path.with_suffix("") if path.suffix == ".gz" else path
    with plain.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0], quoting=csv.QUOTE_ALL)
        writer.writeheader()
        for row in rows:
            writer.writerow(
                {k: json.dumps(v) if isinstance(v, dict | list) else v for k, v in row.items()}
            )
    if plain != path:
        with pa.CompressedOutputStream(str(path), "gzip") as stream:
            stream.write(plain.read_bytes())


def test_litellm_spend_logs_without_stored_prompts(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "s.jsonl", [SPEND | {"proxy_server_request": {}}])
    with pytest.raises(InputError, match="missing value in prompt; export the log with message"):
        read(path)


OBSERVATION: dict[str, Any] = {
    "id": "obs-1",
    "trace_id": "trace-1",
    "project_id": "p",
    "environment": "default",
    "type": "GENERATION",
    "parent_observation_id": "",
    "start_time": "2026-05-01 10:00:00.250000",
    "end_time": "2026-05-01 10:00:02.000000",
    "name": "chat",
    "metadata": {},
    "level": "DEFAULT",
    "input": json.dumps({"messages": CHAT}),
    "output": json.dumps({"role": "assistant", "content": "Because."}),
    "provided_model_name": "m-1",
    "model_parameters": '{"temperature":0.7,"max_tokens":100}',
    "usage_details": {"input": 12, "output": 90, "output_reasoning_tokens": 64, "total": 102},
    "tool_definitions": {"f": "{}"},
    "user_id": "user-1",
    "session_id": "session-1",
}
CAMEL = {
    "trace_id": "traceId",
    "start_time": "startTime",
    "provided_model_name": "model",
    "model_parameters": "modelParameters",
    "usage_details": "usageDetails",
    "user_id": "userId",
    "session_id": "sessionId",
    "tool_definitions": "toolDefinitions",
    "parent_observation_id": "parentObservationId",
}


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet", "camel"])
def test_langfuse_observations(kind: str, tmp_path: Path) -> None:
    rows = [OBSERVATION, OBSERVATION | {"id": "obs-2", "type": "SPAN", "provided_model_name": ""}]
    path = tmp_path / f"observations.{kind}"
    if kind == "csv":
        _write_csv(path, rows)
    elif kind == "parquet":
        types = {"usage_details": pa.map_(pa.string(), pa.int64())}
        types |= {n: pa.map_(pa.string(), pa.string()) for n in ("metadata", "tool_definitions")}
        schema = pa.schema([(name, types.get(name, pa.string())) for name in OBSERVATION])
        columns = {
            name: [list(r[name].items()) if isinstance(r[name], dict) else r[name] for r in rows]
            for name in OBSERVATION
        }
        pq.write_table(pa.table(columns, schema=schema), path)
    else:
        names = CAMEL if kind == "camel" else {}
        write_jsonl(path, [{names.get(k, k): v for k, v in row.items()} for row in rows])
    found = rows_of(path)
    assert len(found) == 1
    assert _present(found[0]) == {
        "event_id": "obs-1",
        "time": datetime(2026, 5, 1, 10, 0, 0, 250000, UTC),
        "account_id": "user-1",
        "operation": "chat",
        "model": "m-1",
        "conversation_id": "session-1",
        "system": "You are terse.",
        "prompt": TEXTS[2],
        "turn": 1,
        "input_tokens": 12,
        "output_tokens": 90,
        "reasoning_tokens": 64,
        "temperature": 0.7,
        "max_tokens": 100,
        "tools": 1,
        "completion": "Because.",
    }


@pytest.mark.parametrize("given", [TEXTS[3], json.dumps(CHAT[1:]).replace(TEXTS[2], TEXTS[3])])
def test_langfuse_input_of_any_form(given: str, tmp_path: Path) -> None:
    text = json.dumps([{"role": "user", "content": TEXTS[3]}]) if given[0] == "[" else given
    path = write_jsonl(tmp_path / "o.jsonl", [OBSERVATION | {"input": text, "output": "Yes."}])
    row = rows_of(path)[0]
    assert (row["prompt"], row["completion"]) == (TEXTS[3], "Yes.")


def _request(custom_id: str, **body: Any) -> dict[str, Any]:
    return {
        "custom_id": custom_id,
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {"model": "m-1", "messages": CHAT, "max_tokens": 100, **body},
    }


def _result(custom_id: str) -> dict[str, Any]:
    return {
        "id": f"batch_req_{custom_id}",
        "custom_id": custom_id,
        "response": {"status_code": 200, "request_id": f"req_{custom_id}", "body": RESPONSE},
        "error": None,
    }


def test_openai_batch_joins_requests_and_results(tmp_path: Path) -> None:
    requests = [_request("a", user="user-1"), _request("b"), _request("lost")]
    write_jsonl(tmp_path / "batch_input.jsonl", requests)
    write_jsonl(tmp_path / "batch_output.jsonl", [_result("b"), _result("a"), _result("stray")])
    table, rejects, _ = read(tmp_path)
    rows = table.to_pylist()
    assert [r["event_id"] for r in rows] == ["req_a", "req_b"]
    assert [r["account_id"] for r in rows] == ["user-1", "batch:batch_input.jsonl"]
    assert _present(rows[0]) == {
        "event_id": "req_a",
        "time": datetime(2026, 5, 1, 10, tzinfo=UTC),
        "account_id": "user-1",
        "end_user_id": "user-1",
        "operation": "chat",
        "model": "m-1",
        "system": "You are terse.",
        "prompt": TEXTS[2],
        "turn": 1,
        "input_tokens": 12,
        "output_tokens": 90,
        "reasoning_tokens": 64,
        "max_tokens": 100,
        "finish_reason": "stop",
        "status": 200,
        "completion": "Because.",
    }
    assert faults(rejects) == [
        (3, "custom_id", "no matching record"),
        (3, "custom_id", "no matching record"),
    ]


def test_openai_batch_keeps_batches_with_equal_ids_apart(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_jsonl(tmp_path / f"{name}_input.jsonl", [_request("a", user=name)])
        answer = _result("a")
        answer["response"] = {**answer["response"], "request_id": f"req-{name}"}
        write_jsonl(tmp_path / f"{name}_output.jsonl", [answer])
    assert {(r["account_id"], r["event_id"]) for r in rows_of(tmp_path)} == {
        ("one", "req-one"),
        ("two", "req-two"),
    }


def test_openai_batch_needs_both_halves(tmp_path: Path) -> None:
    requests = write_jsonl(tmp_path / "in.jsonl", [_request("a")])
    results = write_jsonl(tmp_path / "out.jsonl", [_result("a")])
    with pytest.raises(InputError, match=r"in.jsonl holds batch requests without results"):
        read(requests)
    with pytest.raises(InputError, match=r"out.jsonl holds batch results without prompts"):
        read(results)


def test_openai_batch_of_responses(tmp_path: Path) -> None:
    body = {
        "model": "m-1",
        "input": TEXTS[0],
        "instructions": "Be kind.",
        "max_output_tokens": 9,
        "reasoning": {"effort": "low"},
        "text": {"format": {"type": "json_schema"}},
    }
    request = {"custom_id": "a", "method": "POST", "url": "/v1/responses", "body": body}
    answer = {
        "id": "resp_1",
        "created_at": 1_777_629_600,
        "status": "completed",
        "model": "m-1",
        "output": [
            {"type": "reasoning", "summary": []},
            {"type": "message", "role": "assistant",
             "content": [{"type": "output_text", "text": "Because."}]},
        ],
        "usage": {"input_tokens": 5, "output_tokens": 6,
                  "output_tokens_details": {"reasoning_tokens": 2}},
    }  # fmt: skip
    write_jsonl(tmp_path / "in.jsonl", [request])
    result = _result("a")
    result["response"]["body"] = answer
    write_jsonl(tmp_path / "out.jsonl", [result])
    row = rows_of(tmp_path)[0]
    assert (row["prompt"], row["system"], row["completion"]) == (TEXTS[0], "Be kind.", "Because.")
    assert (row["reasoning_effort"], row["output_type"], row["max_tokens"]) == ("low", "json", 9)
    assert (row["input_tokens"], row["output_tokens"], row["reasoning_tokens"]) == (5, 6, 2)
    assert (row["operation"], row["finish_reason"]) == ("chat", "completed")
