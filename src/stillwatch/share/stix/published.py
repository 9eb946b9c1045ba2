"""The allow-list as it is published: JSON Schemas in docs/stix/ and the tables of docs/sharing.md.

Tests compare both with what stands there.
"""

from typing import Any, Final

from stillwatch.share.signatures.families import ASPECTS
from stillwatch.share.stix import allowlist, extension, patterns
from stillwatch.share.stix.rules import Fields, Many, Rule

_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
_BASE: Final = "https://github.com/stillwatch/stillwatch/blob/main/docs/stix"

SCHEMAS: Final = ("bundle", "extension", *sorted(allowlist.OBJECTS))
"""Names of the published schemas; each is a file in docs/stix/."""


def schema(name: str) -> dict[str, Any]:
    """Return a published schema.

    Args:
        name: `bundle` for all that may leave, `extension` for what our extension adds, else a type.
    """
    head = {"$schema": _DRAFT, "$id": f"{_BASE}/{name}.json"}
    if name == "bundle":
        return {**head, **_bundle()}
    if name == "extension":
        return {**head, **_extension()}
    fixed = [{"const": one} for one in allowlist.FIXED.values() if one["type"] == name]
    rules = allowlist.OBJECTS[name].schema()
    return {**head, "title": name, "anyOf": [*fixed, rules]} if fixed else {**head, **rules}


def _bundle() -> dict[str, Any]:
    things = [rules.schema() for rules in allowlist.OBJECTS.values()]
    fixed = [{"const": one} for one in allowlist.FIXED.values()]
    closed = allowlist.BUNDLE.schema()
    objects = {"type": "array", "maxItems": allowlist.MOST_OBJECTS}
    closed["properties"]["objects"] = {**objects, "items": {"anyOf": [*fixed, *things]}}
    return {
        "title": "What may leave",
        "description": "Counts also have at most two significant digits, and fields must agree.",
        **closed,
    }


def _extension() -> dict[str, Any]:
    """What our extension adds: properties of campaigns and indicators, and an observable."""
    added = {f"{name} properties": allowlist.ADDED[name].schema() for name in allowlist.ADDED}
    return {
        "title": extension.DEFINITION["name"],
        "description": extension.DEFINITION["description"],
        "$defs": {
            **added,
            extension.ACTIVITY: allowlist.OBJECTS[extension.ACTIVITY].schema(),
            extension.EVENT: _observable(extension.EVENT),
            extension.ACCOUNT: _observable(extension.ACCOUNT),
        },
    }


def _observable(type_: str) -> dict[str, Any]:
    """The properties of an observable of which patterns speak: one for each family."""
    shown: dict[str, Any] = {}
    for family, shape in patterns.VALUES.items():
        observable, name = patterns.property_of(family)
        if observable != type_:
            continue
        value = {"type": "string", "pattern": f"^(?:{shape})$"}
        many = ASPECTS[family].many
        shown[name] = {"type": "array", "items": value} if many else value
    return {"type": "object", "properties": shown}


def tables() -> str:
    """Return one Markdown table of fields for each type that may leave."""
    return "\n".join(_table(name, rules) for name, rules in allowlist.OBJECTS.items())


def _table(name: str, rules: Fields) -> str:
    rows = [f"| `{path}` | {words} |" for path, words in _rows(rules, "")]
    return "\n".join([f"### {name}\n", "| field | what it may hold |", "|---|---|", *rows, ""])


def _rows(rules: Fields, before: str) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for name, rule in rules.all.items():
        shown = "…" if name == extension.EXTENSION else name
        path = f"{before}{shown}{'' if name in rules.required else '?'}"
        rows += _row(path, rule)
    return rows


def _row(path: str, rule: Rule) -> list[tuple[str, str]]:
    if isinstance(rule, Fields):
        return _rows(rule, f"{path}.")
    if isinstance(rule, Many) and isinstance(rule.rule, Fields):
        count = f"{rule.least} to {rule.most} of these"
        return [(f"{path}[]", count), *_rows(rule.rule, f"{path}[].")]
    return [(path, rule.words)]
