"""Other names under which plain logs carry the columns of the events contract."""

from collections.abc import Collection
from typing import Final

from stillwatch.events.schema import EVENTS

ALIASES: Final[dict[str, tuple[str, ...]]] = {
    "event_id": ("id", "request_id"),
    "time": ("timestamp", "created_at", "created", "start_time", "startTime", "ts", "@timestamp"),
    "account_id": ("account", "user_id", "userId", "customer_id", "user"),
    "model": ("model_name", "gen_ai.request.model"),
    "operation": ("call_type", "endpoint", "gen_ai.operation.name"),
    "conversation_id": ("session_id", "sessionId", "thread_id"),
    "system": ("system_prompt", "instructions"),
    "prompt": ("input", "user_prompt", "query"),
    "turn": ("turns",),
    "input_tokens": ("prompt_tokens",),
    "output_tokens": ("completion_tokens",),
    "max_tokens": ("max_completion_tokens", "max_output_tokens"),
    "choices": ("n",),
    "stream": ("streaming",),
    "output_type": ("response_format",),
    "status": ("status_code", "http_status"),
    "client_address": ("ip", "ip_address", "client_ip", "remote_addr"),
    "country": ("country_code",),
    "user_agent": ("userAgent",),
    "tls_fingerprint": ("ja4",),
    "api_key_id": ("api_key", "key_id"),
    "end_user_id": ("end_user", "safety_identifier"),
    "completion": ("output", "response", "answer"),
}
"""Contract column to other names, in order of preference after the contract's own name."""

MESSAGES: Final = "messages"
"""A column of chat messages, from which prompt, system prompt and turn are taken if absent."""


def names_of(column: str) -> tuple[str, ...]:
    """Every name of a contract column, its own first."""
    return (column, *ALIASES.get(column, ()))


def resolve(names: Collection[str]) -> dict[str, str]:
    """Which of a file's columns stands for each contract column.

    >>> resolve(["timestamp", "account_id", "colour"])
    {'time': 'timestamp', 'account_id': 'account_id'}
    """
    present = set(names)
    found: dict[str, str] = {}
    for column in EVENTS.names:
        for name in names_of(column):
            if name in present and name not in found.values():
                found[column] = name
                break
    return found
