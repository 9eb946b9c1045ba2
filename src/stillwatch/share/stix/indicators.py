"""Signatures as STIX indicators, and back: rounded on the way out, untrusted on the way in."""

from datetime import datetime
from typing import Any, Final

import msgspec

from stillwatch.errors import InputError
from stillwatch.share import atlas
from stillwatch.share.signatures.families import Family
from stillwatch.share.signatures.model import Pattern, Rate, Rule, Signature, Tlp, identify
from stillwatch.share.stix import coarse, extension, patterns, phrases, tlp
from stillwatch.share.stix.bundle import Stix
from stillwatch.share.stix.coarse import Coarseness
from stillwatch.share.stix.disclosure import Disclosure, Producer
from stillwatch.share.stix.ids import Ids

FEWEST_CARRIERS: Final = 5
"""Accounts of one campaign that must carry a signature before it may leave."""


def coarsened(
    signature: Signature, producer: Producer, rounding: Coarseness, ids: Ids, marking: Tlp
) -> Signature:
    """Return a signature as it leaves: our words for its own, figures rounded, marks before shapes.

    Raises:
        InputError: It holds a value that may not leave, or too few accounts carried it.
    """
    if signature.k < FEWEST_CARRIERS:
        raise InputError(
            f"a signature was carried by {signature.k} accounts: from {FEWEST_CARRIERS} on it is "
            "shared"
        )
    if unknown := set(signature.techniques) - set(atlas.TECHNIQUES):
        raise InputError(f"a signature names {len(unknown)} techniques that are not known here")
    if signature.objective is not None and signature.objective not in phrases.OBJECTIVES:
        raise InputError("a signature has an objective that is not known here")
    share = coarse.share(signature.rule.share)
    rule = Rule(rounding.count(signature.rule.events), share)
    features = (*signature.marks, *signature.shapes)
    patterns.write(features, rule.events)
    identity = identify(Pattern(features, rule), signature.key_id)
    measured = signature.false_positives
    return msgspec.structs.replace(
        signature,
        id=identity,
        name=f"Signature {phrases.codename(ids.of('indicator', identity))}",
        description=phrases.of_families([feature.family.value for feature in features]),
        features=features,
        rule=rule,
        k=rounding.count(signature.k),
        cover=coarse.share(signature.cover),
        false_positives=Rate(
            rounding.count(measured.hits) if measured.hits else 0,
            rounding.count(measured.accounts) if measured.accounts else 0,
            coarse.probability_down(measured.low),
            coarse.probability(measured.high),
        ),
        valid_from=rounding.start(signature.valid_from),
        valid_until=rounding.end(signature.valid_until),
        techniques=tuple(sorted(set(signature.techniques))),
        tlp=marking,
        created_by=producer.id,
    )


def indicator(signature: Signature, ids: Ids, modified: datetime, confidence: int) -> Stix:
    """Return the indicator of a coarsened signature.

    Args:
        signature: As `coarsened` returned it.
        ids: Names things under the provider's secret.
        modified: Time of this version.
        confidence: 0 to 100.
    """
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": ids.of("indicator", signature.id),
        "created_by_ref": signature.created_by,
        "created": coarse.stamp(signature.valid_from),
        "modified": coarse.stamp(max(modified, signature.valid_from)),
        "name": signature.name,
        "description": signature.description,
        "indicator_types": ["malicious-activity"],
        "pattern": patterns.write(signature.features, signature.rule.events),
        "pattern_type": "stix",
        "pattern_version": "2.1",
        "valid_from": coarse.stamp(signature.valid_from),
        "valid_until": coarse.stamp(signature.valid_until),
        "confidence": coarse.step_down(confidence),
        "object_marking_refs": [tlp.IDS[signature.tlp]],
        "extensions": extension.properties(**_extra(signature)),
    }


def rule_indicator(pattern: str, source: str, ids: Ids, disclosed: Disclosure) -> Stix:
    """Return the indicator of a Sigma rule.

    Args:
        pattern: As `stillwatch.share.stix.sigma.leaving` wrote it.
        source: The id that the rule has here; it does not leave.
        ids: Names things under the provider's secret.
        disclosed: The campaign that it belongs to, for times and marking.
    """
    identifier = ids.of("indicator", "sigma", source)
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": identifier,
        "created_by_ref": disclosed.producer.id,
        "created": coarse.stamp(disclosed.created),
        "modified": coarse.stamp(disclosed.modified),
        "name": f"Rule {phrases.codename(identifier)}",
        "description": phrases.SIGMA_RULE,
        "indicator_types": ["anomalous-activity"],
        "pattern": pattern,
        "pattern_type": "sigma",
        "valid_from": coarse.stamp(disclosed.first_seen),
        "valid_until": coarse.stamp(disclosed.expires),
        "confidence": disclosed.confidence,
        "object_marking_refs": [tlp.IDS[disclosed.tlp]],
    }


def _extra(signature: Signature) -> dict[str, Any]:
    rate = signature.false_positives
    least = {f.family: f.least for f in signature.features if f.least > 1}
    extra: dict[str, Any] = {
        "key_id": signature.key_id,
        "event_share": signature.rule.share,
        "carriers": signature.k,
        "cover": signature.cover,
        "false_positives": {
            "hits": rate.hits,
            "accounts": rate.accounts,
            "low": rate.low,
            "high": rate.high,
        },
        "techniques": list(signature.techniques),
    }
    if least:
        extra["least_values"] = [{"family": f.value, "values": n} for f, n in least.items()]
    if signature.objective is not None:
        extra["objective"] = signature.objective
    return extra


def signature_of(thing: Stix) -> Signature:
    """Read a signature from an indicator of ours, written here or by another member.

    Raises:
        InputError: It is no such indicator.
    """
    extra = extension.of(thing)
    if extra is None or thing.get("pattern_type") != "stix":
        raise InputError("an indicator holds no signature of Stillwatch: it is kept, not read")
    try:
        return _read(thing, extra)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InputError("an indicator of Stillwatch is incomplete: check the bundle") from error


def _read(thing: Stix, extra: Stix) -> Signature:
    least = {Family(one["family"]): int(one["values"]) for one in extra.get("least_values", [])}
    features, rule = patterns.read(thing["pattern"], least, float(extra["event_share"]))
    measured = msgspec.convert(extra["false_positives"], Rate)
    made = Signature(
        id=identify(Pattern(tuple(features), rule), extra["key_id"]),
        name=thing["name"],
        description=thing["description"],
        features=tuple(features),
        rule=rule,
        key_id=extra["key_id"],
        k=int(extra["carriers"]),
        cover=float(extra["cover"]),
        false_positives=measured,
        valid_from=coarse.moment(thing["valid_from"]),
        valid_until=coarse.moment(thing["valid_until"]),
        objective=extra.get("objective"),
        techniques=tuple(extra["techniques"]),
        tlp=tlp.of_marking(thing["object_marking_refs"][0]),
        created_by=thing["created_by_ref"],
    )
    # A field of another type would make a file of signatures that nobody can read again.
    return msgspec.convert(msgspec.to_builtins(made), Signature)
