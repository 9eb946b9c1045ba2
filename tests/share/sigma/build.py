"""Rules, events and a naive reference for tests of Sigma rules."""

import ipaddress
import re
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import yaml

from stillwatch.share.sigma.backend import ADDRESS_DIGITS, DuckDBBackend
from stillwatch.share.sigma.fields import FIELDS, Service, Sort
from stillwatch.share.sigma.patterns import address_number
from stillwatch.share.sigma.predicate import PredicateBackend, folded
from stillwatch.share.sigma.reading import read_rules

OPEN = []
"""The connection of the session; see `conftest`."""
START = datetime(2026, 3, 2, tzinfo=UTC)
TYPES = {
    Sort.TEXT: pa.string(),
    Sort.STRING: pa.string(),
    Sort.IDENTIFIER: pa.string(),
    Sort.ADDRESS: pa.string(),
    Sort.HASH: pa.uint64(),
    Sort.NUMBER: pa.float64(),
    Sort.BOOLEAN: pa.bool_(),
    Sort.TIME: pa.timestamp("us", tz="UTC"),
    Sort.NAMES: pa.uint32(),
}


def document(detection, service="events", **more):
    """A rule as a mapping."""
    source = {"product": "llm", "category": "llm_api", "service": service}
    return {"title": "A rule", "logsource": source, "detection": detection} | more


def rule_of(detection, service="events"):
    """One parsed rule."""
    text = yaml.safe_dump(document(detection, service))
    return read_rules(text, "a.yml").rules[0]


def correlated(parts, correlation):
    """A correlation over named detections, as a parsed rule."""
    documents = [document(detection, name=name) for name, detection in parts.items()]
    documents.append({"title": "A correlation", "correlation": correlation})
    return read_rules(yaml.safe_dump_all(documents), "a.yml").rules[-1]


def event(seconds=0.0, **values):
    """An event as a mapping of fields."""
    return {"time": START + timedelta(seconds=seconds), "account_id": "a"} | values


def table_of(events, service=Service.EVENTS):
    """The same events as an Arrow table."""
    columns = {}
    for field in FIELDS[service].values():
        values = [row.get(field.name) for row in events]
        columns[field.column] = pa.array(values, TYPES[field.sort])
        if field.sort is Sort.ADDRESS:
            numbers = [None if v is None else address_number(v) for v in values]
            digits = [None if n is None else f"{n:032x}" for n in numbers]
            columns[field.column + ADDRESS_DIGITS] = pa.array(digits, pa.string())
    return pa.table(columns)


def in_duckdb(rule, events):
    """Whether each event matches, says DuckDB."""
    condition = DuckDBBackend().condition(rule)
    connection = OPEN[-1].cursor()
    connection.register("events", table_of(events, Service(rule.logsource.service)))
    return [row[0] for row in connection.execute(f"SELECT {condition} FROM events").fetchall()]  # noqa: S608


def in_python(rule, events):
    """Whether each event matches, says the predicate."""
    backend = PredicateBackend()
    predicate = backend.compile(rule)
    return [predicate(row, folded(row, backend.folds)) for row in events]


def by_reference(detection, row):
    """Whether an event matches, by the plainest reading of the specification."""
    selections = {n: _selection(s, row) for n, s in detection.items() if n != "condition"}
    words = re.sub(
        r"\b(1|any|all) of (\w+\*?|them)",
        lambda m: _quantified(m, selections),
        detection["condition"],
    )
    return bool(eval(words, {}, selections))  # noqa: S307 - the condition is the test's own


def _quantified(match, selections):
    pattern = ".*" if match[2] == "them" else match[2].replace("*", ".*")
    names = [name for name in selections if re.fullmatch(pattern, name)]
    return "(" + (" and " if match[1] == "all" else " or ").join(names) + ")"


def _selection(selection, row):
    if isinstance(selection, list):
        return any(_selection(part, row) for part in selection)
    return all(_item(key, value, row) for key, value in selection.items())


def _item(key, value, row):
    name, *modifiers = key.split("|")
    found = [
        _value(row.get(name), one, modifiers, name, row)
        for one in (value if isinstance(value, list) else [value])
    ]
    result = all(found) if "all" in modifiers else any(found)
    return not result if "neq" in modifiers else result


def _value(actual, wanted, modifiers, name, row):
    if "exists" in modifiers:
        return (actual is not None) is wanted
    if wanted is None or actual is None:
        return wanted is None and actual is None
    if "fieldref" in modifiers:
        other = row.get(wanted)
        return other is not None and _lower(actual) == _lower(other)
    if isinstance(wanted, bool | int | float):
        return _number(actual, wanted, modifiers)
    if names := FIELDS[Service.EVENTS][name].names:
        return bool(actual & names[wanted.lower()])
    return _string(actual, wanted, modifiers)


def _number(actual, wanted, modifiers):
    compare = {"gt": actual > wanted, "gte": actual >= wanted, "lt": actual < wanted}
    compare["lte"] = actual <= wanted
    return next((compare[m] for m in modifiers if m in compare), actual == wanted)


def _string(actual, wanted, modifiers):
    if "re" in modifiers:
        flags = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL}
        chosen = sum(flags[m] for m in modifiers if m in flags)
        return re.search(wanted, actual, chosen) is not None
    if "cidr" in modifiers:
        return ipaddress.ip_address(actual) in ipaddress.ip_network(wanted)
    parts = _parts(wanted)
    if "contains" in modifiers or "endswith" in modifiers:
        parts = ["*", *parts]
    if "contains" in modifiers or "startswith" in modifiers:
        parts = [*parts, "*"]
    if "cased" in modifiers:
        return _glob(parts, actual)
    folded_parts = [p if p in ("*", "?") else ("=", _lower(p[1])) for p in parts]
    return _glob(folded_parts, _lower(actual))


def _lower(text):
    """One character for one, whatever stands around it."""
    return "".join(c.lower()[0] for c in text) if isinstance(text, str) else text


def _parts(text):
    """Characters as ("=", c), wildcards as "*" and "?"."""
    parts, at = [], 0
    while at < len(text):
        if text[at] == "\\" and at + 1 < len(text) and text[at + 1] in "\\*?":
            parts.append(("=", text[at + 1]))
            at += 2
            continue
        parts.append(text[at] if text[at] in "*?" else ("=", text[at]))
        at += 1
    return parts


def _glob(parts, text):
    if not parts:
        return not text
    if parts[0] == "*":
        return any(_glob(parts[1:], text[n:]) for n in range(len(text) + 1))
    return bool(text) and (parts[0] == "?" or parts[0][1] == text[0]) and _glob(parts[1:], text[1:])
