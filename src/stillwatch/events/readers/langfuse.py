"""Langfuse: exports of observations, from blob storage (snake case) or the API (camel case)."""

from typing import Any, Final

from stillwatch.events.readers.head import Head
from stillwatch.events.readers.messages import parse, read_completion
from stillwatch.events.readers.records import Record, first
from stillwatch.events.readers.requests import (
    as_record,
    parameter_columns,
    prompt_columns,
    response_columns,
    usage_columns,
)

_CALLS: Final = {"GENERATION": "chat", "EMBEDDING": "embeddings"}


def is_langfuse(head: Head) -> bool:
    """Whether a file holds Langfuse observations."""
    names = head.names
    return bool(names & {"trace_id", "traceId"}) and bool(
        names & {"usage_details", "usageDetails", "provided_model_name", "model_parameters",
                 "modelParameters", "parent_observation_id", "parentObservationId"}
    )  # fmt: skip


def map_observation(record: Record) -> Record | None:
    """One observation; only generations and embeddings are requests to a model."""
    kind = str(first(record, "type") or "GENERATION").upper()
    if kind not in _CALLS:
        return None
    request = parse(record.get("input"))
    body = request if isinstance(request, dict) else {}
    parameters = as_record(first(record, "model_parameters", "modelParameters"))
    tools = parse(first(record, "tool_definitions", "toolDefinitions"))
    return {
        **parameter_columns({**body, **parameters}),
        **({"tools": len(tools)} if isinstance(tools, dict | list) and tools else {}),
        **prompt_columns(body if _has_messages(body) else {"messages": _empty(request)}),
        **usage_columns(as_record(first(record, "usage_details", "usageDetails", "usage"))),
        **_answer(record.get("output")),
        "event_id": record.get("id"),
        "time": first(record, "start_time", "startTime"),
        "account_id": first(record, "user_id", "userId"),
        "operation": _CALLS[kind],
        "model": first(record, "provided_model_name", "model"),
        "conversation_id": first(record, "session_id", "sessionId"),
    }


def _has_messages(body: Record) -> bool:
    return bool(body.keys() & {"messages", "input", "contents", "prompt"})


def _empty(value: Any) -> Any:
    """Langfuse writes an empty string for an input that was not captured."""
    return None if value == "" else value


def _answer(output: Any) -> Record:
    value = parse(output)
    if isinstance(value, dict):
        return response_columns(value)
    return {"completion": read_completion(value)}
