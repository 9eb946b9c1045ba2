"""Runs of several seeds as one row: pooled rates, the worst seed, intervals."""

from collections.abc import Callable, Iterable, Sequence

import msgspec
import numpy as np

from stillwatch.bench.fdr import FdrLevel, realised_fdr
from stillwatch.bench.metrics import HALF, LEVELS, CampaignResult, Quality, UnitCount
from stillwatch.bench.quality import Run
from stillwatch.bench.ranking import (
    PREVALENCES,
    RATES,
    Recall,
    average_precision,
    recall_at,
)
from stillwatch.stats.intervals import bootstrap_ratio, clopper_pearson

SMALLEST_ASKED = 50
"""Campaigns of at least this many accounts have to be found."""


class Rate(msgspec.Struct, frozen=True):
    """A rate pooled over seeds.

    `low` and `high` come from the bootstrap over seeds and, within them, units (campaigns, or
    benign groups and lone accounts). `exact_high` is the upper Clopper-Pearson bound on the share
    of units with a hit, which says something where there are no hits at all.
    """

    hits: int
    trials: int
    units: int
    low: float | None
    high: float | None
    exact_high: float
    by_seed: list[float]

    @property
    def value(self) -> float:
        """Hits per trial; NaN without trials."""
        return self.hits / self.trials if self.trials else float("nan")

    @property
    def worst_low(self) -> float:
        """The lowest rate of any seed: the worst recall."""
        return min(self.by_seed, default=float("nan"))

    @property
    def worst_high(self) -> float:
        """The highest rate of any seed: the worst false-positive rate."""
        return max(self.by_seed, default=float("nan"))


class Summary(msgspec.Struct, frozen=True):
    """All seeds of one method on one case. `either` is extraction or relay; see `metrics`."""

    case: str
    method: str
    seeds: list[int]
    commits: list[str]
    real_prompts: bool
    events: int
    recall: Rate
    recall_either: Rate
    false_positives: Rate
    false_positives_either: Rate
    asked: int
    found: int
    missed: list[str]
    detected_extraction: int
    false_extraction: int
    detected: int
    without_group: int
    fdr_coordination: list[FdrLevel]
    """False: no campaign or benign group holds the majority. Empty where none is claimed."""
    fdr_kind: list[FdrLevel]
    """False: no majority of the members belongs to an extraction campaign."""
    bcubed_f1: float | None
    adjusted_rand: float | None
    recall_at: list[Recall | None]
    """At each of `ranking.RATES`."""
    average_precision: list[float | None]
    """At each of `ranking.PREVALENCES`."""
    cohorts: dict[str, dict[str, int]]
    cohort_rates: dict[str, Rate]
    """False positives of kind extraction in each benign cohort."""
    languages: dict[str, dict[str, int]]
    regions: dict[str, dict[str, int]]
    benign_p: list[int]
    cpu: float
    wall: float
    peak_mib: float


def summarise(runs: Sequence[Run], rng: np.random.Generator) -> Summary:
    """Pool the runs of one method on one case.

    Args:
        runs: One per seed, at least one.
        rng: Seeded generator of the bootstrap.
    """
    first = runs[0]
    qualities = [run.quality for run in runs]
    scores = [quality.scores for quality in qualities]
    asked = [
        (run.seed, c) for run in runs for c in run.quality.campaigns if c.size >= SMALLEST_ASKED
    ]
    return Summary(
        case=first.case,
        method=first.method,
        seeds=[run.seed for run in runs],
        commits=sorted({run.commit for run in runs if run.commit}),
        real_prompts=first.real_prompts,
        events=sum(run.events for run in runs),
        recall=_recall(runs, rng, _is_extraction, lambda c: c.as_extraction),
        recall_either=_recall(runs, rng, lambda _: True, lambda c: c.as_extraction + c.as_relay),
        false_positives=_false_positives(runs, rng, lambda u: u.as_extraction),
        false_positives_either=_false_positives(runs, rng, lambda u: u.as_extraction + u.as_relay),
        asked=len(asked),
        found=sum(campaign.found for _, campaign in asked),
        missed=[f"{c.campaign} of seed {seed}" for seed, c in asked if not c.found],
        detected_extraction=sum(q.detected_extraction for q in qualities),
        false_extraction=sum(q.false_extraction for q in qualities),
        detected=sum(len(q.detected) for q in qualities),
        without_group=sum(q.without_group for q in qualities),
        fdr_coordination=realised_fdr(_coordination(qualities), rng),
        fdr_kind=realised_fdr(_kinds(qualities), rng),
        bcubed_f1=_mean(q.bcubed_f1 for q in qualities),
        adjusted_rand=_mean(q.adjusted_rand for q in qualities),
        recall_at=[recall_at(scores, rate, rng) for rate in RATES],
        average_precision=[average_precision(scores, share) for share in PREVALENCES],
        cohorts=_add(q.cohorts for q in qualities),
        cohort_rates={
            cohort: _false_positives(runs, rng, lambda u: u.as_extraction, cohort)
            for cohort in sorted({u.cohort for q in qualities for u in q.benign_units})
        },
        languages=_add(q.languages for q in qualities),
        regions=_add(q.regions for q in qualities),
        benign_p=_add_levels([q.benign_p for q in qualities]),
        cpu=float(np.mean([run.cost.cpu for run in runs])),
        wall=float(np.mean([run.cost.wall for run in runs])),
        peak_mib=max(run.cost.peak_mib for run in runs),
    )


def _is_extraction(campaign: CampaignResult) -> bool:
    return campaign.kind == "extraction"


Claims = list[list[tuple[float, bool]]]


def _coordination(qualities: Sequence[Quality]) -> Claims:
    return _claims([[(c.q_coordination, c.without_group) for c in q.detected] for q in qualities])


def _kinds(qualities: Sequence[Quality]) -> Claims:
    return _claims([[(c.q_kind, c.extraction < HALF) for c in q.detected] for q in qualities])


def _claims(runs: list[list[tuple[float | None, bool]]]) -> Claims:
    """Q-values and whether each claim is false; no runs where the method claims none."""
    claimed = [[(q, false) for q, false in run if q is not None] for run in runs]
    return claimed if any(claimed) else []


def _recall(
    runs: Sequence[Run],
    rng: np.random.Generator,
    counted: Callable[[CampaignResult], bool],
    hits: Callable[[CampaignResult], int],
) -> Rate:
    rows = [
        (run.seed, hits(campaign), campaign.size, 1)
        for run in runs
        for campaign in run.quality.campaigns
        if counted(campaign)
    ]
    return _rate(rows, rng)


def _false_positives(
    runs: Sequence[Run],
    rng: np.random.Generator,
    hits: Callable[[UnitCount], int],
    cohort: str | None = None,
) -> Rate:
    rows = [
        (run.seed, hits(unit), unit.size, unit.units)
        for run in runs
        for unit in run.quality.benign_units
        if cohort in (None, unit.cohort)
    ]
    return _rate(rows, rng)


def _rate(rows: list[tuple[int, int, int, int]], rng: np.random.Generator) -> Rate:
    """Pool rows of (seed, hits, trials, multiplicity)."""
    table = np.array(rows, dtype=np.int64).reshape(-1, 4)
    table = np.repeat(table[:, :3], table[:, 3], axis=0)
    seed, hits, trials = table.T
    low, high = bootstrap_ratio(hits, trials, seed, rng)
    known = trials.sum() > 0
    return Rate(
        hits=int(hits.sum()),
        trials=int(trials.sum()),
        units=hits.size,
        low=low if known else None,
        high=high if known else None,
        exact_high=float(clopper_pearson(np.sum(hits > 0), hits.size)[1]),
        by_seed=[
            float(hits[seed == s].sum() / max(1, trials[seed == s].sum())) for s in np.unique(seed)
        ],
    )


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _add(tables: Iterable[dict[str, dict[str, int]]]) -> dict[str, dict[str, int]]:
    total: dict[str, dict[str, int]] = {}
    for table in tables:
        for row, counts in table.items():
            into = total.setdefault(row, {})
            for column, count in counts.items():
                into[column] = into.get(column, 0) + count
    return dict(sorted(total.items()))


def _add_levels(counts: list[list[int]]) -> list[int]:
    claimed = [row for row in counts if row]
    return [sum(column) for column in zip(*claimed, strict=True)] if claimed else []


def realised_levels(summary: Summary) -> list[tuple[float, float]]:
    """Nominal level and the share of benign accounts at or below it: the QQ data of p-values."""
    benign = sum(sum(counts.values()) for counts in summary.cohorts.values())
    return [(level, count / benign) for level, count in zip(LEVELS, summary.benign_p, strict=False)]
