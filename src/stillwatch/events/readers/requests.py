"""Columns out of request bodies, usage blocks and responses of the vendors' APIs."""

from typing import Any, Final

from stillwatch.events.readers.messages import parse, read_completion, read_messages
from stillwatch.events.readers.records import Record, first

_OPERATIONS: Final = {
    "completion": "chat",
    "acompletion": "chat",
    "responses": "chat",
    "aresponses": "chat",
    "anthropic_messages": "chat",
    "messages": "chat",
    "chat/completions": "chat",
    "completions": "text_completion",
    "text_completion": "text_completion",
    "atext_completion": "text_completion",
    "embedding": "embeddings",
    "aembedding": "embeddings",
    "embeddings": "embeddings",
}

REDACTED: Final = frozenset({"redacted-by-litellm", "[REDACTED]", "<REDACTED>", "redacted"})
"""Texts that stand for a removed prompt. Taken as prompts they would look like one template."""


def as_record(value: Any) -> Record:
    """A JSON object, also where it is written as text or as Arrow's list of pairs; else empty.

    >>> as_record('{"a": 1}'), as_record([("a", 1)]), as_record(None)
    ({'a': 1}, {'a': 1}, {})
    """
    value = parse(value)
    if isinstance(value, list) and all(isinstance(i, tuple) and len(i) == 2 for i in value):
        return dict(value)
    return value if isinstance(value, dict) else {}


def operation_of(name: Any) -> str | None:
    """The OpenTelemetry name of a call type or URL path.

    >>> operation_of("/v1/chat/completions"), operation_of("acompletion"), operation_of("rerank")
    ('chat', 'chat', 'rerank')
    """
    if not isinstance(name, str) or not name:
        return None
    path = name.strip("/").removeprefix("v1/")
    return _OPERATIONS.get(path, path)


def prompt_columns(request: Record) -> Record:
    """Prompt, system prompt and turn of a request body of any vendor; null where redacted."""
    messages = first(request, "messages", "input", "contents", "prompt")
    if messages is None:
        return {}
    system = first(request, "system", "instructions", "system_instruction", "systemInstruction")
    read = read_messages(messages, system=system)
    if read.prompt in REDACTED:
        return {}
    return read._asdict()


def parameter_columns(request: Record) -> Record:
    """Sampling and other parameters of a request body of any vendor."""
    reasoning = as_record(request.get("reasoning"))
    thinking = as_record(request.get("thinking"))
    tools = parse(request.get("tools"))
    logprobs = first(request, "logprobs", "top_logprobs")
    return {
        "temperature": request.get("temperature"),
        "top_p": request.get("top_p"),
        "max_tokens": first(request, "max_completion_tokens", "max_output_tokens", "max_tokens"),
        "choices": request.get("n"),
        "stream": request.get("stream"),
        "logprobs": None if logprobs is None else bool(logprobs),
        "output_type": _output_type(request),
        "tools": len(tools) if isinstance(tools, list | dict) else None,
        "reasoning_effort": first(request, "reasoning_effort")
        or reasoning.get("effort")
        or thinking.get("type"),
    }


def _output_type(request: Record) -> str | None:
    """`json` for a JSON mode or schema, else the format's own name."""
    wanted = parse(request.get("response_format"))
    if wanted is None:
        wanted = as_record(request.get("text")).get("format")
    if isinstance(wanted, dict):
        wanted = wanted.get("type")
    if not isinstance(wanted, str):
        return None
    return "json" if wanted.startswith("json") else wanted


def usage_columns(usage: Record) -> Record:
    """Token counts of a usage block of any vendor."""
    details = as_record(first(usage, "completion_tokens_details", "output_tokens_details"))
    return {
        "input_tokens": first(usage, "prompt_tokens", "input_tokens", "input"),
        "output_tokens": first(usage, "completion_tokens", "output_tokens", "output"),
        "reasoning_tokens": first(details, "reasoning_tokens")
        or first(usage, "reasoning_tokens", "output_reasoning_tokens", "output_reasoning"),
    }


def response_columns(response: Record) -> Record:
    """Completion and finish reason of a response body of any vendor."""
    choices = response.get("choices") or response.get("candidates")
    choice = as_record(choices[0]) if isinstance(choices, list) and choices else {}
    reason = first(choice, "finish_reason", "finishReason")
    completion = read_completion(response) if response else None
    return {
        "completion": None if completion in REDACTED else completion,
        "finish_reason": reason or first(response, "stop_reason", "status"),
    }


def end_user_of(request: Record) -> Any:
    """The end user that a request body names."""
    metadata = as_record(request.get("metadata"))
    return first(request, "safety_identifier", "user") or first(metadata, "user_id")
