"""A disclosed campaign as STIX objects, and back to the same value.

| object | what it says |
|---|---|
| identity | who shares; the project that defines the extension |
| extension-definition | ours, as published in docs/stix/ |
| campaign | kind, objective, window, q-values, expiry |
| attack-pattern | a technique of MITRE ATLAS, by its id |
| observed-data, llm-api-activity | how many events and accounts, in which window; nothing else |
| sighting | that the campaign, or a signature of it, was seen |
| course-of-action | what the provider did |
| indicator | a signature |
| relationship | uses, indicates, based-on, mitigates, related-to |
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from stillwatch.detect.features import Line
from stillwatch.detect.results import Share
from stillwatch.errors import InputError
from stillwatch.events.contracts import Kind, Verdict
from stillwatch.share import atlas
from stillwatch.share.signatures.model import Signature
from stillwatch.share.stix import extension, phrases, tlp
from stillwatch.share.stix.bundle import Stix
from stillwatch.share.stix.coarse import moment, stamp
from stillwatch.share.stix.disclosure import Disclosure, Producer
from stillwatch.share.stix.ids import Ids
from stillwatch.share.stix.indicators import indicator

EXTRACTION: Final = "AML.T0024.002"
"""The technique that a response mitigates where the campaign uses it."""


def bundle(disclosed: Disclosure, signatures: Sequence[Signature], ids: Ids) -> Stix:
    """Return the bundle of a campaign and its coarsened signatures."""
    found = [indicator(s, ids, disclosed.modified, disclosed.confidence) for s in signatures]
    return bundle_of(objects(disclosed, found, ids), ids)


def bundle_of(things: Sequence[Stix], ids: Ids) -> Stix:
    """Put objects into a bundle, whose id is made of theirs and their versions."""
    names = sorted(f"{one['id']} {one.get('modified', '')}" for one in things)
    return {"type": "bundle", "id": ids.of("bundle", *names), "objects": list(things)}


def objects(disclosed: Disclosure, found: Sequence[Stix], ids: Ids) -> list[Stix]:
    """Return the objects of a campaign and its indicators, in an order that stays.

    Args:
        disclosed: What may be known of the campaign.
        found: Its indicators.
        ids: Names things under the provider's secret.
    """
    maker = _Maker(disclosed, ids)
    campaign = maker.campaign()
    used = [maker.attack_pattern(one) for one in disclosed.techniques]
    activity = maker.activity()
    observed = maker.observed(activity["id"])
    taken = [maker.response(verdict) for verdict in disclosed.responses]
    links = [
        *(maker.link(campaign, "uses", one) for one in used),
        *(maker.link(one, "indicates", campaign) for one in found),
        *(maker.link(one, "based-on", observed) for one in found),
        *(maker.link(one, "mitigates", _answered(used)) for one in taken),
        *(maker.link(one, "related-to", campaign) for one in taken),
    ]
    seen = [maker.sighting(campaign, disclosed.accounts, observed)]
    seen += [maker.sighting(one, _carriers(one, disclosed), observed) for one in found]
    head = [extension.PROJECT_IDENTITY, extension.DEFINITION, maker.identity()]
    return [*head, campaign, *used, activity, observed, *found, *taken, *links, *seen]


def _answered(used: Sequence[Stix]) -> Stix:
    """The technique that a response answers: extraction where it is used."""
    ids_of = [one["external_references"][0]["external_id"] for one in used]
    return used[ids_of.index(EXTRACTION) if EXTRACTION in ids_of else 0]


def _carriers(found: Stix, disclosed: Disclosure) -> int:
    """In how many accounts an indicator was seen: all of the campaign where it does not say."""
    extra = extension.of(found) or {}
    return int(extra.get("carriers", disclosed.accounts))


class _Maker:
    """Makes objects of one campaign; holds what all of them share."""

    def __init__(self, disclosed: Disclosure, ids: Ids) -> None:
        self._of = disclosed
        self._ids = ids
        self._marked = {"object_marking_refs": [tlp.IDS[disclosed.tlp]]}

    def _common(self, type_: str, *parts: str) -> Stix:
        return {
            "type": type_,
            "spec_version": "2.1",
            "id": self._ids.of(type_, *parts),
            "created_by_ref": self._of.producer.id,
            "created": stamp(self._of.created),
            "modified": stamp(self._of.modified),
            **self._marked,
        }

    def identity(self) -> Stix:
        who = self._of.producer
        return {
            "type": "identity",
            "spec_version": "2.1",
            "id": who.id,
            "created_by_ref": who.id,
            "created": extension.DEFINITION["created"],
            "modified": extension.DEFINITION["modified"],
            "name": who.name,
            "identity_class": "organization",
        }

    def campaign(self) -> Stix:
        of = self._of
        name, description = phrases.KINDS[of.kind]
        extra: Stix = {
            "kind": of.kind.value,
            "q_coordination": of.q_coordination,
            "q_kind": of.q_kind,
            "valid_until": stamp(of.expires),
        }
        if of.carries:
            extra["carries"] = [{"objective": s.objective, "share": s.share} for s in of.carries]
        if of.lines:
            extra["evidence"] = [line.value for line in of.lines]
        thing = {
            **self._common("campaign", "of", of.id),
            "id": of.id,
            "name": f"{name} {phrases.codename(of.id)}",
            "description": description,
            "first_seen": stamp(of.first_seen),
            "last_seen": stamp(of.last_seen),
            "confidence": of.confidence,
            "extensions": extension.properties(**extra),
        }
        if of.objective is not None:
            thing["objective"] = phrases.OBJECTIVES[of.objective]
        return thing

    def attack_pattern(self, technique_id: str) -> Stix:
        technique = atlas.TECHNIQUES[technique_id]
        return {
            "type": "attack-pattern",
            "spec_version": "2.1",
            "id": self._ids.of("attack-pattern", technique_id),
            "created_by_ref": self._of.producer.id,
            "created": extension.DEFINITION["created"],
            "modified": extension.DEFINITION["modified"],
            "name": technique.name,
            "external_references": [{"source_name": atlas.SOURCE, "external_id": technique.id}],
            "kill_chain_phases": [
                {"kill_chain_name": atlas.SOURCE, "phase_name": tactic}
                for tactic in technique.tactics
            ],
        }

    def activity(self) -> Stix:
        """Observables have no versions: another count or marking is another object."""
        facts = (self._of.id, str(self._of.accounts), self._of.tlp.value)
        return {
            "type": extension.ACTIVITY,
            "spec_version": "2.1",
            "id": self._ids.of(extension.ACTIVITY, *facts),
            "accounts": self._of.accounts,
            "campaign_ref": self._of.id,
            "created_by_ref": self._of.producer.id,
            **self._marked,
            "extensions": extension.OBSERVABLE,
        }

    def observed(self, activity: str) -> Stix:
        return {
            **self._common("observed-data", self._of.id),
            "first_observed": stamp(self._of.first_seen),
            "last_observed": stamp(self._of.last_seen),
            "number_observed": self._of.events,
            "object_refs": [activity],
        }

    def response(self, verdict: Verdict) -> Stix:
        name, description = phrases.RESPONSES[verdict]
        mitigation, _ = atlas.MITIGATIONS[verdict]
        return {
            **self._common("course-of-action", self._of.id, verdict.value),
            "name": name,
            "description": description,
            "external_references": [{"source_name": atlas.SOURCE, "external_id": mitigation}],
        }

    def link(self, source: Stix, kind: str, target: Stix) -> Stix:
        return {
            **self._common("relationship", source["id"], kind, target["id"]),
            "relationship_type": kind,
            "source_ref": source["id"],
            "target_ref": target["id"],
        }

    def sighting(self, of: Stix, count: int, observed: Stix) -> Stix:
        return {
            **self._common("sighting", of["id"]),
            "first_seen": stamp(self._of.first_seen),
            "last_seen": stamp(self._of.last_seen),
            "count": count,
            "sighting_of_ref": of["id"],
            "observed_data_refs": [observed["id"]],
            "where_sighted_refs": [self._of.producer.id],
        }


class Bundled:
    """What campaigns of a bundle refer to, found by id; objects of another shape are passed over.

    Args:
        things: The objects of the bundle.
    """

    def __init__(self, things: Sequence[Stix]) -> None:
        self.known = {one["id"]: one for one in things if isinstance(one.get("id"), str)}
        self._activities: dict[str, Stix] = {}
        self._observed: dict[str, Stix] = {}
        self._uses: dict[str, list[str]] = {}
        self._related: dict[str, list[str]] = {}
        for one in self.known.values():
            if one.get("type") == extension.ACTIVITY:
                self._activities.setdefault(str(one.get("campaign_ref")), one)
            elif one.get("type") == "relationship":
                self._link(one)
            elif isinstance(refs := one.get("object_refs"), list):
                for ref in refs:
                    self._observed.setdefault(str(ref), one)

    def _link(self, one: Stix) -> None:
        kind, source, target = (
            str(one.get(name)) for name in ("relationship_type", "source_ref", "target_ref")
        )
        if kind == "uses":
            self._uses.setdefault(source, []).append(target)
        elif kind == "related-to":
            self._related.setdefault(target, []).append(source)

    def observation(self, campaign: str) -> tuple[Stix, Stix]:
        """Return what was observed of a campaign: the events, and the activity of accounts."""
        activity = self._activities[campaign]
        return self._observed[activity["id"]], activity

    def linked(self, campaign: str) -> list[Stix]:
        """Return the techniques that a campaign uses, and the responses to it."""
        ids = [*self._uses.get(campaign, ()), *self._related.get(campaign, ())]
        return [self.known[one] for one in ids]


def disclosures(things: Sequence[Stix]) -> list[Disclosure]:
    """Return the campaigns of a bundle that speak our extension; other objects are passed over.

    Raises:
        InputError: A campaign of ours lacks what it must have.
    """
    bundled = Bundled(things)
    ours = [c for c in things if c.get("type") == "campaign" and extension.of(c) is not None]
    return [disclosure(campaign, bundled) for campaign in ours]


def disclosure(campaign: Stix, bundled: Bundled) -> Disclosure:
    """Return one campaign that speaks our extension.

    Raises:
        InputError: It lacks what it must have.
    """
    try:
        return _disclosure(campaign, bundled)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InputError("a campaign of Stillwatch is incomplete: check the bundle") from error


def _disclosure(campaign: Stix, bundled: Bundled) -> Disclosure:
    extra: Any = extension.of(campaign)
    events, activity = bundled.observation(campaign["id"])
    who = bundled.known[campaign["created_by_ref"]]
    said = {text: objective for objective, text in phrases.OBJECTIVES.items()}
    linked = bundled.linked(campaign["id"])
    names = {name: verdict for verdict, (name, _) in phrases.RESPONSES.items()}
    made = Disclosure(
        id=campaign["id"],
        producer=Producer(who["id"], who["name"]),
        kind=Kind(extra["kind"]),
        objective=said[campaign["objective"]] if "objective" in campaign else None,
        carries=tuple(msgspec.convert(s, Share) for s in extra.get("carries", [])),
        accounts=activity["accounts"],
        events=events["number_observed"],
        first_seen=moment(campaign["first_seen"]),
        last_seen=moment(campaign["last_seen"]),
        q_coordination=float(extra["q_coordination"]),
        q_kind=float(extra["q_kind"]),
        confidence=campaign["confidence"],
        lines=tuple(Line(name) for name in extra.get("evidence", [])),
        techniques=tuple(
            one["external_references"][0]["external_id"]
            for one in linked
            if one["type"] == "attack-pattern"
        ),
        responses=tuple(names[o["name"]] for o in linked if o["type"] == "course-of-action"),
        tlp=tlp.of_marking(campaign["object_marking_refs"][0]),
        created=moment(campaign["created"]),
        modified=moment(campaign["modified"]),
        expires=moment(extra["valid_until"]),
    )
    return msgspec.convert(msgspec.to_builtins(made), Disclosure)
