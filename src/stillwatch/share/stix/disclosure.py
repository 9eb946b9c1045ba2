"""What a provider tells of one campaign, as a value that has no room for anything else.

`disclose` is the one way out of a result. It reads figures and words of closed lists and rounds
them; a field that could hold text of a log, an account or a price does not exist in `Disclosure`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from stillwatch.detect.features import LINE_OF, Line
from stillwatch.detect.judgements import Decision, Judgement, ruling
from stillwatch.detect.labels import NAMES
from stillwatch.detect.results import Campaign, Evidence, Share
from stillwatch.errors import InputError
from stillwatch.events.contracts import Kind, Verdict
from stillwatch.share import atlas
from stillwatch.share.signatures.model import Tlp
from stillwatch.share.stix import coarse, phrases
from stillwatch.share.stix.coarse import Coarseness
from stillwatch.share.stix.ids import Ids

MOST_CONFIDENCE: Final = 85
"""Confidence in a claim that no person has confirmed, 0 to 100."""
CONFIRMED: Final = 95
"""Confidence in a claim that a person has confirmed."""
LONGEST_LIFE: Final = timedelta(days=366)
"""What is shared is forgotten after a year at the latest."""
FEWEST_ACCOUNTS: Final = 5
"""A smaller campaign says too much about too few accounts."""

_LINE_OF_NAME: Final = {NAMES[family]: line for family, line in LINE_OF.items()}


class Producer(msgspec.Struct, frozen=True):
    """Who shares: the id and name of a STIX identity."""

    id: str
    name: str


class Disclosure(msgspec.Struct, frozen=True):
    """One campaign as others may know it.

    `accounts` and `events` are rounded, the window contains what happened. `q_coordination` and
    `q_kind` are rounded up. `lines` name the lines of evidence that were tested on what did not
    form the campaign. `responses` are what the provider did.
    """

    id: str
    producer: Producer
    kind: Kind
    objective: str | None
    carries: tuple[Share, ...]
    accounts: int
    events: int
    first_seen: datetime
    last_seen: datetime
    q_coordination: float
    q_kind: float
    confidence: int
    lines: tuple[Line, ...]
    techniques: tuple[str, ...]
    responses: tuple[Verdict, ...]
    tlp: Tlp
    created: datetime
    modified: datetime
    expires: datetime


def disclose(
    campaign: Campaign,
    evidence: Evidence,
    judgements: Sequence[Judgement],
    *,
    producer: Producer,
    ids: Ids,
    now: datetime,
    life: timedelta,
    tlp: Tlp = Tlp.AMBER,
    responses: Sequence[Verdict] = (),
    coarseness: Coarseness | None = None,
) -> Disclosure:
    """Return what may be known of a campaign.

    Args:
        campaign: As a scan found it.
        evidence: Its evidence; only lines of evidence are taken from it.
        judgements: What people decided, the earliest first.
        producer: Who shares.
        ids: Names things under the provider's secret.
        now: Time of this version.
        life: How long it is valid, at most `LONGEST_LIFE`.
        tlp: How far it may be passed on.
        responses: What was done about the accounts.
        coarseness: How far figures are rounded.

    Raises:
        InputError: The campaign may not leave: a person dismissed it, it is of a kind that is a
            customer, or it is too small; or it would live too long.
    """
    rule = ruling(campaign.campaign_id, campaign.accounts, judgements)
    kind = _kind_that_may_leave(campaign, rule)
    if not timedelta(hours=1) <= life <= LONGEST_LIFE:
        raise InputError(f"a campaign is shared for 1 hour to {LONGEST_LIFE.days} days")
    rounding = coarseness or Coarseness()
    harvests = kind is Kind.EXTRACTION
    objective = campaign.objective if campaign.objective in phrases.OBJECTIVES else "general"
    created = rounding.start(campaign.first_seen)
    if now < created:
        raise InputError("the campaign begins in the future: mend the times of the log")
    return Disclosure(
        id=ids.of("campaign", campaign.campaign_id),
        producer=producer,
        kind=kind,
        objective=objective if harvests else None,
        carries=_carries(campaign.carries),
        accounts=rounding.count(campaign.size),
        events=rounding.count(campaign.events),
        first_seen=created,
        last_seen=rounding.end(campaign.last_seen),
        q_coordination=coarse.probability(campaign.q_coordination),
        q_kind=coarse.probability(campaign.q_kind),
        confidence=_confidence(campaign, kind, rule),
        lines=_lines(evidence),
        techniques=tuple(atlas.techniques_of(kind, objective if harvests else None)),
        responses=tuple(sorted(set(responses), key=list(Verdict).index)),
        tlp=tlp,
        created=created,
        modified=now.replace(microsecond=0),
        expires=rounding.end(now + life),
    )


def _kind_that_may_leave(campaign: Campaign, rule: Judgement | None) -> Kind:
    if rule is not None and rule.decision is Decision.DISMISS:
        raise InputError(
            "the campaign was dismissed by a person, so it is not shared: judge it anew"
        )
    kind = rule.kind if rule is not None and rule.kind is not None else campaign.kind
    if kind not in phrases.KINDS:
        raise InputError(
            f"the campaign is of kind {kind.value}: these are customers, and are not shared; "
            "relabel it with `stillwatch judge` if it is something else"
        )
    if campaign.size < FEWEST_ACCOUNTS:
        raise InputError(
            f"the campaign has {campaign.size} accounts; from {FEWEST_ACCOUNTS} on one is shared"
        )
    return kind


def _carries(shares: Sequence[Share]) -> tuple[Share, ...]:
    known = [s for s in shares if s.objective in phrases.OBJECTIVES]
    rounded = [Share(s.objective, coarse.share(s.share)) for s in known]
    return tuple(sorted((s for s in rounded if s.share > 0), key=lambda s: (-s.share, s.objective)))


def _lines(evidence: Evidence) -> tuple[Line, ...]:
    held_out = {_LINE_OF_NAME.get(e.family) for e in evidence.enrichments if e.held_out}
    return tuple(line for line in Line if line in held_out)


def _confidence(campaign: Campaign, kind: Kind, rule: Judgement | None) -> int:
    """Confidence in the claim that is made, in steps of five: that they act together, or what as.

    Only of extraction is the kind tested.
    """
    if rule is not None and rule.decision is Decision.CONFIRM:
        return CONFIRMED
    tested = campaign.kind is Kind.EXTRACTION and kind is campaign.kind
    doubt = max(campaign.q_coordination, campaign.q_kind if tested else 0.0)
    return min(int(20 * (1 - min(max(doubt, 0.0), 1.0))) * 5, MOST_CONFIDENCE)
