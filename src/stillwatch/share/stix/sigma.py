"""Sigma rules on their way out: rewritten to what may leave, and held to it.

A rule is text, and may quote a prompt, an address or a customer's name. So it does not leave as it
was written. What leaves is a rule of the same meaning: titles and names are ours, comments and
authors are gone, fields and values are of closed lists. A rule that needs any other value, such as
words of a prompt, does not leave.

The pattern is canonical JSON, one document a line between `---`, which is YAML as well.
"""

import fnmatch
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import rfc8785

from stillwatch.detect.profiles import COLUMNS
from stillwatch.detect.signals import BUILT_IN
from stillwatch.errors import InputError
from stillwatch.events.markers import Marker
from stillwatch.share import atlas
from stillwatch.share.signatures.families import CLIENTS
from stillwatch.share.stix.coarse import is_coarse
from stillwatch.share.stix.rules import Fields, Many, Only, Refusals, Rule, Text, Word

Document = dict[str, Any]
"""One document of a Sigma file."""

MOST_DOCUMENTS: Final = 8
MOST_VALUES: Final = 8
MOST_CHARACTERS: Final = 16_384
SEPARATOR: Final = "\n---\n"
LEVELS: Final = ("informational", "low", "medium", "high", "critical")
CORRELATIONS: Final = ("event_count", "value_count", "temporal", "temporal_ordered")
COMPARISONS: Final = ("gt", "gte", "lt", "lte")

_PART: Final = "part_[1-9][0-9]?"
_NAME: Final = Text(_PART, 7, "`part_` and a number")
_TOKEN: Final = rf"(?:{_PART}|and|or|not|\(|\))"
_CONDITION: Final = Text(rf"{_TOKEN}(?: {_TOKEN}){{0,99}}", 800, "parts, `and`, `or`, `not`")
_UUID: Final = Text("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", 36, "an id")
_TAGS: Final = Word(tuple(f"{atlas.TAG_NAMESPACE}.{name}" for name in atlas.TAGS), "ATLAS tags")

NAMES: Final = tuple(marker.name.lower() for marker in Marker if marker.name)
_NO_SIGNAL: Final = ("hour_", "script_", "first_", "last_")
NUMBERS: Final = {
    "events": (
        "turn", "input_tokens", "output_tokens", "reasoning_tokens", "temperature", "top_p",
        "max_tokens", "choices", "tools", "status", "characters", "words", "constraints",
        "nesting", "entropy", "completion_words",
    ),
    "profiles": (
        *(c.name for c in COLUMNS if not c.name.startswith(_NO_SIGNAL)),
        *(f"{letter}_{signal.name}" for letter in "sp" for signal in BUILT_IN),
    ),
}  # fmt: skip
"""Fields that hold a number, by service."""
WORDS: Final[dict[str, tuple[str, ...]]] = {
    "markers": NAMES,
    "completion_markers": NAMES,
    "network_lists": ("hosting", "vpn"),
    "operation": ("chat", "completions", "embeddings", "responses"),
    "output_type": ("text", "json"),
    "finish_reason": ("stop", "length", "tool_calls", "content_filter"),
    "reasoning_effort": ("minimal", "low", "medium", "high"),
    "client_name": CLIENTS,
}
"""Fields of events that hold a word of a closed list."""
FLAGS: Final = ("stream", "logprobs")
"""Fields of events that are true or false."""
GROUPS: Final = (
    "account_id", "client", "address", "network", "conversation", "api_key", "end_user",
    "parameters", "content", "template", "opening", "closing", "system_prompt", "model",
    "tls_fingerprint", "client_name",
)  # fmt: skip
"""Fields that a correlation may group by or count; no value of them can be written."""


@dataclass(frozen=True)
class _Value:
    """A number of a detection, a few of them, or null."""

    words = "a number below 1,000, one of two significant digits, or a power of two"

    def refusals(self, value: Any, path: str) -> Refusals:
        values = value if isinstance(value, list) else [value]
        if len(values) > MOST_VALUES or not all(_is_plain(one) for one in values):
            yield path, f"is not {self.words}"

    def schema(self) -> dict[str, Any]:
        plain = {"type": ["number", "null"]}
        return {"anyOf": [plain, {"type": "array", "items": plain, "maxItems": MOST_VALUES}]}


def _is_plain(value: Any) -> bool:
    if value is None:
        return True
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    small = isinstance(value, int) and abs(value) < 1000
    size = isinstance(value, int) and 0 < value <= 2**20 and value & (value - 1) == 0
    return small or size or (abs(value) <= 1_000_000 and is_coarse(value))


@dataclass(frozen=True)
class _Flag:
    """True or false."""

    words = "true or false"

    def refusals(self, value: Any, path: str) -> Refusals:
        if not isinstance(value, bool):
            yield path, "must be true or false"

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


def _detected(service: str) -> Fields:
    """The fields of one search of a detection."""
    rules: dict[str, Rule] = {}
    for name in NUMBERS[service]:
        for suffix in ("", *(f"|{one}" for one in COMPARISONS)):
            rules[f"{name}{suffix}"] = _Value()
    if service == "events":
        for name, known in WORDS.items():
            for suffix in ("", "|all"):
                rules[f"{name}{suffix}"] = Many(Word(known), len(known))
        rules |= {name: _Flag() for name in FLAGS}
        rules |= {f"{name}|exists": _Flag() for name in (*GROUPS, *NUMBERS[service], *WORDS)}
    return Fields({}, rules)


DETECTED: Final = {service: _detected(service) for service in NUMBERS}
_COMMON: Final[dict[str, Rule]] = {"title": Only("Shared rule"), "id": _UUID}
_OPTIONAL: Final[dict[str, Rule]] = {
    "name": _NAME,
    "level": Word(LEVELS),
    "tags": Many(_TAGS, 8),
}
_CORRELATION: Final = Fields(
    {"type": Word(CORRELATIONS), "rules": Many(_NAME, MOST_DOCUMENTS),
     "timespan": Text("[1-9][0-9]{0,3}[smhd]", 5, "a time span")},
    {"group-by": Many(Word(GROUPS), 4),
     "condition": Fields({}, {"field": Word(GROUPS), **{c: _Value() for c in COMPARISONS}})},
)  # fmt: skip


def leaving(documents: Sequence[Mapping[str, Any]], identifier: str) -> str:
    """Return a rule as it may leave.

    Args:
        documents: The documents of one Sigma file.
        identifier: A UUID under which it leaves; those of its parts follow from their order.

    Raises:
        InputError: It holds a field or value that may not leave; the message names the field.
    """
    names = {
        str(one["name"]): f"part_{place + 1}"
        for place, one in enumerate(documents)
        if "name" in one
    }
    try:
        written = SEPARATOR.join(
            rfc8785.dumps(_rewritten(one, names, f"{identifier[:-4]}{place:04x}")).decode()
            for place, one in enumerate(documents)
        )
    except (rfc8785.CanonicalizationError, TypeError, ValueError, AttributeError):
        raise InputError("a Sigma rule has a part of the wrong type: lint it first") from None
    if found := refusals(written):
        raise InputError(f"a Sigma rule may not leave: {found[0]}; leave that rule out")
    return written


def refusals(pattern: str) -> list[str]:
    """Return what of a rule's pattern may not leave; empty where all may."""
    if len(pattern) > MOST_CHARACTERS:
        return [f"a Sigma rule has more than {MOST_CHARACTERS:,} characters"]
    try:
        documents = [json.loads(text) for text in pattern.split(SEPARATOR)]
        if SEPARATOR.join(rfc8785.dumps(one).decode() for one in documents) != pattern:
            return ["a Sigma rule is not in canonical form"]
    except (ValueError, RecursionError):
        return ["a Sigma rule is not canonical JSON"]
    if not 1 <= len(documents) <= MOST_DOCUMENTS:
        return [f"a Sigma file has 1 to {MOST_DOCUMENTS} documents"]
    return [
        f"{path} {why}"
        for place, one in enumerate(documents)
        for path, why in _rules_of(one).refusals(one, f"rule[{place}]")
    ]


def _rules_of(document: Any) -> Fields:
    if isinstance(document, dict) and "correlation" in document:
        return Fields({**_COMMON, "correlation": _CORRELATION}, _OPTIONAL)
    source = document.get("logsource") if isinstance(document, dict) else None
    service = source.get("service") if isinstance(source, dict) else None
    known = service if service in DETECTED else "events"
    logs: dict[str, Rule] = {"product": Only("llm"), "category": Only("llm_api")}
    detection = document.get("detection") if isinstance(document, dict) else None
    parts = [name for name in detection or () if re.fullmatch(_PART, str(name))]
    searches: dict[str, Rule] = dict.fromkeys(parts, DETECTED[known])
    return Fields(
        {
            **_COMMON,
            "logsource": Fields({**logs, "service": Only(known)}, {}),
            "detection": Fields({"condition": _CONDITION, **searches}, {}),
        },
        _OPTIONAL,
    )


def _rewritten(document: Mapping[str, Any], names: Mapping[str, str], code: str) -> Document:
    """A document in our words; what may not leave is left in, for the list to refuse."""
    kept: Document = {"title": "Shared rule", "id": code}
    if "name" in document:
        kept["name"] = names[str(document["name"])]
    if document.get("level") in LEVELS:
        kept["level"] = document["level"]
    tags = [tag for tag in document.get("tags") or () if not list(_TAGS.refusals(tag, ""))]
    if tags:
        kept["tags"] = tags
    if "correlation" in document:
        given = dict(document["correlation"])
        given["rules"] = [names.get(str(one), "") for one in given.get("rules", ())]
        return {**kept, "correlation": {k: v for k, v in given.items() if k != "generate"}}
    source = document.get("logsource") or {}
    kept["logsource"] = {"service": "events", **source}
    return {**kept, "detection": _detection(document.get("detection") or {})}


def _detection(given: Mapping[str, Any]) -> Document:
    parts = [name for name in given if name != "condition"]
    renamed = {name: f"part_{place + 1}" for place, name in enumerate(parts)}
    searches = {renamed[name]: _search(given[name]) for name in parts}
    return {**searches, "condition": _condition(str(given.get("condition", "")), renamed)}


def _search(given: Any) -> Any:
    """One search; a single word of a list is a list of one."""
    if not isinstance(given, Mapping):
        return given
    return {
        name: [value] if name.partition("|")[0] in WORDS and isinstance(value, str) else value
        for name, value in given.items()
    }


def _condition(text: str, renamed: Mapping[str, str]) -> str:
    """A condition over renamed parts; `1 of x*` and `all of them` are written out."""

    def written_out(found: re.Match[str]) -> str:
        shape = "[!_]*" if found[2] == "them" else found[2]
        parts = [new for old, new in renamed.items() if fnmatch.fnmatchcase(old, shape)]
        return f"({(' and ' if found[1] == 'all' else ' or ').join(parts)})"

    whole = re.sub(r"\b(1|all) of ([\w*]+)", written_out, text)
    tokens = re.findall(r"[()]|[^\s()]+", whole)
    return " ".join(renamed.get(token, token) for token in tokens)
