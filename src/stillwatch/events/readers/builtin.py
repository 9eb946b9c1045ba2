"""The log formats that Stillwatch brings, the most telling first."""

from typing import Final

from stillwatch.events.readers.aliases import ALIASES, MESSAGES, resolve
from stillwatch.events.readers.columnar import read_parquet
from stillwatch.events.readers.formats import Format
from stillwatch.events.readers.head import Head
from stillwatch.events.readers.langfuse import is_langfuse, map_observation
from stillwatch.events.readers.litellm import (
    is_payload,
    is_spend_log,
    map_payload,
    map_spend_log,
)
from stillwatch.events.readers.openai_batch import is_batch, read_batch
from stillwatch.events.readers.otlp import is_otlp, read_otlp
from stillwatch.events.readers.plain import read_csv, read_jsonl
from stillwatch.events.readers.records import reader_of


def _is_parquet(head: Head) -> bool:
    return head.is_parquet


def _is_jsonl(head: Head) -> bool:
    return head.is_json and _is_plain(head)


def _is_csv(head: Head) -> bool:
    return not head.is_json and _is_plain(head)


def _is_plain(head: Head) -> bool:
    """At least two contract columns under names that are known, or chat messages with a time."""
    names = head.names
    return len(resolve(names)) >= 2 or (MESSAGES in names and bool(names & {*ALIASES["time"]}))


FORMATS: Final[tuple[Format, ...]] = (
    Format("otlp", "OpenTelemetry traces and logs as OTLP JSON", is_otlp, read_otlp),
    Format("openai-batch", "OpenAI Batch request and result files", is_batch, read_batch),
    Format("litellm", "LiteLLM StandardLoggingPayload", is_payload, reader_of(map_payload)),
    Format("litellm-spend", "LiteLLM_SpendLogs table", is_spend_log, reader_of(map_spend_log)),
    Format("langfuse", "Langfuse observations", is_langfuse, reader_of(map_observation)),
    Format("parquet", "events or fingerprints in Parquet", _is_parquet, read_parquet),
    Format("jsonl", "events as JSON lines or an array", _is_jsonl, read_jsonl),
    Format("csv", "events as CSV with a header", _is_csv, read_csv),
)
"""Built-in formats, asked in this order."""
