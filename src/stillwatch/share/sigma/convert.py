"""Rules for other systems, through the pySigma back ends that are installed.

Where a back end would write a query that means something else, there is an error; where its query
is only narrower, a note. ES|QL and EQL cannot compare a field of several values: there each name of
a list, such as a marker, becomes a boolean field of its own (`markers_reasoning`).
"""

from dataclasses import dataclass
from typing import Final, cast

from sigma.collection import SigmaCollection
from sigma.conditions import ConditionAND, ConditionOR
from sigma.conversion.base import Backend
from sigma.correlations import SigmaCorrelationRule
from sigma.exceptions import SigmaError
from sigma.plugins import InstalledSigmaPlugins
from sigma.rule import SigmaDetection, SigmaDetectionItem, SigmaRule
from sigma.types import SigmaBool, SigmaRegularExpression, SigmaString

from stillwatch.errors import ConfigError, InputError
from stillwatch.share.sigma.backend import DuckDBBackend
from stillwatch.share.sigma.fields import FIELDS, Service
from stillwatch.share.sigma.reading import Rule, first_line, read_rules

OURS: Final = "duckdb"
ALIASES: Final = {"elastic": "esql", "elasticsearch": "esql"}
"""Names of systems, and the query language that takes most of our rules."""

_LUCENE: Final = "matches regular expressions of Lucene, which take the whole value and know no \\b"
_SAMPLE: Final = "would look for these events at any time: it has no time span there"
WRONG: Final = {
    ("eql", "value_count"): "would count one value many times in a row, not many values",
    ("eql", "temporal"): _SAMPLE,
    **dict.fromkeys([(name, "re") for name in ("esql", "eql", "lucene", "elastalert")], _LUCENE),
}
"""Back ends whose query would mean something else, by what the rule uses."""
NARROWER: Final = {
    (name, kind): "windows lie end to end: what crosses a border may be missed"
    for name in ("splunk", "esql")
    for kind in ("event_count", "value_count", "temporal")
}
"""Back ends whose query misses some of what the rule says."""
FLAT: Final = ("esql", "eql")
"""Back ends without fields of several values."""


@dataclass(frozen=True)
class Converted:
    """A file in another system's language.

    Attributes:
        queries: Empty where it cannot be converted.
        reason: Why not; None where it was.
        notes: What the queries miss.
    """

    file: str
    queries: tuple[str, ...]
    reason: str | None = None
    notes: tuple[str, ...] = ()


def targets() -> dict[str, type[Backend]]:
    """Find the back ends that are installed, ours included."""
    installed = sorted(InstalledSigmaPlugins.autodiscover().backends.items())
    found: dict[str, type[Backend]] = {OURS: DuckDBBackend}
    return found | {name: cast("type[Backend]", backend) for name, backend in installed}


def canonical(target: str) -> str:
    """Name the back end of a system.

    Raises:
        ConfigError: None is installed; the message says how to get one.
    """
    found, name = targets(), ALIASES.get(target, target)
    if name not in found:
        raise ConfigError(
            f"there is no back end for {target!r}; choose {', '.join(found)}, or install another "
            f"such as: pip install pysigma-backend-{target}"
        )
    return name


def convert(text: str, file: str, target: str) -> Converted:
    """Convert the rules of a file.

    Args:
        text: The file; parsed here, because back ends change the rules that they convert.
        file: Its name.
        target: A name from `canonical`.

    Raises:
        InputError: It is no Sigma rule.
    """
    rules = read_rules(text, file).rules
    used = sorted({feature for rule in rules for feature in _features(rule)})
    for feature in used:
        if (target, feature) in WRONG:
            return Converted(file, (), f"{target} {WRONG[target, feature]}")
    try:
        if target in FLAT:
            for rule in rules:
                if isinstance(rule, SigmaRule):
                    rule.detection.detections = {
                        name: _flat(part) for name, part in rule.detection.detections.items()
                    }
        queries = targets()[target]().convert(SigmaCollection(list(rules)))
    except (SigmaError, NotImplementedError, RecursionError, InputError) as error:
        return Converted(file, (), first_line(error))
    notes = {NARROWER[target, feature] for feature in used if (target, feature) in NARROWER}
    return Converted(file, tuple(str(query) for query in queries), None, tuple(sorted(notes)))


def _features(rule: Rule) -> set[str]:
    """What a rule uses that other systems may not have: types of correlations, and `re`."""
    if isinstance(rule, SigmaCorrelationRule):
        return {rule.type.name.lower()}
    parts = rule.detection.detections.values()
    return {"re"} if any(map(_has_regex, parts)) else set()


def _has_regex(detection: SigmaDetection) -> bool:
    return any(
        _has_regex(item)
        if isinstance(item, SigmaDetection)
        else any(isinstance(value, SigmaRegularExpression) for value in item.value)
        for item in detection.detection_items
    )


def _flat(detection: SigmaDetection) -> SigmaDetection:
    """Make of each name in a list a boolean field."""
    items = [
        _flat(item) if isinstance(item, SigmaDetection) else _flat_item(item)
        for item in detection.detection_items
    ]
    return SigmaDetection(items, detection.source, detection.item_linking)


def _flat_item(item: SigmaDetectionItem) -> SigmaDetectionItem | SigmaDetection:
    field = FIELDS[Service.EVENTS].get(item.field or "")
    if field is None or field.names is None:
        return item
    if item.negated or not all(isinstance(value, SigmaString) for value in item.value):
        raise InputError(f"{field.name} needs plain names here: negate in the condition")
    each: list[SigmaDetectionItem | SigmaDetection] = [
        SigmaDetectionItem(f"{field.name}_{str(value).lower()}", [], [SigmaBool(True)])
        for value in item.value
    ]
    every = item.value_linking is ConditionAND
    return SigmaDetection(each, item.source, ConditionAND if every else ConditionOR)
