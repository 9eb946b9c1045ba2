"""The analysis, pure: a population in, coordinated groups with a tested kind out."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from stillwatch.detect import (
    calibration,
    coordination,
    enrichment,
    followers,
    kinds,
    membership,
    predictions,
)
from stillwatch.detect.calibration import Findings, Reference
from stillwatch.detect.enrichment import Coded
from stillwatch.detect.features import Family
from stillwatch.detect.followers import FollowerSettings
from stillwatch.detect.formation import FormationSettings, View, form, word_counts
from stillwatch.detect.kinds import Measured
from stillwatch.detect.membership import Group, MembershipSettings
from stillwatch.detect.population import Population
from stillwatch.detect.predictions.ground import Ground, ground
from stillwatch.detect.profiles import main_script
from stillwatch.detect.progress import Progress
from stillwatch.detect.results import Alternative
from stillwatch.detect.signals import Signal
from stillwatch.detect.workers import Workers
from stillwatch.events.contracts import Kind
from stillwatch.stats.fdr import bh_adjust

TELLING = 3.0
"""Nats beyond chance by which the median member must match its group's profile."""


@dataclass(frozen=True)
class AnalysisSettings:
    """What decides.

    Attributes:
        coordination: largest q-value at which a cluster is called coordinated.
        kind: largest q-value at which extraction is asserted.
        unusual: largest p-value of "its accounts behave like strangers" at which extraction is
            asserted: the members must stand out, not only belong together.
        unlike: the same at which a group is named a relay pool.
        shared: share of members that must have one feature other than words in common.
        formation: how candidate clusters form.
        membership: who belongs.
        followers: who belongs by its prompts alone.
    """

    coordination: float = 0.01
    kind: float = 0.1
    unusual: float = 0.2
    unlike: float = 0.05
    shared: float = 0.3
    formation: FormationSettings = field(default_factory=FormationSettings)
    membership: MembershipSettings = field(default_factory=MembershipSettings)
    followers: FollowerSettings = field(default_factory=FollowerSettings)


@dataclass(frozen=True)
class Assessed:
    """A coordinated group with the answers to both questions.

    Attributes:
        group: members and profile.
        kind: what it is called.
        q_coordination: FDR level at which it is coordinated.
        q_kind: FDR level at which every benign explanation is rejected; small for extraction only.
        unusual_p: p-value of "its accounts behave like strangers".
        alternatives: the benign explanations, tested.
        measured: the predictions behind them.
        held_out: families and values that were tested on held-out evidence, (family, value).
    """

    group: Group
    kind: Kind
    q_coordination: float
    q_kind: float
    unusual_p: float
    alternatives: list[Alternative]
    measured: Measured
    held_out: frozenset[tuple[int, int]]


@dataclass(frozen=True)
class Analysis:
    """All that the analysis found.

    Attributes:
        assessed: coordinated groups, gravest kind and largest first.
        findings: calibrated signals of every account.
        cohort: cohort code per account, as findings use it.
        background: which accounts signals were ranked among: those in no coordinated cluster.
        ordinary: which accounts were taken for ordinary: those in no extraction campaign.
        views: both views, with their links.
        candidates: clusters that were tested.
    """

    assessed: list[Assessed]
    findings: Findings
    cohort: NDArray[np.int64]
    background: NDArray[np.bool_]
    ordinary: NDArray[np.bool_]
    views: list[View]
    candidates: int


def analyse(
    population: Population,
    signals: tuple[Signal, ...],
    settings: AnalysisSettings,
    reference: Reference | None,
    progress: Progress,
    *,
    workers: Workers,
) -> Analysis:
    """Find coordinated groups and name their kind.

    Args:
        population: all accounts.
        signals: what to measure on every account.
        settings: thresholds.
        reference: earlier background accounts to calibrate signals with, or None.
        progress: told of each stage.
        workers: carry out the largest searches.
    """
    progress.start("links and clusters", None)
    views = form(population, settings.formation, workers)
    progress.finish()
    progress.start("coordination test", None)
    script = main_script(population.profiles)
    candidates = coordination.test(views, script)
    number = len(candidates)
    coordinated = [c for c in candidates if c.q_value <= settings.coordination]
    del candidates
    coded = enrichment.code(population.features, population.size)
    words = word_counts(population.sketches, population.size)
    coded[Family.WORDS] = enrichment.code_family(Family.WORDS, words, population.size)
    coded = dict(sorted(coded.items()))
    del words  # hundreds of millions of rows in a large log
    groups = _groups(coded, coordinated, script, settings)
    progress.finish()
    background = np.ones(population.size, bool)
    for members in (*(c.members for c in coordinated), *(group.members for group in groups)):
        background[members] = False
    if background.sum() < max(30, 0.05 * population.size):
        background[:] = True
    progress.start("signals", len(signals))
    cohort = calibration.cohorts(population)
    findings = calibration.calibrate(
        signals,
        population,
        background,
        cohort,
        reference=reference,
        progress=lambda _: progress.advance(1),
    )
    progress.finish()
    progress.start("kinds", len(groups))
    rng = np.random.default_rng(settings.formation.seed)
    base = ground(population, coded, background, findings, rng)
    assessed = _assess(
        base, groups, coordinated, findings=findings, settings=settings, progress=progress
    )
    progress.finish()
    progress.start("followers", None)
    verified = base.verified
    del base, coded  # the search needs the memory
    assessed = _followed(assessed, population, verified, settings, workers)
    progress.finish()
    ordinary = np.ones(population.size, bool)
    for found in assessed:
        ordinary[found.group.members] = found.kind is not Kind.EXTRACTION
    if reference is None:
        findings = findings.ranked_among(ordinary)
    return Analysis(assessed, findings, cohort, background, ordinary, views, number)


def _groups(
    coded: Mapping[Family, Coded],
    coordinated: list[coordination.Candidate],
    script: NDArray[np.int64],
    settings: AnalysisSettings,
) -> list[Group]:
    settled: list[Group] = []
    for view in sorted({candidate.view for candidate in coordinated}):
        clusters = [c.members for c in coordinated if c.view == view]
        settled += membership.settle(coded, clusters, script, settings.membership)
    groups = membership.unite(
        coded,
        settled,
        script,
        settings.membership,
        smallest=settings.formation.smallest,
    )
    return [group for group in groups if _share_something(group, settings.shared)]


def _share_something(group: Group, share: float) -> bool:
    """Tell a group with a thing in common from people who talk about the same subject.

    Its members must share something other than words, and match the profile in the median by more
    than the best of as many strangers would by chance.
    """
    common = ((group.rows.family != Family.WORDS) & (group.rows.share >= share)).any()
    typical = float(np.median(group.nats[group.members]))
    return bool(common) and typical >= np.log(group.nats.size) + TELLING


def _assess(
    base: Ground,
    groups: list[Group],
    coordinated: list[coordination.Candidate],
    *,
    findings: Findings,
    settings: AnalysisSettings,
    progress: Progress,
) -> list[Assessed]:
    measured: list[Measured] = []
    for group in groups:
        measured.append(predictions.measure(base, group.members))
        progress.advance(1)
    alternatives = [kinds.test(found, settings.kind) for found in measured]
    unusual = np.array([_unusual(findings, group) for group in groups])
    asked = np.array([kinds.asked(found) for found in measured], bool)
    q_kind = _q_kind(alternatives, asked & (unusual <= settings.unusual))
    sources = _sources(groups, coordinated, base.script.size)
    assessed = []
    for number, group in enumerate(groups):
        source = sources[number]
        assessed.append(
            Assessed(
                group=group,
                kind=Kind.EXTRACTION
                if q_kind[number] <= settings.kind
                else kinds.name(
                    alternatives[number],
                    measured[number],
                    stands_out=bool(unusual[number] <= settings.unlike),
                ),
                q_coordination=source.q_value,
                q_kind=float(q_kind[number]),
                unusual_p=float(unusual[number]),
                alternatives=alternatives[number],
                measured=measured[number],
                held_out=frozenset(
                    (int(family), int(value))
                    for family, value in zip(source.tested.family, source.tested.value, strict=True)
                ),
            )
        )
    return _ordered(assessed)


def _ordered(assessed: list[Assessed]) -> list[Assessed]:
    """Order by gravity of the kind, then size; equal ones by their first account."""
    order = list(Kind)
    return sorted(
        assessed,
        key=lambda a: (order.index(a.kind), -a.group.members.size, int(a.group.members[0])),
    )


def _followed(
    assessed: list[Assessed],
    population: Population,
    verified: NDArray[np.bool_],
    settings: AnalysisSettings,
    workers: Workers,
) -> list[Assessed]:
    """Add to extraction campaigns who follows them, and take these out of other groups."""
    campaigns = [found.group for found in assessed if found.kind is Kind.EXTRACTION]
    if not campaigns:
        return assessed
    near = followers.nearest(population, campaigns, verified, workers, settings.followers)
    joined = iter(followers.follow(campaigns, near, verified, settings.followers))
    grown = {id(group): next(joined) for group in campaigns}
    gone = np.concatenate(list(grown.values()))
    kept = []
    for found in assessed:
        group = found.group
        if id(group) in grown:
            everyone = np.union1d(group.joined, grown[id(group)])
            group = replace(group, joined=everyone)
        else:
            tested, others = np.setdiff1d(group.tested, gone), np.setdiff1d(group.joined, gone)
            group = replace(group, tested=tested, joined=others)
        if group.members.size >= settings.formation.smallest:
            kept.append(replace(found, group=group))
    return _ordered(kept)


def _sources(
    groups: list[Group], coordinated: list[coordination.Candidate], accounts: int
) -> list[coordination.Candidate]:
    """Return per group the tested cluster that holds most of it; its q-value is the group's."""
    views = sorted({candidate.view for candidate in coordinated})
    number = np.full((len(views), accounts), -1)
    for k, candidate in enumerate(coordinated):
        number[views.index(candidate.view), candidate.members] = k
    found = []
    for group in groups:
        held = number[:, group.members].ravel()
        found.append(coordinated[int(np.bincount(held[held >= 0]).argmax())])
    return found


def _unusual(findings: Findings, group: Group) -> float:
    """Return the p-value of "its accounts behave like strangers": twice the median (Rüger)."""
    return min(1.0, 2 * float(np.median(findings.p_value[group.members])))


def _q_kind(alternatives: list[list[Alternative]], asked: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return q-values of extraction among the groups of which it is asked; 1 for the others."""
    q_values = np.ones(len(alternatives))
    if asked.any():
        p_values = np.array([kinds.p_kind(tested) for tested in alternatives])
        q_values[asked] = bh_adjust(p_values[asked])
    return q_values
