"""OTLP JSON: spans and log events, current and old names, joined by span."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from stillwatch.errors import InputError
from stillwatch.events.readers import otlp

from .helpers import TEXTS, faults, read, rows_of, write_jsonl

NANOS = "1777629600123456789"


def value(item: Any) -> dict[str, Any]:
    """A Python value as an OTLP `AnyValue`; integers as text, as the JSON encoding has them."""
    if isinstance(item, bool):
        return {"boolValue": item}
    if isinstance(item, int):
        return {"intValue": str(item)}
    if isinstance(item, float):
        return {"doubleValue": item}
    if isinstance(item, list):
        return {"arrayValue": {"values": [value(i) for i in item]}}
    if isinstance(item, dict):
        return {"kvlistValue": {"values": attributes(item)}}
    return {"stringValue": item}


def attributes(items: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": k, "value": value(v)} for k, v in items.items()]


def span(items: dict[str, Any], *, number: int = 1, events: Any = ()) -> dict[str, Any]:
    return {
        "traceId": "5b8efff798038103d269b633813fc60c",
        "spanId": f"{number:016x}",
        "name": "chat m-1",
        "kind": 3,
        "startTimeUnixNano": NANOS,
        "endTimeUnixNano": "1777629601123456789",
        "attributes": attributes(items),
        "events": [
            {"timeUnixNano": NANOS, "name": name, "attributes": attributes(carried)}
            for name, carried in events
        ],
        "status": {},
    }


def traces(*spans: dict[str, Any], resource: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": attributes(resource or {"service.name": "gateway"})},
                "scopeSpans": [{"scope": {"name": "s"}, "spans": list(spans)}],
            }
        ]
    }


def logs(*events: tuple[str, dict[str, Any], Any], number: int = 1) -> dict[str, Any]:
    records = [
        {
            "timeUnixNano": NANOS,
            "eventName": name,
            "traceId": "5b8efff798038103d269b633813fc60c",
            "spanId": f"{number:016x}",
            "attributes": attributes(items),
            **({"body": value(body)} if body is not None else {}),
        }
        for name, items, body in events
    ]
    return {"resourceLogs": [{"resource": {}, "scopeLogs": [{"logRecords": records}]}]}


IDENTITY = {
    "user.id": "acct-7",
    "client.address": "203.0.113.9",
    "user_agent.original": "openai-python/2.1",
}
CURRENT = IDENTITY | {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.conversation.id": "conv-1",
    "gen_ai.output.type": "json",
    "gen_ai.request.model": "m-1",
    "gen_ai.request.temperature": 0.5,
    "gen_ai.request.top_p": 1.0,
    "gen_ai.request.max_tokens": 2048,
    "gen_ai.request.choice.count": 3,
    "gen_ai.request.stream": True,
    "gen_ai.request.reasoning.level": "high",
    "gen_ai.response.id": "chatcmpl-1",
    "gen_ai.response.finish_reasons": ["stop", "length"],
    "gen_ai.usage.input_tokens": 120,
    "gen_ai.usage.output_tokens": 900,
    "gen_ai.usage.reasoning.output_tokens": 600,
    "http.response.status_code": 200,
}
MESSAGES = [
    {"role": "user", "parts": [{"type": "text", "content": "Hello"}]},
    {"role": "assistant", "parts": [{"type": "tool_call", "id": "c", "name": "f"}]},
    {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c", "response": "x"}]},
    {"role": "user", "parts": [{"type": "text", "content": TEXTS[1]}, {"type": "blob"}]},
]
SYSTEM = [{"type": "text", "content": "You are terse."}]
ANSWER = [{"role": "assistant", "parts": [{"type": "text", "content": "Because."}]}]
TOOLS = [{"type": "function", "name": "f"}, {"type": "function", "name": "g"}]


@pytest.mark.parametrize("encode", [json.dumps, lambda v: v], ids=["json text", "structure"])
def test_current_names(encode: Any, tmp_path: Path) -> None:
    items = CURRENT | {
        "gen_ai.input.messages": encode(MESSAGES),
        "gen_ai.system_instructions": encode(SYSTEM),
        "gen_ai.output.messages": encode(ANSWER),
        "gen_ai.tool.definitions": encode(TOOLS),
    }
    path = write_jsonl(tmp_path / "traces.jsonl", [traces(span(items))])
    found = {k: v for k, v in rows_of(path)[0].items() if v is not None}
    assert found == {
        "event_id": "chatcmpl-1",
        "time": datetime(2026, 5, 1, 10, 0, 0, 123456, UTC),
        "account_id": "acct-7",
        "operation": "chat",
        "model": "m-1",
        "conversation_id": "conv-1",
        "system": "You are terse.",
        "prompt": TEXTS[1],
        "turn": 2,
        "input_tokens": 120,
        "output_tokens": 900,
        "reasoning_tokens": 600,
        "temperature": 0.5,
        "top_p": 1.0,
        "max_tokens": 2048,
        "choices": 3,
        "stream": True,
        "output_type": "json",
        "tools": 2,
        "finish_reason": "stop",
        "status": 200,
        "client_address": "203.0.113.9",
        "user_agent": "openai-python/2.1",
        "reasoning_effort": "high",
        "completion": "Because.",
    }


OLD = IDENTITY | {
    "gen_ai.system": "openai",
    "gen_ai.request.model": "m-1",
    "gen_ai.usage.prompt_tokens": 12,
    "gen_ai.usage.completion_tokens": 90,
}
OPENINFERENCE = {
    "openinference.span.kind": "LLM",
    "user.id": "acct-7",
    "session.id": "conv-1",
    "llm.model_name": "m-1",
    "llm.invocation_parameters": '{"temperature": 0.2, "max_tokens": 5, "logprobs": true}',
    "llm.token_count.prompt": 12,
    "llm.token_count.completion": 90,
    "llm.input_messages.0.message.role": "system",
    "llm.input_messages.0.message.content": "You are terse.",
    "llm.input_messages.1.message.role": "user",
    "llm.input_messages.1.message.contents.0.message_content.type": "text",
    "llm.input_messages.1.message.contents.0.message_content.text": TEXTS[0],
    "llm.output_messages.0.message.role": "assistant",
    "llm.output_messages.0.message.content": "Because.",
    "llm.tools.0.tool.json_schema": "{}",
}
CHAT = [{"role": "system", "content": "You are terse."}, {"role": "user", "content": TEXTS[0]}]
OLD_SHAPES: dict[str, dict[str, Any]] = {
    "prompt as JSON": span(
        OLD | {"gen_ai.prompt": json.dumps(CHAT), "gen_ai.completion": "Because."}
    ),
    "indexed prompt": span(
        OLD
        | {
            "gen_ai.prompt.0.role": "system",
            "gen_ai.prompt.0.content": "You are terse.",
            "gen_ai.prompt.1.role": "user",
            "gen_ai.prompt.1.content": TEXTS[0],
            "gen_ai.completion.0.role": "assistant",
            "gen_ai.completion.0.content": "Because.",
        }
    ),
    "content span events": span(
        OLD,
        events=[
            ("gen_ai.content.prompt", {"gen_ai.prompt": json.dumps(CHAT)}),
            ("gen_ai.content.completion", {"gen_ai.completion": "Because."}),
        ],
    ),
    "message span events": span(
        OLD,
        events=[
            ("gen_ai.system.message", {"content": "You are terse."}),
            ("gen_ai.user.message", {"gen_ai.event.content": json.dumps({"content": TEXTS[0]})}),
            ("gen_ai.choice", {"message": {"role": "assistant", "content": "Because."}}),
        ],
    ),
    "openinference": span(OPENINFERENCE),
}


@pytest.mark.parametrize("shape", OLD_SHAPES)
def test_old_names(shape: str, tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "traces.jsonl", [traces(OLD_SHAPES[shape])])
    row = rows_of(path)[0]
    assert (row["prompt"], row["system"], row["turn"]) == (TEXTS[0], "You are terse.", 1)
    assert (row["model"], row["account_id"]) == ("m-1", "acct-7")
    assert (row["input_tokens"], row["output_tokens"]) == (12, 90)
    assert row["completion"] == "Because."
    assert row["event_id"] == "5b8efff798038103d269b633813fc60c-0000000000000001"
    if shape == "openinference":
        assert (row["temperature"], row["max_tokens"], row["logprobs"]) == (0.2, 5, True)
        assert (row["conversation_id"], row["tools"]) == ("conv-1", 1)


MESSAGE_LOGS = logs(
    ("gen_ai.system.message", {"gen_ai.system": "openai"}, {"content": "You are terse."}),
    ("gen_ai.user.message", {"gen_ai.system": "openai"}, {"content": TEXTS[0]}),
    (
        "gen_ai.choice",
        {},
        {"index": 0, "finish_reason": "stop", "message": {"content": "Because."}},
    ),
)
DETAILS_LOG = logs(
    (
        "gen_ai.client.inference.operation.details",
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.input.messages": [{"role": "user", "parts": [{"content": TEXTS[0]}]}],
            "gen_ai.system_instructions": SYSTEM,
            "gen_ai.output.messages": ANSWER,
            "gen_ai.response.finish_reasons": ["stop"],
        },
        None,
    )
)


@pytest.mark.parametrize("messages", [MESSAGE_LOGS, DETAILS_LOG], ids=["messages", "details"])
@pytest.mark.parametrize("together", [True, False])
def test_log_events_join_their_span(messages: Any, together: bool, tmp_path: Path) -> None:  # noqa: FBT001  # a parameter of the test
    if together:
        write_jsonl(tmp_path / "a.jsonl", [traces(span(OLD)), messages])
    else:
        write_jsonl(tmp_path / "a_traces.jsonl", [traces(span(OLD))])
        write_jsonl(tmp_path / "b_logs.jsonl", [messages])
    rows = rows_of(tmp_path)
    assert len(rows) == 1
    found = rows[0]
    assert (found["prompt"], found["system"]) == (TEXTS[0], "You are terse.")
    assert (found["completion"], found["finish_reason"]) == ("Because.", "stop")
    assert (found["account_id"], found["input_tokens"]) == ("acct-7", 12)


def test_a_details_event_alone_is_an_event_and_beside_its_span_is_none(tmp_path: Path) -> None:
    items = CURRENT | {"gen_ai.input.messages": json.dumps(MESSAGES)}
    details = logs(("gen_ai.client.inference.operation.details", items, None))
    alone = write_jsonl(tmp_path / "logs.jsonl", [details])
    assert rows_of(alone)[0]["prompt"] == TEXTS[1]
    both = write_jsonl(tmp_path / "both.jsonl", [traces(span(items)), details])
    assert len(rows_of(both)) == 1


def test_other_spans_are_no_events(tmp_path: Path) -> None:
    prompt = {"gen_ai.input.messages": json.dumps(MESSAGES)}
    others = [
        span({"http.request.method": "POST"}, number=2),
        span(CURRENT | prompt | {"gen_ai.operation.name": "execute_tool"}, number=3),
        span(CURRENT | prompt | {"gen_ai.operation.name": "invoke_agent"}, number=4),
        span({"openinference.span.kind": "CHAIN", "llm.model_name": "m"}, number=5),
    ]
    path = write_jsonl(tmp_path / "t.jsonl", [traces(span(CURRENT | prompt), *others)])
    assert len(rows_of(path)) == 1


def test_spans_without_content_say_what_to_do(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "t.jsonl", [traces(span(CURRENT))])
    with pytest.raises(InputError, match="export the log with message content"):
        read(path)


def test_messages_without_their_span_are_rejected(tmp_path: Path) -> None:
    good = traces(span(CURRENT | {"gen_ai.input.messages": json.dumps(MESSAGES)}, number=9))
    path = write_jsonl(tmp_path / "t.jsonl", [MESSAGE_LOGS, good, b"{", {"resource": 1}])
    table, rejects, _ = read(path)
    assert table.num_rows == 1
    assert sorted(faults(rejects)) == [
        (1, "", "no matching record"),
        (3, "", "invalid JSON"),
        (4, "", "invalid JSON"),
    ]


def test_identity_of_the_resource_counts(tmp_path: Path) -> None:
    items = {k: v for k, v in CURRENT.items() if k != "user.id"}
    document = traces(
        span(items | {"gen_ai.input.messages": json.dumps(MESSAGES)}),
        resource={"user.id": "tenant"},
    )
    assert rows_of(write_jsonl(tmp_path / "t.jsonl", [document]))[0]["account_id"] == "tenant"


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("array", [True, False])
def test_one_object_or_an_array_per_file(indent: int | None, array: bool, tmp_path: Path) -> None:  # noqa: FBT001  # a parameter of the test
    spans = [
        span(
            CURRENT | {"gen_ai.input.messages": json.dumps(MESSAGES), "gen_ai.response.id": str(i)},
            number=i,
        )
        for i in range(1, 4)
    ]
    document: Any = [traces(s) for s in spans] if array else traces(*spans)
    path = tmp_path / "traces.json"
    path.write_text(json.dumps(document, indent=indent))
    assert [r["event_id"] for r in rows_of(path)] == ["1", "2", "3"]


def test_waiting_calls_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otlp, "MAX_WAITING", 2)
    documents = [traces(span(OLD, number=i)) for i in range(1, 5)] + [
        logs(("gen_ai.user.message", {}, {"content": "late"}), number=i) for i in range(1, 5)
    ]
    table, rejects, _ = read(write_jsonl(tmp_path / "t.jsonl", documents))
    assert table.num_rows == 2  # the two that still waited
    assert rejects.reasons == {"missing value": 2}
