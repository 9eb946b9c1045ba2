"""Rank candidate operators: evidence for and against each, and what is left for "unknown".

A candidate's traces are weighed by tables of log-likelihood ratios, summed, and set against the
other candidates and "none of them" in one posterior. The result is evidence for a person.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from stillwatch.share.attribution.claims import Claim, Listed, squash
from stillwatch.share.attribution.likeness import Known, Likeness, likenesses
from stillwatch.share.attribution.received import Received
from stillwatch.share.attribution.trace import RECORDED, Traces
from stillwatch.share.attribution.weights import Source, Weights, posterior
from stillwatch.share.attribution.words import words

NOTE: Final = (
    "Evidence for a person, not a verdict: confidence is calibrated on simulated campaigns only. "
    "Country, language and nationality were not looked at."
)


class Suspect(msgspec.Struct, frozen=True):
    """A candidate before it is weighed.

    Attributes:
        name: what the operator is called.
        sources: where the candidate comes from.
        likenesses: its traces.
        records: recorded campaigns of it.
        listed: entries of entity lists that its name or domain matches; they weigh nothing.
        said_by: members who attribute a campaign to it, or made the signatures.
    """

    name: str
    sources: tuple[Source, ...]
    likenesses: tuple[Likeness, ...]
    records: int = 0
    listed: tuple[Listed, ...] = ()
    said_by: tuple[str, ...] = ()


class Weighed(msgspec.Struct, frozen=True):
    """One piece of evidence: a likeness, what it weighs in nats, and that in words."""

    likeness: Likeness
    weight: float
    words: str


class Candidate(msgspec.Struct, frozen=True):
    """A candidate operator.

    Attributes:
        rank: 1 is the likeliest.
        name: what the operator is called.
        confidence: probability that it is the operator, 0..1.
        sources: where the candidate comes from.
        evidence: what speaks for it, the strongest first.
        against: what speaks against it, the strongest first.
        silent: traces that say nothing either way.
        records: recorded campaigns of it.
        listed: entries of entity lists; they weigh nothing.
        said_by: members who attribute a campaign to it, or made the signatures.
    """

    rank: int
    name: str
    confidence: float
    sources: tuple[Source, ...]
    evidence: tuple[Weighed, ...]
    against: tuple[Weighed, ...]
    silent: tuple[Weighed, ...]
    records: int
    listed: tuple[Listed, ...]
    said_by: tuple[str, ...]


class Attribution(msgspec.Struct, frozen=True):
    """Candidates of one campaign; confidences and `unknown` add up to 1.

    Attributes:
        campaign: its id.
        accounts: its size.
        unknown: probability that none of the candidates is the operator.
        answer: the likeliest candidate, or "unknown" where that is likelier.
        candidates: all of them, the likeliest first.
        not_looked_at: traces that nothing could be compared by.
        note: how to read it.
    """

    campaign: str
    accounts: int
    unknown: float
    answer: str
    candidates: tuple[Candidate, ...]
    not_looked_at: tuple[str, ...]
    note: str = NOTE


UNKNOWN: Final = "unknown"


def suspects(
    traces: Traces,
    known: Sequence[Known],
    claims: Sequence[Claim],
    campaigns: Sequence[tuple[Received, Likeness]],
) -> list[Suspect]:
    """Gather candidates from recorded operators, organisations named, and other members.

    Candidates of one name, but for case and punctuation, are one. Of several recorded campaigns of
    an operator the most alike counts, alone: traces of two are not added up.
    """
    found: dict[str, Suspect] = {}
    for operator in dict.fromkeys(one.record.operator for one in known):
        mine = [likenesses(traces, one) for one in known if one.record.operator == operator]
        best = max(mine, key=lambda given: sum(each.share for each in given))
        _join(found, Suspect(operator, (Source.RECORDED,), tuple(best), len(mine)))
    for said in dict.fromkeys(one.name for one, _ in campaigns):
        of = [(one, likeness) for one, likeness in campaigns if one.name == said]
        likeness = max((each for _, each in of), key=lambda each: each.share)
        members = tuple(dict.fromkeys(each.member for each, _ in of))
        _join(found, Suspect(said, (Source.RECEIVED,), (likeness,), said_by=members))
    for claim in claims:
        _join(found, Suspect(claim.name, (Source.NAMED,), claim.likenesses, listed=claim.listed))
    return list(found.values())


def _join(found: dict[str, Suspect], new: Suspect) -> None:
    key = squash(new.name) or new.name
    before = found.get(key)
    if before is None:
        found[key] = new
        return
    found[key] = Suspect(
        before.name,
        (*before.sources, *new.sources),
        (*before.likenesses, *new.likenesses),
        before.records + new.records,
        (*before.listed, *new.listed),
        (*before.said_by, *new.said_by),
    )


def chances(given: Sequence[Suspect], weights: Weights) -> list[float]:
    """Return the probability of each candidate and, last, of none of them."""
    logits = [
        sum(weights.of(each) for each in one.likenesses) + weights.offsets[one.sources[0]]
        for one in given
    ]
    first = [list(Source).index(one.sources[0]) for one in given]
    return [
        float(p)
        for p in posterior(
            np.array(logits, float),
            np.array(first, np.int64),
            weights.unknown,
            weights.least_unknown,
        )
    ]


def rank(campaign: str, traces: Traces, given: Sequence[Suspect], weights: Weights) -> Attribution:
    """Weigh candidates against each other and against "none of them".

    Args:
        campaign: its id.
        traces: of the campaign.
        given: the candidates.
        weights: the model.
    """
    *each, unknown = chances(given, weights)
    order = sorted(range(len(given)), key=lambda n: (-each[n], given[n].name))
    candidates = tuple(
        _candidate(place + 1, given[n], each[n], weights) for place, n in enumerate(order)
    )
    missing = [trace for trace in RECORDED if not _has(traces, trace)]
    sure = candidates and candidates[0].confidence > unknown
    return Attribution(
        campaign=campaign,
        accounts=traces.accounts,
        unknown=unknown,
        answer=candidates[0].name if sure else UNKNOWN,
        candidates=candidates,
        not_looked_at=tuple(missing),
    )


def _has(traces: Traces, trace: str) -> bool:
    return trace in traces.carried or (trace == "pace" and traces.pace is not None)


def _candidate(place: int, one: Suspect, confidence: float, weights: Weights) -> Candidate:
    weighed = [Weighed(each, weights.of(each), words(each)) for each in one.likenesses]
    order = sorted(weighed, key=lambda w: -abs(w.weight))
    return Candidate(
        rank=place,
        name=one.name,
        confidence=confidence,
        sources=one.sources,
        evidence=tuple(w for w in order if w.weight > _SILENT),
        against=tuple(w for w in order if w.weight < -_SILENT),
        silent=tuple(w for w in order if abs(w.weight) <= _SILENT),
        records=one.records,
        listed=one.listed,
        said_by=one.said_by,
    )


_SILENT: Final = 0.05
"""Nats below which a trace says nothing."""
