"""The allow-list: which fields may leave a provider, and what each may hold. All else is refused.

One schema by object type. Times of things that happened are whole hours; counts have two
significant digits; texts come from closed lists or have a shape that no sentence, address or
identifier of a log has. There is no field for prompts, completions, accounts, addresses or prices.
A refusal names the field and never repeats what stands there.
"""

from collections.abc import Sequence
from typing import Any, Final

from stillwatch.detect.features import Line
from stillwatch.errors import InputError
from stillwatch.events.contracts import Verdict
from stillwatch.share import atlas
from stillwatch.share.signatures.families import ASPECTS, Family
from stillwatch.share.signatures.model import Tlp
from stillwatch.share.stix import coarse, extension, indicators, phrases, sigma, tlp
from stillwatch.share.stix.bundle import Stix, objects_of
from stillwatch.share.stix.disclosure import FEWEST_ACCOUNTS
from stillwatch.share.stix.rules import Fields, Many, Number, Only, Rule, Text, Word, speakable

MOST_OBJECTS: Final = 10_000
"""Objects of one bundle."""
_UUID: Final = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
_LONGEST_TYPE: Final = 40


def _ref(*types: str) -> Text:
    shape = f"(?:{'|'.join(types)})--{_UUID}"
    return Text(shape, _LONGEST_TYPE + 38, f"an id of {' or '.join(types)}")


HOUR: Final = Text(r"20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:00:00\.000Z", 24, "a whole hour")
SECOND: Final = Text(
    r"20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]\.000Z", 24, "a second"
)
PROBABILITY: Final = Number(0, 1, whole=False)
SHARE: Final = Number(0, 1, whole=False)
COUNT: Final = Number(1, coarse.MOST_COUNTED)
CONFIDENCE: Final = Number(0, 100, step=5)
MEMBER: Final = Text(
    r"[A-Z][A-Za-z&-]{0,19}(?: (?:[A-Z][A-Za-z&-]{0,19}|of|and|the)){0,4}",
    64,
    "a name: up to five words of letters, each with a capital",
)
OBJECTIVE: Final = Word(tuple(phrases.OBJECTIVES))
_WORDS: Final = rf"(?:{'|'.join(phrases.FIRST_WORDS)}) (?:{'|'.join(phrases.SECOND_WORDS)})"
_FAMILY: Final = f"(?:{'|'.join(sorted(f.value for f in Family))})"
_PRODUCER: Final = _ref("identity")
_MARKING: Final = Many(Word(tuple(tlp.IDS.values()), "TLP 2.0 markings"), 1)

_COMMON: Final[dict[str, Rule]] = {
    "spec_version": Only("2.1"),
    "created_by_ref": _PRODUCER,
    "created": HOUR,
    "modified": SECOND,
}


def _object(
    type_: str, required: dict[str, Rule], optional: dict[str, Rule] | None = None
) -> Fields:
    head: dict[str, Rule] = {"type": Only(type_), "id": _ref(type_), **_COMMON}
    return Fields({**head, "object_marking_refs": _MARKING, **required}, optional or {})


_REFERENCE: Final = Fields(
    {
        "source_name": Only(atlas.SOURCE),
        "external_id": Word(tuple(atlas.TECHNIQUES), "techniques of MITRE ATLAS"),
    },
    {},
)
_MITIGATION: Final = Fields(
    {
        "source_name": Only(atlas.SOURCE),
        "external_id": Word(tuple(sorted({m for m, _ in atlas.MITIGATIONS.values()}))),
    },
    {},
)
_TACTICS: Final = tuple(sorted({t for one in atlas.TECHNIQUES.values() for t in one.tactics}))
_PHASE: Final = Fields(
    {"kill_chain_name": Only(atlas.SOURCE), "phase_name": Word(_TACTICS, "tactics")}, {}
)
_CARRIED: Final = Fields({"objective": OBJECTIVE, "share": SHARE}, {})
_COUNTED: Final = tuple(family.value for family in Family if ASPECTS[family].many)
_LEAST: Final = Fields({"family": Word(_COUNTED), "values": Number(2, 512, coarse=False)}, {})
_RATE: Final = Fields(
    {
        "hits": Number(0, coarse.MOST_COUNTED),
        "accounts": Number(0, coarse.MOST_COUNTED),
        "low": PROBABILITY,
        "high": PROBABILITY,
    },
    {},
)

RULE: Final = "indicator-sigma"
"""Name of the rules for indicators that are Sigma rules."""

ADDED: Final[dict[str, Fields]] = {
    "campaign": Fields(
        {
            "extension_type": Only("property-extension"),
            "kind": Word(tuple(kind.value for kind in phrases.KINDS)),
            "q_coordination": PROBABILITY,
            "q_kind": PROBABILITY,
            "valid_until": HOUR,
        },
        {
            "carries": Many(_CARRIED, len(phrases.OBJECTIVES)),
            "evidence": Many(Word(tuple(line.value for line in Line)), len(Line)),
        },
    ),
    "indicator": Fields(
        {
            "extension_type": Only("property-extension"),
            "key_id": Text("[0-9a-f]{16}", 16, "the name of a key"),
            "event_share": SHARE,
            "carriers": Number(indicators.FEWEST_CARRIERS, coarse.MOST_COUNTED),
            "cover": SHARE,
            "false_positives": _RATE,
            "techniques": Many(Word(tuple(atlas.TECHNIQUES), "techniques of MITRE ATLAS"), 8),
        },
        {"objective": OBJECTIVE, "least_values": Many(_LEAST, len(_COUNTED))},
    ),
}
"""Properties that our extension adds to objects of STIX."""

OBJECTS: Final[dict[str, Fields]] = {
    "identity": Fields(
        {
            "type": Only("identity"),
            "id": _PRODUCER,
            **_COMMON,
            "name": MEMBER,
            "identity_class": Only("organization"),
        },
        {},
    ),
    "campaign": _object(
        "campaign",
        {
            "name": Text(
                f"(?:{'|'.join(name for name, _ in phrases.KINDS.values())}) {_WORDS}",
                64,
                "the name of a kind and two words of ours",
            ),
            "description": Word(tuple(d for _, d in phrases.KINDS.values()), "fixed sentences"),
            "first_seen": HOUR,
            "last_seen": HOUR,
            "confidence": CONFIDENCE,
            "extensions": Fields({extension.EXTENSION: ADDED["campaign"]}, {}),
        },
        {"objective": Word(tuple(phrases.OBJECTIVES.values()), "fixed sentences")},
    ),
    "attack-pattern": Fields(
        {
            "type": Only("attack-pattern"),
            "id": _ref("attack-pattern"),
            **_COMMON,
            "name": Word(tuple(t.name for t in atlas.TECHNIQUES.values()), "names of techniques"),
            "external_references": Many(_REFERENCE, 1),
            "kill_chain_phases": Many(_PHASE, 4),
        },
        {},
    ),
    "course-of-action": _object(
        "course-of-action",
        {
            "name": Word(tuple(name for name, _ in phrases.RESPONSES.values())),
            "description": Word(tuple(d for _, d in phrases.RESPONSES.values()), "fixed sentences"),
            "external_references": Many(_MITIGATION, 1),
        },
    ),
    "observed-data": _object(
        "observed-data",
        {
            "first_observed": HOUR,
            "last_observed": HOUR,
            "number_observed": COUNT,
            "object_refs": Many(_ref(extension.ACTIVITY), 1),
        },
    ),
    extension.ACTIVITY: Fields(
        {
            "type": Only(extension.ACTIVITY),
            "spec_version": Only("2.1"),
            "id": _ref(extension.ACTIVITY),
            "accounts": Number(FEWEST_ACCOUNTS, coarse.MOST_COUNTED),
            "campaign_ref": _ref("campaign"),
            "created_by_ref": _PRODUCER,
            "object_marking_refs": _MARKING,
            "extensions": Only(extension.OBSERVABLE),
        },
        {},
    ),
    "indicator": _object(
        "indicator",
        {
            "name": Text(f"Signature {_WORDS}", 40, "`Signature` and two words of ours"),
            "description": Text(
                rf"{phrases.SIGNATURE} {_FAMILY}(?:, {_FAMILY}){{0,15}}\.",
                260,
                "our sentence with names of families",
            ),
            "indicator_types": Only(["malicious-activity"]),
            "pattern": Text(
                r"[A-Za-z0-9\[\]()'=,:*_/ -]+", 16_384, "a pattern that Stillwatch writes"
            ),
            "pattern_type": Only("stix"),
            "pattern_version": Only("2.1"),
            "valid_from": HOUR,
            "valid_until": HOUR,
            "confidence": CONFIDENCE,
            "extensions": Fields({extension.EXTENSION: ADDED["indicator"]}, {}),
        },
    ),
    RULE: _object(
        "indicator",
        {
            "name": Text(f"Rule {_WORDS}", 40, "`Rule` and two words of ours"),
            "description": Only(phrases.SIGMA_RULE),
            "indicator_types": Only(["anomalous-activity"]),
            "pattern": Text(
                r"(?s:.+)", sigma.MOST_CHARACTERS, "a Sigma rule in canonical form, itself checked"
            ),
            "pattern_type": Only("sigma"),
            "valid_from": HOUR,
            "valid_until": HOUR,
            "confidence": CONFIDENCE,
        },
    ),
    "sighting": _object(
        "sighting",
        {
            "first_seen": HOUR,
            "last_seen": HOUR,
            "count": COUNT,
            "sighting_of_ref": _ref("campaign", "indicator"),
            "where_sighted_refs": Many(_PRODUCER, 1),
        },
        {"observed_data_refs": Many(_ref("observed-data"), 1)},
    ),
    "relationship": _object(
        "relationship",
        {
            "relationship_type": Word(
                ("uses", "indicates", "based-on", "mitigates", "related-to", "duplicate-of")
            ),
            "source_ref": _ref("campaign", "indicator", "course-of-action"),
            "target_ref": _ref("campaign", "attack-pattern", "observed-data", "indicator"),
        },
    ),
}
"""What each type of object may hold. Types that are not here may not leave."""

FIXED: Final[dict[str, Stix]] = {
    extension.PROJECT: extension.PROJECT_IDENTITY,
    extension.EXTENSION: extension.DEFINITION,
    **{tlp.IDS[level]: tlp.marking(level) for level in Tlp},
}
"""Objects that are the same in every bundle, and may leave only as they are."""

BUNDLE: Final = Fields(
    {"type": Only("bundle"), "id": _ref("bundle"), "objects": Many(Only(None), MOST_OBJECTS)}, {}
)
"""The bundle around them."""


def refusals(bundle: Stix) -> list[str]:
    """Return what of a bundle may not leave: a path and a reason each; empty where all may."""
    found = [
        f"{speakable(name, place)} may not leave"
        for place, name in enumerate(bundle)
        if name not in BUNDLE.all
    ]
    for name in ("type", "id"):
        rule = BUNDLE.required[name]
        found += [f"{path} {why}" for path, why in rule.refusals(bundle.get(name), name)]
    things = objects_of(bundle)
    if len(things) > MOST_OBJECTS:
        return [*found, f"objects has more than {MOST_OBJECTS:,} elements"]
    for place, thing in enumerate(things):
        found += _refusals_of(thing, f"objects[{place}]")
    return found


def refusals_of(thing: Stix) -> Sequence[str]:
    """Return what of one object may not leave: a path and a reason each; empty where all may."""
    return _refusals_of(thing, "object")


def check(bundle: Stix) -> None:
    """Refuse a bundle that holds anything that may not leave.

    Raises:
        InputError: It does; the message names the first field and how many there are.
    """
    found = refusals(bundle)
    if found:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise InputError(f"this may not leave: {found[0]}{more}; take it out")


def _refusals_of(thing: Stix, path: str) -> Sequence[str]:
    fixed = FIXED.get(_text(thing.get("id")))
    if fixed is not None:
        return [] if thing == fixed else [f"{path} is not the published object of its id"]
    is_rule = thing.get("type") == "indicator" and thing.get("pattern_type") == "sigma"
    rules = OBJECTS.get(RULE if is_rule else _text(thing.get("type")))
    if rules is None or thing.get("type") == RULE:
        return [f"{path}.type is not one of the {len(OBJECTS)} types that may leave"]
    where = f"{path} ({thing['type']})"
    found = [f"{at} {why}" for at, why in rules.refusals(thing, where)]
    return found or [f"{where}{why}" for why in _together(thing)]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _together(thing: Stix) -> list[str]:
    """What no field alone shows: fields that must agree with each other."""
    match thing["type"]:
        case "campaign" if not thing["name"].endswith(phrases.codename(thing["id"])):
            return [".name does not go with its id"]
        case "attack-pattern" if not _is_technique(thing):
            return [" is not the technique that it names"]
        case "course-of-action" if not _is_response(thing):
            return [" is not the response that it names"]
        case "indicator":
            return _of_indicator(thing)
    return []


def _is_technique(thing: Stix) -> bool:
    reference = thing["external_references"][0]
    technique = atlas.TECHNIQUES[reference["external_id"]]
    phases = tuple(phase["phase_name"] for phase in thing["kill_chain_phases"])
    return (thing["name"], phases) == (technique.name, technique.tactics)


def _is_response(thing: Stix) -> bool:
    said = (thing["name"], thing["description"])
    code = thing["external_references"][0]["external_id"]
    known = {
        (*phrases.RESPONSES[verdict], atlas.MITIGATIONS[verdict][0])
        for verdict in Verdict
        if verdict in phrases.RESPONSES
    }
    return (*said, code) in known


def _of_indicator(thing: Stix) -> list[str]:
    if not thing["name"].endswith(phrases.codename(thing["id"])):
        return [".name does not go with its id"]
    if thing["pattern_type"] == "sigma":
        return [f".pattern: {why}" for why in sigma.refusals(thing["pattern"])]
    try:
        signature = indicators.signature_of(thing)
    except InputError:
        return [".pattern is not one that Stillwatch writes"]
    if not coarse.is_coarse(signature.rule.events):
        return [".pattern counts events with more than two significant digits: round them"]
    families = [feature.family.value for feature in signature.features]
    if thing["description"] != phrases.of_families(families):
        return [".description does not go with its pattern"]
    return []
