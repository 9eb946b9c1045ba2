"""OpenAI Batch: request files joined with their result and error files on `custom_id`.

A request holds the prompt and the parameters, a result the time, usage and completion; only both
make an event. Results are held in memory while their requests are read, at most
`MAX_RESULT_BYTES` of them.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from stillwatch.errors import InputError
from stillwatch.events.coerce import Reason
from stillwatch.events.normalise import RawBatch
from stillwatch.events.readers.formats import ReadContext
from stillwatch.events.readers.head import Head
from stillwatch.events.readers.records import Record, RowBuilder, first, json_records
from stillwatch.events.readers.requests import (
    as_record,
    end_user_of,
    operation_of,
    parameter_columns,
    prompt_columns,
    response_columns,
    usage_columns,
)
from stillwatch.events.readers.source import LogFile

MAX_RESULT_BYTES: Final = 1024 * 1024 * 1024
"""Completion text that a join may hold; OpenAI allows a batch 50,000 requests."""

_PART: Final = re.compile(r"(?i)[._-]*(requests?|inputs?|results?|outputs?|errors?|responses?)")


def is_batch(head: Head) -> bool:
    """Whether a file holds requests or results of a batch."""
    return "custom_id" in head.keys and bool(head.keys & {"body", "response", "error"})


def read_batch(files: Sequence[LogFile], context: ReadContext) -> Iterator[RawBatch]:
    """Join request files with result files.

    Where there are several request files, those results belong to one whose names differ from its
    name only in a word such as input, output or errors; with one request file all belong to it.

    Raises:
        InputError: there are only requests or only results, or the results are too large.
    """
    requests = [file for file in files if "body" in Head(file.name, file.head).keys]
    results = [file for file in files if file not in requests]
    if not results:
        raise InputError(
            f"{requests[0].name} holds batch requests without results: give the output file too"
        )
    if not requests:
        raise InputError(
            f"{results[0].name} holds batch results without prompts: give the request file too"
        )
    builder = RowBuilder(context)
    for request_file in requests:
        partners = results
        if len(requests) > 1:
            partners = [f for f in results if _stem(f) == _stem(request_file)]
            if not partners:
                raise InputError(
                    f"{request_file.name} has no result file: name it alike, for example "
                    "a_input.jsonl and a_output.jsonl"
                )
        answers = _answers(partners, context)
        for row, request in json_records(request_file, context):
            answer = answers.pop(str(request.get("custom_id")), None)
            if answer is None:
                context.reject(request_file.name, row, "custom_id", Reason.UNMATCHED)
            else:
                columns = _map(request, answer[2], request_file.name)
                yield from builder.add(request_file.name, row, columns)
        for name, row, _ in answers.values():
            context.reject(name, row, "custom_id", Reason.UNMATCHED)
    yield from builder.close()


def _stem(file: LogFile) -> str:
    return _PART.sub("", str(file.path.parent / file.path.name.split(".")[0]))


def _answers(files: Sequence[LogFile], context: ReadContext) -> dict[str, tuple[str, int, Record]]:
    """File, row and columns of each result by `custom_id`; errors give way to answers."""
    found: dict[str, tuple[str, int, Record]] = {}
    size = 0
    for file in files:
        for row, record in json_records(file, context):
            columns = _map_result(record)
            size += len(columns.get("completion") or "")
            if size > MAX_RESULT_BYTES:
                raise InputError(
                    f"{file.name} holds more than {MAX_RESULT_BYTES >> 30} GiB of completions: "
                    "read its batches apart"
                )
            key = str(record.get("custom_id"))
            if key not in found or found[key][2].get("status") is None:
                found[key] = (file.name, row, columns)
    return found


def _map_result(record: Record) -> Record:
    response = as_record(record.get("response"))
    body = as_record(response.get("body"))
    return {
        **usage_columns(as_record(body.get("usage"))),
        **response_columns(body),
        "event_id": first(response, "request_id") or first(record, "id"),
        "time": first(body, "created", "created_at"),
        "status": response.get("status_code"),
        "answered_model": body.get("model"),
    }


def _map(request: Record, answer: Record, file: str) -> Record:
    """One event; without a user in the body the account is the file, which one account uploads."""
    body = as_record(request.get("body"))
    user: Any = end_user_of(body)
    return {
        **parameter_columns(body),
        **prompt_columns(body),
        **answer,
        "account_id": user if user is not None else f"batch:{file}",
        "end_user_id": user,
        "operation": operation_of(request.get("url")),
        "model": first(body, "model") or answer["answered_model"],
    }
