"""OpenTelemetry: OTLP JSON traces and logs with the GenAI conventions, current and old.

A model call may be told by a span alone, by a log event alone, or by both together: the span with
identity and usage, log events with the messages. What belongs together by trace and span id makes
one event. Calls that are not yet whole wait in memory, at most `MAX_WAITING` of them.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from stillwatch.events.coerce import Reason
from stillwatch.events.normalise import RawBatch
from stillwatch.events.readers.attributes import attributes_of, columns_of, listed, value_of
from stillwatch.events.readers.formats import ReadContext
from stillwatch.events.readers.head import Head
from stillwatch.events.readers.messages import parse
from stillwatch.events.readers.records import Record, RowBuilder, first, json_records
from stillwatch.events.readers.requests import as_record
from stillwatch.events.readers.source import LogFile

MAX_WAITING: Final = 20_000
"""Calls that may wait for their other half, and calls remembered as already told."""

_ROOTS: Final = frozenset({"resourceSpans", "resourceLogs"})
_CALLS: Final = frozenset(
    {"chat", "text_completion", "generate_content", "embeddings", "completion", "rerank"}
)
_DETAILS: Final = "gen_ai.client.inference.operation.details"
_MESSAGES: Final = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
_CHOICE: Final = "gen_ai.choice"


@dataclass
class _Call:
    """What is known of one request so far, and where it stood first."""

    file: str
    row: int
    has_span: bool = False
    attributes: Record = field(default_factory=dict)
    messages: list[Any] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)
    time: Any = None

    def columns(self, key: tuple[str, str]) -> Record:
        columns = columns_of(self.attributes, self.messages, self.answers)
        response = first(self.attributes, "gen_ai.response.id")
        columns["event_id"] = response or (f"{key[0]}-{key[1]}" if key[1] else None)
        columns["time"] = int(self.time) if str(self.time).isdecimal() else self.time
        return columns


def is_otlp(head: Head) -> bool:
    """Whether a file holds OTLP JSON traces or logs."""
    return bool(head.keys & _ROOTS)


def read_otlp(files: Sequence[LogFile], context: ReadContext) -> Iterator[RawBatch]:
    """Read traces and logs; files of logs first, so that spans find their messages."""
    join = _Join(context)
    for file in sorted(files, key=lambda f: "resourceLogs" not in Head(f.name, f.head).keys):
        for row, document in json_records(file, context):
            if not _ROOTS & document.keys():
                context.reject(file.name, row, "", Reason.JSON)
            for resource in listed(document, "resourceLogs"):
                shared = _shared(resource)
                for record in _inner(resource, ("scopeLogs",), "logRecords"):
                    yield from join.log_record(file.name, row, record, shared)
            for resource in listed(document, "resourceSpans"):
                shared = _shared(resource)
                for span in _inner(resource, _SCOPE_SPANS, "spans"):
                    yield from join.span(file.name, row, span, shared)
    yield from join.close()


_SCOPE_SPANS: Final = ("scopeSpans", "instrumentationLibrarySpans")


def _inner(resource: Record, scopes: tuple[str, ...], name: str) -> Iterator[Record]:
    for scope in listed(resource, *scopes):
        yield from listed(scope, name)


def _shared(resource: Record) -> Record:
    return attributes_of(as_record(resource.get("resource")).get("attributes"))


class _Join:
    """Puts spans and log events of one call together, in bounded memory."""

    def __init__(self, context: ReadContext) -> None:
        self._context = context
        self._builder = RowBuilder(context)
        self._waiting: OrderedDict[tuple[str, str], _Call] = OrderedDict()
        self._told: OrderedDict[tuple[str, str], None] = OrderedDict()

    def span(self, file: str, row: int, span: Record, shared: Record) -> Iterator[RawBatch]:
        """Take a span; it makes an event at once if it carries the prompt."""
        attributes = attributes_of(span.get("attributes"))
        if not _is_call(attributes):
            return
        key = (str(span.get("traceId", "")), str(span.get("spanId", "")))
        call = self._waiting.pop(key, None) or _Call(file, row)
        call.file, call.row, call.has_span = file, row, True
        call.attributes = shared | call.attributes | attributes
        call.time = span.get("startTimeUnixNano")
        for event in listed(span, "events"):
            _add_event(call, str(event.get("name")), attributes_of(event.get("attributes")), None)
        columns = call.columns(key)
        if columns.get("prompt") is not None:
            yield from self._tell(key, call, columns)
        else:
            yield from self._wait(key, call)

    def log_record(self, file: str, row: int, record: Record, shared: Record) -> Iterator[RawBatch]:
        """Take a log event; it waits for its span, or completes one that waits."""
        attributes = attributes_of(record.get("attributes"))
        name = str(first(record, "eventName") or first(attributes, "event.name"))
        if name not in (_DETAILS, _CHOICE, *_MESSAGES):
            return
        key = (str(record.get("traceId", "")), str(record.get("spanId", "")))
        if key in self._told:
            return
        call = self._waiting.pop(key, None) if key[1] else None
        call = call or _Call(file, row, attributes=dict(shared))
        if call.time is None:
            call.time = first(record, "timeUnixNano", "observedTimeUnixNano")
        _add_event(call, name, attributes, value_of(record.get("body")))
        if name == _DETAILS and (call.has_span or not key[1]):
            yield from self._tell(key, call, call.columns(key))
        else:
            yield from self._wait(key, call)

    def _wait(self, key: tuple[str, str], call: _Call) -> Iterator[RawBatch]:
        if not key[1]:  # nothing can be joined to it
            yield from self._give_up(key, call)
            return
        self._waiting[key] = call
        if len(self._waiting) > MAX_WAITING:
            yield from self._give_up(*self._waiting.popitem(last=False))

    def _tell(self, key: tuple[str, str], call: _Call, columns: Record) -> Iterator[RawBatch]:
        if key[1]:
            self._told[key] = None
            if len(self._told) > MAX_WAITING:
                self._told.popitem(last=False)
        yield from self._builder.add(call.file, call.row, columns)

    def _give_up(self, key: tuple[str, str], call: _Call) -> Iterator[RawBatch]:
        """A call whose other half did not come: an event if it is one, else rejected."""
        columns = call.columns(key)
        if call.has_span or columns.get("model") is not None:
            yield from self._tell(key, call, columns)
        else:
            self._context.reject(call.file, call.row, "", Reason.UNMATCHED)

    def close(self) -> Iterator[RawBatch]:
        """Give out all that waits."""
        while self._waiting:
            yield from self._give_up(*self._waiting.popitem(last=False))
        yield from self._builder.close()


def _is_call(attributes: Record) -> bool:
    """Whether a span is a request to a model, not a tool, an agent or plain HTTP."""
    operation = attributes.get("gen_ai.operation.name")
    if operation is not None:
        return str(operation) in _CALLS
    kind = attributes.get("openinference.span.kind")
    if kind is not None:
        return str(kind).upper() in ("LLM", "EMBEDDING")
    return first(attributes, "gen_ai.request.model", "llm.model_name") is not None


def _add_event(call: _Call, name: str, attributes: Record, body: Any) -> None:
    """Add what an event carries: all attributes, or one message in its body or attributes."""
    if name == _DETAILS:
        call.attributes |= attributes | as_record(body)
    elif name in ("gen_ai.content.prompt", "gen_ai.content.completion"):
        call.attributes |= attributes
    elif name == _CHOICE:
        content = _content(attributes, body)
        call.answers.append(content)
        if isinstance(content, dict) and content.get("finish_reason"):
            call.attributes.setdefault("gen_ai.response.finish_reasons", [content["finish_reason"]])
    elif name in _MESSAGES:
        content = _content(attributes, body)
        message = content if isinstance(content, dict) else {"content": content}
        call.messages.append({"role": _MESSAGES[name], **message})


def _content(attributes: Record, body: Any) -> Any:
    body = parse(body)
    if body is not None:
        return body
    carried = first(attributes, "gen_ai.event.content")
    return parse(carried) if carried is not None else {**attributes}
