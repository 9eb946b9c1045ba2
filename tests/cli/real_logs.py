"""Traffic written as log files after their vendors' documents, not after Stillwatch's readers.

- OTLP JSON: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding, with the GenAI
  conventions https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/
- LiteLLM: https://docs.litellm.ai/docs/proxy/logging_spec
- OpenAI Batch: https://platform.openai.com/docs/guides/batch
"""

import hashlib
import json
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from tests.cli.real_traffic import Request

SPANS_OF_AN_EXPORT = 256
BATCH_SECONDS = 6 * 3600


def write_otlp(requests: list[Request], path: Path) -> None:
    """One `ExportTraceServiceRequest` a line; each model call lies under an HTTP span."""
    spans = (span for request in requests for span in _spans(request))
    _write(path, iter(lambda: _export([*islice(spans, SPANS_OF_AN_EXPORT)]), None))


def _export(spans: list[dict[str, Any]]) -> dict[str, Any] | None:
    if not spans:
        return None
    resource = {"service.name": "gateway", "telemetry.sdk.language": "python"}
    scope = {"name": "opentelemetry.instrumentation.openai_v2", "version": "2.2b0"}
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": _attributes(resource)},
                "scopeSpans": [{"scope": scope, "spans": spans}],
                "schemaUrl": "https://opentelemetry.io/schemas/1.37.0",
            }
        ]
    }


def _spans(request: Request) -> Iterable[dict[str, Any]]:
    digest = _digest(request)
    trace, server, client = digest[:32], digest[32:48], digest[48:64]
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": request.model,
        "gen_ai.response.id": f"chatcmpl-{digest[:24]}",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.conversation.id": request.conversation,
        "gen_ai.usage.input_tokens": request.input_tokens,
        "gen_ai.usage.output_tokens": _output_tokens(request),
        "gen_ai.input.messages": json.dumps(
            [_parts(message["role"], message["content"]) for message in request.messages]
        ),
        "user.id": request.account,
        "client.address": request.address,
        "user_agent.original": request.agent,
    }
    given = request.parameters
    for name in ("temperature", "max_tokens"):
        if name in given:
            attributes[f"gen_ai.request.{name}"] = given[name]
    if "tools" in given:
        tools = [{"type": "function", **tool["function"]} for tool in given["tools"]]
        attributes["gen_ai.tool.definitions"] = json.dumps(tools)
    if request.answer is not None:
        answer = _parts("assistant", request.answer) | {"finish_reason": "stop"}
        attributes["gen_ai.output.messages"] = json.dumps([answer])
    nanoseconds = int(request.time * 1e6) * 1000
    shared = {
        "traceId": trace,
        "startTimeUnixNano": str(nanoseconds),
        "endTimeUnixNano": str(nanoseconds + 1_500_000_000),
        "status": {},
    }
    route = {"http.request.method": "POST", "url.path": "/v1/chat/completions"}
    yield shared | {
        "spanId": server, "name": "POST /v1/chat/completions", "kind": 2,
        "attributes": _attributes(route | {"http.response.status_code": 200}),
    }  # fmt: skip
    yield shared | {
        "spanId": client, "parentSpanId": server, "name": f"chat {request.model}", "kind": 3,
        "attributes": _attributes(attributes),
    }  # fmt: skip


def _parts(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def _attributes(items: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(item)} for key, item in items.items()]


def _value(item: Any) -> dict[str, Any]:
    """An OTLP `AnyValue`; 64-bit integers are text in its JSON."""
    if isinstance(item, int):
        return {"intValue": str(item)}
    if isinstance(item, float):
        return {"doubleValue": item}
    if isinstance(item, list):
        return {"arrayValue": {"values": [_value(each) for each in item]}}
    return {"stringValue": item}


def write_litellm(requests: list[Request], path: Path) -> None:
    """One `StandardLoggingPayload` a line."""
    _write(path, map(_payload, requests))


def _payload(request: Request) -> dict[str, Any]:
    digest = _digest(request)
    key = hashlib.sha256(f"key of {request.account}".encode()).hexdigest()
    usage = _usage(request)
    return {
        "id": f"chatcmpl-{digest[:24]}",
        "trace_id": request.conversation,
        "call_type": "acompletion",
        "stream": False,
        "response_cost": 1e-6 * usage["total_tokens"],
        "status": "success",
        "custom_llm_provider": "openai",
        **usage,
        "startTime": request.time,
        "endTime": request.time + 1.5,
        "completionStartTime": request.time + 1.5,
        "response_time": 1.5,
        "model": request.model,
        "model_id": "f3a1",
        "model_group": request.model,
        "api_base": "https://api.example.org/v1",
        "metadata": {
            "user_api_key_hash": key,
            "user_api_key_alias": None,
            "user_api_key_team_id": None,
            "user_api_key_org_id": None,
            "user_api_key_user_id": request.account,
            "spend_logs_metadata": None,
            "requester_ip_address": request.address,
            "requester_metadata": {},
        },
        "cache_hit": False,
        "cache_key": None,
        "saved_cache_cost": 0.0,
        "request_tags": [
            f"User-Agent: {request.agent.split('/')[0]}",
            f"User-Agent: {request.agent}",
        ],
        "end_user": "",
        "requester_ip_address": request.address,
        "messages": request.messages,
        "response": _completion(request),
        "error_str": None,
        "error_information": None,
        "model_parameters": request.parameters,
        "hidden_params": {"model_id": "f3a1", "cache_key": None, "response_cost": None},
    }


def write_batch(requests: list[Request], path: Path) -> tuple[Path, Path]:
    """The request file and its result file; what a batch has no place for is lost.

    The requests of the week go in as one batch and are answered within hours, in the order of
    their digests; results do not come in the order of the requests.
    """
    asked, answered = path / "week_input.jsonl", path / "week_output.jsonl"
    started = requests[-1].time
    ids = {id(request): f"request-{number}" for number, request in enumerate(requests)}
    done = sorted(requests, key=_digest)
    _write(asked, (_request_line(request, ids[id(request)]) for request in requests))
    _write(
        answered,
        (
            _result_line(r, ids[id(r)], started + BATCH_SECONDS * number / len(done))
            for number, r in enumerate(done)
        ),
    )
    return asked, answered


def _request_line(request: Request, custom_id: str) -> dict[str, Any]:
    body = {"model": request.model, "messages": request.messages, "user": request.account}
    return {
        "custom_id": custom_id,
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": body | request.parameters,
    }


def _result_line(request: Request, custom_id: str, time: float) -> dict[str, Any]:
    digest = _digest(request)
    body = _completion(request) | {"created": int(time)}
    return {
        "id": f"batch_req_{digest[:24]}",
        "custom_id": custom_id,
        "response": {"status_code": 200, "request_id": f"req_{digest[:32]}", "body": body},
        "error": None,
    }


def _completion(request: Request) -> dict[str, Any]:
    """A response of `/v1/chat/completions`."""
    return {
        "id": f"chatcmpl-{_digest(request)[:24]}",
        "object": "chat.completion",
        "created": int(request.time),
        "model": request.model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": request.answer, "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": _usage(request),
        "system_fingerprint": None,
    }


def _usage(request: Request) -> dict[str, int]:
    asked, answered = request.input_tokens, _output_tokens(request)
    return {
        "prompt_tokens": asked,
        "completion_tokens": answered,
        "total_tokens": asked + answered,
    }


def _output_tokens(request: Request) -> int:
    """Between 20 and 275, at most what was allowed; drawn from the digest, so always the same."""
    drawn = 20 + int(_digest(request)[:2], 16)
    limit: int = request.parameters.get("max_tokens", drawn)
    return min(drawn, limit)


def _digest(request: Request) -> str:
    return hashlib.sha256(f"{request.account} {request.time}".encode()).hexdigest()


def _write(path: Path, documents: Iterable[Any]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(document) + "\n" for document in documents)
