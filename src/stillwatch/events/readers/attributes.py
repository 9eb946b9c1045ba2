"""OpenTelemetry attributes: OTLP values as Python ones, and the names that map to our columns."""

from collections.abc import Iterable
from typing import Any, Final

from stillwatch.events.readers.messages import parse, read_completion, read_messages
from stillwatch.events.readers.records import Record, first
from stillwatch.events.readers.requests import REDACTED, as_record, parameter_columns

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "account_id": (
        "user.id", "user.hash", "enduser.id", "enduser.pseudo.id", "langfuse.user.id", "llm.user",
        "metadata.user_api_key_user_id",
    ),
    "operation": ("gen_ai.operation.name", "llm.request.type"),
    "model": ("gen_ai.request.model", "gen_ai.response.model", "llm.model_name",
              "embedding.model_name"),
    "conversation_id": ("gen_ai.conversation.id", "session.id", "langfuse.session.id"),
    "input_tokens": ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens",
                     "llm.token_count.prompt", "llm.usage.prompt_tokens"),
    "output_tokens": ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens",
                      "llm.token_count.completion", "llm.usage.completion_tokens"),
    "reasoning_tokens": ("gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens",
                         "llm.token_count.completion_details.reasoning"),
    "temperature": ("gen_ai.request.temperature", "llm.temperature"),
    "top_p": ("gen_ai.request.top_p", "llm.top_p"),
    "max_tokens": ("gen_ai.request.max_tokens", "llm.request.max_tokens"),
    "choices": ("gen_ai.request.choice.count",),
    "stream": ("gen_ai.request.stream", "gen_ai.is_streaming", "llm.is_streaming"),
    "output_type": ("gen_ai.output.type", "gen_ai.openai.request.response_format"),
    "reasoning_effort": ("gen_ai.request.reasoning.level", "gen_ai.request.reasoning_effort"),
    "status": ("http.response.status_code", "http.status_code"),
    "client_address": ("client.address", "client.socket.address", "http.client_ip"),
    "asn": ("client.as.number",),
    "country": ("client.geo.country_iso_code", "geo.country.iso_code"),
    "user_agent": ("user_agent.original", "http.user_agent"),
    "tls_fingerprint": ("tls.client.ja4",),
    "api_key_id": ("metadata.user_api_key_hash",),
}  # fmt: skip
"""Contract column to attribute names: current ones first, then old ones and OpenInference."""


def value_of(value: Any) -> Any:
    """An OTLP `AnyValue` as a Python value; 64-bit integers may stand as text.

    >>> value_of({"arrayValue": {"values": [{"intValue": "7"}, {"stringValue": "a"}]}})
    [7, 'a']
    """
    if not isinstance(value, dict):
        return value
    if "stringValue" in value:
        return value["stringValue"]
    if "intValue" in value:
        number = value["intValue"]
        return int(number) if isinstance(number, str) and number.lstrip("-").isdecimal() else number
    if "arrayValue" in value:
        return [value_of(item) for item in listed(as_record(value["arrayValue"]), "values")]
    if "kvlistValue" in value:
        return attributes_of(listed(as_record(value["kvlistValue"]), "values"))
    return value.get("doubleValue", value.get("boolValue"))


def attributes_of(pairs: Any) -> Record:
    """OTLP's list of keys and values as a dictionary."""
    if not isinstance(pairs, list):
        return {}
    return {
        pair["key"]: value_of(pair.get("value"))
        for pair in pairs
        if isinstance(pair, dict) and isinstance(pair.get("key"), str)
    }


def listed(record: Record, *names: str) -> Iterable[Record]:
    """The objects of the first of these lists that a record has."""
    found = first(record, *names)
    return [i for i in found if isinstance(i, dict)] if isinstance(found, list) else []


def columns_of(attributes: Record, messages: list[Any], answers: list[Any]) -> Record:
    """Contract columns of a model call.

    Args:
        attributes: of the span or event, and of its resource.
        messages: what was sent, where events beside the span carry it.
        answers: what came back, likewise.
    """
    parameters = as_record(attributes.get("llm.invocation_parameters"))
    columns = {k: v for k, v in parameter_columns(parameters).items() if v is not None}
    for column, names in COLUMNS.items():
        value = first(attributes, *names)
        if value is not None:
            columns[column] = value
    if first(attributes, "user.id", "user.hash") is not None:
        columns["end_user_id"] = first(attributes, "enduser.id", "enduser.pseudo.id")
    if isinstance(columns.get("output_type"), str) and columns["output_type"].startswith("json"):
        columns["output_type"] = "json"
    reasons = first(attributes, "gen_ai.response.finish_reasons", "llm.response.finish_reason")
    columns["finish_reason"] = (
        str(reasons[0]) if isinstance(reasons, list) and reasons else reasons or None
    )
    tools = as_list(first(attributes, "gen_ai.tool.definitions")) or indexed(
        attributes, "llm.tools"
    )
    columns["tools"] = len(tools) or columns.get("tools")
    if str(attributes.get("error.type")).isdecimal():
        columns.setdefault("status", int(attributes["error.type"]))
    return columns | _prompt(attributes, messages) | _completion(attributes, answers)


def _prompt(attributes: Record, messages: list[Any]) -> Record:
    sent = (
        first(attributes, "gen_ai.input.messages")
        or messages
        or indexed(attributes, "gen_ai.prompt")
        or indexed(attributes, "llm.input_messages")
        or first(attributes, "gen_ai.prompt", "llm.prompts", "input.value")
    )
    if not sent:
        return {}
    system = attributes.get("gen_ai.system_instructions")
    read = read_messages(sent, system=system)
    return {} if read.prompt is None or read.prompt in REDACTED else read._asdict()


def _completion(attributes: Record, answers: list[Any]) -> Record:
    received = (
        first(attributes, "gen_ai.output.messages")
        or answers
        or indexed(attributes, "gen_ai.completion")
        or indexed(attributes, "llm.output_messages")
        or first(attributes, "gen_ai.completion", "llm.completions", "output.value")
    )
    completion = read_completion(received) if received else None
    return {"completion": None if completion in REDACTED else completion}


def as_list(value: Any) -> list[Any]:
    """A list, also where it is written as JSON text; else empty."""
    value = parse(value)
    return value if isinstance(value, list) else []


def indexed(attributes: Record, prefix: str) -> list[Any]:
    """Messages that are spread over attributes such as `PREFIX.0.role` and `PREFIX.0.content`.

    >>> indexed({"p.0.role": "user", "p.0.content": "Hi", "p.1.message.role": "user"}, "p")
    [{'role': 'user', 'content': 'Hi'}, {'role': 'user'}]
    """
    tree: Record = {}
    start = f"{prefix}."
    for key, value in attributes.items():
        if key.startswith(start):
            *path, leaf = key[len(start) :].split(".")
            node = tree
            for part in path:
                child = node.setdefault(part, {})
                node = child if isinstance(child, dict) else {}
            node[leaf] = value
    return [_unfold(tree[key]) for key in sorted(tree, key=_order) if key.isdecimal()]


def _order(key: str) -> tuple[int, str]:
    return (int(key), "") if key.isdecimal() else (-1, key)


def _unfold(node: Any) -> Any:
    """Numbered children become lists; OpenInference's one-key wrappers go away."""
    if not isinstance(node, dict):
        return node
    for wrapper in ("message", "message_content"):
        if set(node) == {wrapper}:
            return _unfold(node[wrapper])
    if node and all(key.isdecimal() for key in node):
        return [_unfold(node[key]) for key in sorted(node, key=int)]
    unfolded = {key: _unfold(value) for key, value in node.items()}
    if "contents" in unfolded and "content" not in unfolded:
        unfolded["content"] = unfolded.pop("contents")
    return unfolded
