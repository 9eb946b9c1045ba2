"""The log source `product: llm`, `category: llm_api`: which fields a rule may name (docs/sigma.md).

Service `events` is one API request, service `profiles` one account's profile from a scan. Country,
language, nationality, the operator of a network and the hour of the day are no fields: none of
them is ever a signal.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from stillwatch.detect.profiles import COLUMNS
from stillwatch.detect.signals import BUILT_IN
from stillwatch.errors import InputError
from stillwatch.events.markers import Marker

PRODUCT: Final = "llm"
CATEGORY: Final = "llm_api"


class Service(StrEnum):
    """What one row of the log source is."""

    EVENTS = "events"
    PROFILES = "profiles"


class Sort(StrEnum):
    """What kind of value a field holds, and so what a rule may ask of it."""

    TEXT = "text"  # words of people and models: matched in memory, never kept
    STRING = "string"
    IDENTIFIER = "identifier"  # names one of very many: groups and counts, not for sharing
    ADDRESS = "address"  # IPv4 or IPv6
    HASH = "hash"  # keyed: groups, counts and compares; no value can be written in a rule
    NUMBER = "number"
    BOOLEAN = "boolean"
    TIME = "time"
    NAMES = "names"  # a list of names from a fixed vocabulary; one bit each in Arrow


@dataclass(frozen=True)
class Field:
    """One field of the log source.

    Attributes:
        name: What a rule writes.
        sort: What it holds.
        meaning: In one line, for docs/sigma.md.
        column: Its Arrow column.
        raw: Whether the column is of events (contract 1) and not among fingerprints (1b).
        names: Vocabulary of a field of names, with the bit of each.
    """

    name: str
    sort: Sort
    meaning: str
    column: str
    raw: bool = False
    names: Mapping[str, int] | None = field(default=None, compare=False)


MARKERS: Final = {marker.name.lower(): int(marker) for marker in Marker if marker.name}
NETWORK_LISTS: Final = {"hosting": 1, "vpn": 2}


def _kept(sort: Sort, meanings: Mapping[str, str]) -> tuple[Field, ...]:
    """Fields that fingerprints keep, under their column's name."""
    return tuple(Field(name, sort, meaning, name) for name, meaning in meanings.items())


def _raw(sort: Sort, meanings: Mapping[str, str]) -> tuple[Field, ...]:
    """Fields that only events with their text have."""
    return tuple(Field(name, sort, meaning, name, raw=True) for name, meaning in meanings.items())


EVENT_FIELDS: Final = (
    *_kept(Sort.TIME, {"time": "when the request came, UTC"}),
    *_kept(Sort.IDENTIFIER, {"account_id": "billing or login identity"}),
    *_kept(
        Sort.STRING,
        {
            "model": "model that was asked for",
            "operation": "such as `chat`",
            "output_type": "`text` or `json`",
            "finish_reason": "why the answer ended, such as `stop` or `length`",
            "reasoning_effort": "effort that was asked for",
            "tls_fingerprint": "JA4 of the client",
            "client_name": "product of the user agent in lower case, without its version",
        },
    ),
    *_kept(
        Sort.NUMBER,
        {
            "turn": "user messages in the request, from 1",
            "input_tokens": "tokens read",
            "output_tokens": "tokens written",
            "reasoning_tokens": "tokens of thinking",
            "temperature": "as asked for",
            "top_p": "as asked for",
            "max_tokens": "as asked for",
            "choices": "answers asked for at once",
            "tools": "tool definitions offered",
            "status": "HTTP status",
            "characters": "of the prompt",
            "words": "of the prompt",
            "constraints": "constraints in the prompt",
            "nesting": "depth of nested lists, brackets or quotes in the prompt",
            "entropy": "bits per word within the prompt",
            "completion_words": "of the completion",
        },
    ),
    *_kept(
        Sort.BOOLEAN,
        {"stream": "answer was streamed", "logprobs": "log-probabilities were asked for"},
    ),
    Field(
        "markers", Sort.NAMES, "what the prompt asks for or looks like", "markers", names=MARKERS
    ),
    Field(
        "completion_markers",
        Sort.NAMES,
        "what the completion looks like",
        "completion_markers",
        names=MARKERS,
    ),
    Field(
        "network_lists",
        Sort.NAMES,
        "lists of the user's that the address is on",
        "network_lists",
        names=NETWORK_LISTS,
    ),
    *_kept(
        Sort.HASH,
        {
            "client": "whole user agent",
            "address": "client address",
            "network": "its /24 or /48",
            "conversation": "conversation id",
            "api_key": "API key id",
            "end_user": "end user id",
            "parameters": "tuple of request parameters",
            "content": "whole normalised prompt",
            "template": "masked frame of the prompt",
            "opening": "first words, masked",
            "closing": "last words, masked",
        },
    ),
    Field("system_prompt", Sort.HASH, "system prompt", "system"),
    *_raw(Sort.TEXT, {"prompt": "last user message", "completion": "the answer"}),
    Field("system", Sort.TEXT, "system prompt", "system_text", raw=True),
    *_raw(Sort.STRING, {"user_agent": "whole user agent"}),
    *_raw(
        Sort.IDENTIFIER,
        {
            "conversation_id": "conversation",
            "api_key_id": "API key",
            "end_user_id": "end user of the account",
        },
    ),
    *_raw(Sort.ADDRESS, {"client_address": "IP address of the client"}),
)


def _profile_fields() -> tuple[Field, ...]:
    counts = [
        Field(column.name, Sort.NUMBER, f"`{column.name}` of the profile", column.name)
        for column in COLUMNS
        if not column.name.startswith(("hour_", "script_", "first_seen", "last_seen"))
    ]
    measures = [
        Field(f"s_{signal.name}", Sort.NUMBER, f"measure of `{signal.name}`", f"s_{signal.name}")
        for signal in BUILT_IN
    ]
    p_values = [
        Field(f"p_{signal.name}", Sort.NUMBER, f"p-value of `{signal.name}`", f"p_{signal.name}")
        for signal in BUILT_IN
    ]
    identity = Field("account_id", Sort.IDENTIFIER, "billing or login identity", "account_id")
    return (identity, *counts, *measures, *p_values)


FIELDS: Final[Mapping[Service, Mapping[str, Field]]] = {
    Service.EVENTS: {one.name: one for one in EVENT_FIELDS},
    Service.PROFILES: {one.name: one for one in _profile_fields()},
}
"""Every field that a rule may name, by service and name."""

ORIGINS: Final = (
    "country", "nation", "language", "locale", "region", "script", "timezone", "time_zone", "asn",
    "city", "continent", "geo", "hour",
)  # fmt: skip
"""Words in a field's name that would make origin a signal."""


def field_of(service: Service, name: str) -> Field:
    """Find a field.

    Raises:
        InputError: There is no such field; names of origins are refused as such.
    """
    found = FIELDS[service].get(name)
    if found is not None:
        return found
    if any(word in name.lower() for word in ORIGINS):
        raise InputError(
            f"the field {name!r} says where people come from, which is never a signal: leave it out"
        )
    raise InputError(f"{service} have no field {name!r}: see docs/sigma.md for the fields")
