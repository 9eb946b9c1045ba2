"""LiteLLM: `StandardLoggingPayload` documents and rows of the `LiteLLM_SpendLogs` table."""

from typing import Any, Final

from stillwatch.events.readers.head import Head
from stillwatch.events.readers.messages import parse
from stillwatch.events.readers.records import Record, first
from stillwatch.events.readers.requests import (
    as_record,
    operation_of,
    parameter_columns,
    prompt_columns,
    response_columns,
    usage_columns,
)

_NOBODY: Final = ("default_user_id", "litellm-proxy-master-key")
"""User ids that LiteLLM gives to whoever uses the master key: no account."""

_AGENT_TAG: Final = "User-Agent: "


def is_payload(head: Head) -> bool:
    """Whether a file holds `StandardLoggingPayload` documents."""
    names = head.keys
    return "standard_logging_object" in names or (
        "call_type" in names and bool(names & {"model_parameters", "hidden_params", "model_group"})
        and "startTime" in names and "request_id" not in names
    )  # fmt: skip


def is_spend_log(head: Head) -> bool:
    """Whether a file holds rows of the `LiteLLM_SpendLogs` table."""
    return {"request_id", "startTime", "api_key"} <= head.names


def map_payload(record: Record) -> Record:
    """One `StandardLoggingPayload`.

    The account is the user of the virtual key, else its team, else the key's hash, which LiteLLM
    bills like an account.
    """
    record = as_record(record.get("standard_logging_object")) or record
    metadata = as_record(record.get("metadata"))
    key = first(metadata, "user_api_key_hash")
    parameters = as_record(record.get("model_parameters"))
    response = as_record(record.get("response"))
    return {
        **parameter_columns(parameters),
        **prompt_columns({"messages": record.get("messages")}),
        **usage_columns(as_record(response.get("usage"))),
        **_given(usage_columns(record)),
        **response_columns(response or {"content": record.get("response")}),
        "event_id": record.get("id"),
        "time": record.get("startTime"),
        "account_id": _account(
            first(metadata, "user_api_key_user_id"), first(metadata, "user_api_key_team_id"), key
        ),
        "operation": operation_of(record.get("call_type")),
        "model": first(record, "model", "model_group"),
        "conversation_id": first(record, "session_id", "trace_id"),
        "stream": first(parameters | _given({"stream": record.get("stream")}), "stream"),
        "status": _status(record, metadata),
        "client_address": first(record, "requester_ip_address")
        or first(metadata, "requester_ip_address"),
        "user_agent": first(metadata, "user_agent") or _agent_tag(record.get("request_tags")),
        "api_key_id": key,
        "end_user_id": first(record, "end_user") or first(metadata, "user_api_key_end_user_id"),
    }  # fmt: skip


def map_spend_log(record: Record) -> Record:
    """One row of `LiteLLM_SpendLogs`; messages are there only where the proxy stores them."""
    metadata = as_record(record.get("metadata"))
    request = as_record(record.get("proxy_server_request"))
    request = as_record(request.get("body")) or request
    messages = parse(record.get("messages"))
    response = as_record(record.get("response"))
    key = first(record, "api_key")
    return {
        **parameter_columns(request),
        **prompt_columns({"messages": messages} if messages else request),
        **usage_columns(
            as_record(response.get("usage")) or as_record(metadata.get("usage_object"))
        ),
        **_given(usage_columns(record)),
        **response_columns(response),
        "event_id": record.get("request_id"),
        "time": record.get("startTime"),
        "account_id": _account(first(record, "user"), first(record, "team_id"), key),
        "operation": operation_of(record.get("call_type")),
        "model": first(record, "model", "model_group"),
        "conversation_id": record.get("session_id"),
        "status": _status(record, metadata),
        "client_address": first(record, "requester_ip_address"),
        "user_agent": first(metadata, "user_agent") or _agent_tag(record.get("request_tags")),
        "api_key_id": key,
        "end_user_id": first(record, "end_user"),
    }


def _given(columns: Record) -> Record:
    return {name: value for name, value in columns.items() if value is not None}


def _account(user: Any, team: Any, key: Any) -> Any:
    if user is not None and user not in _NOBODY:
        return user
    return team if team is not None else key


def _status(record: Record, metadata: Record) -> int | None:
    """The HTTP status; LiteLLM itself says only success or failure."""
    error = as_record(record.get("error_information")) or as_record(
        metadata.get("error_information")
    )
    code = str(first(error, "error_code"))
    if code.isdecimal():
        return int(code)
    return 200 if first(record, "status") == "success" else None


def _agent_tag(tags: Any) -> str | None:
    """LiteLLM writes the user agent among the request's tags, the longest with its version."""
    tags = parse(tags)
    found = [
        tag.removeprefix(_AGENT_TAG)
        for tag in (tags if isinstance(tags, list) else [])
        if isinstance(tag, str) and tag.startswith(_AGENT_TAG)
    ]
    return max(found, key=len, default=None)
