"""Signatures as STIX patterns over observables of our own, and back.

An event that carries every mark is one observation; the rule on events is how often it repeats; the
shape of an account is a second observation:

    [llm-api-event:template = '…' AND llm-api-event:tls = '…'] REPEATS 5 TIMES
    AND [llm-api-account:pace = 'many']

STIX has no words for "at least four of these eight bands" nor for a share of an account's events.
Those stand beside the pattern, in the properties of the indicator. So the pattern alone matches
everything that the signature matches, and may match more.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from stillwatch.errors import InputError
from stillwatch.share.signatures.families import ASPECTS, READABLE, Family
from stillwatch.share.signatures.model import Feature, Rule
from stillwatch.share.signatures.shapes import BINS
from stillwatch.share.stix.extension import ACCOUNT, EVENT

MOST_VALUES: Final = 512
"""Values of one feature."""

VALUES: Final[dict[Family, str]] = {
    **{f: rf"[0-9a-f]{{{a.keyed}}}" for f, a in ASPECTS.items() if a.keyed},
    **{f: "|".join(bins) for f, bins in BINS.items()},
    Family.MARKERS: "[1-9a-f][0-9a-f]{0,3}|0",
    Family.COMPLETION_MARKERS: "[1-9a-f][0-9a-f]{0,3}|0",
    **READABLE,
}
"""The shape of each family's values: keyed hashes, bins, JA4, public software."""

_COMPILED: Final = {family: re.compile(shape) for family, shape in VALUES.items()}
_PATTERN: Final = re.compile(
    r"\[(?P<marks>.+?)\] REPEATS (?P<events>[1-9][0-9]{0,5}) TIMES"
    r"(?: AND \[(?P<shapes>[^\]]+)\])?"
)
_TERM: Final = re.compile(
    r"(?P<type>[a-z-]+):(?P<name>[a-z_]+)(?P<list>\[\*\])? "
    r"(?:= '(?P<one>[^']*)'|IN \((?P<many>'[^']*'(?:, '[^']*')+)\))"
)


def write(features: Sequence[Feature], events: int) -> str:
    """Return the pattern of features that at least `events` events of an account carry.

    Raises:
        InputError: A value is not of its family's shape, a family stands twice, or there is no
            mark of events.
    """
    for feature in features:
        check(feature)
    if len({feature.family for feature in features}) < len(features):
        raise InputError("a signature has two features of one family: it is not shared")
    marks = [_term(f) for f in features if ASPECTS[f.family].column is not None]
    shapes = [_term(f) for f in features if ASPECTS[f.family].column is None]
    if not marks:
        raise InputError("a signature of shapes alone is not shared: it fits too many accounts")
    pattern = f"[{' AND '.join(marks)}] REPEATS {events} TIMES"
    return f"{pattern} AND [{' AND '.join(shapes)}]" if shapes else pattern


def read(pattern: str, least: Mapping[Family, int], share: float) -> tuple[list[Feature], Rule]:
    """Return what `write` wrote: marks before shapes, each in its order.

    Args:
        pattern: A STIX pattern.
        least: How many values of a family an event must carry, where more than one.
        share: Share of an account's events that must match.

    Raises:
        InputError: The pattern is none of ours.
    """
    found = _PATTERN.fullmatch(pattern)
    if found is None:
        raise InputError(_FOREIGN)
    features = [*_features(found["marks"], EVENT, least)]
    if found["shapes"]:
        features += _features(found["shapes"], ACCOUNT, least)
    rule = Rule(int(found["events"]), share)
    if {f.family for f in features if f.least > 1} != set(least):
        raise InputError("an indicator counts values of a family that its pattern lacks: mend it")
    if write(features, rule.events) != pattern:
        raise InputError(_FOREIGN)
    return features, rule


def check(feature: Feature) -> None:
    """Refuse a feature that may not leave.

    Raises:
        InputError: A value is not of the family's shape; the message does not repeat it.
    """
    shape = _COMPILED[feature.family]
    if not all(shape.fullmatch(value) for value in feature.values):
        raise InputError(
            f"a signature has a value of family {feature.family.value} that may not leave: only "
            "keyed hashes, coarse shapes, JA4 and names of public client software do"
        )
    many = ASPECTS[feature.family].many
    if not 1 <= feature.least <= (len(feature.values) if many else 1):
        raise InputError(f"a signature asks for {feature.least} values of {feature.family.value}")
    if not 1 <= len(set(feature.values)) == len(feature.values) <= MOST_VALUES:
        raise InputError(f"a feature has 1 to {MOST_VALUES} values, each once")


_FOREIGN: Final = "an indicator's pattern is not one that Stillwatch writes: it is kept, not read"


def property_of(family: Family) -> tuple[str, str]:
    """Return the observable that shows a family, and its property of that name."""
    return (ACCOUNT if ASPECTS[family].column is None else EVENT), family.value.replace("-", "_")


_FAMILIES: Final = {property_of(family)[1]: family for family in Family}


def _term(feature: Feature) -> str:
    type_, name = property_of(feature.family)
    place = "[*]" if ASPECTS[feature.family].many else ""
    path = f"{type_}:{name}{place}"
    quoted = ", ".join(f"'{value}'" for value in feature.values)
    return f"{path} = {quoted}" if len(feature.values) == 1 else f"{path} IN ({quoted})"


def _features(terms: str, type_: str, least: Mapping[Family, int]) -> Iterator[Feature]:
    for text in terms.split(" AND "):
        term = _TERM.fullmatch(text)
        family = _FAMILIES.get(term["name"]) if term else None
        if term is None or family is None or term["type"] != type_:
            raise InputError(_FOREIGN)
        quoted = term["many"] or f"'{term['one']}'"
        values = tuple(value.strip("'") for value in quoted.split(", "))
        yield Feature(family, values, least.get(family, 1))
