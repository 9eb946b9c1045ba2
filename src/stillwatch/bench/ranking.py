"""How well a score ranks attackers above benign accounts, pooled over runs. Pure functions.

A run keeps its scores compactly: attackers by campaign, the benign accounts of the highest scores
by unit (company, app, class or lone account), and the rest as a histogram. The limit that a false
positive rate allows is set on the pooled benign scores, and set anew in every resample.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np

from stillwatch.bench.labels import Labels
from stillwatch.stats.arrays import BoolArray, FloatArray, IntArray

RATES: Final = (1e-3, 1e-4, 1e-5)
"""False-positive rates at which recall is asked for."""
PREVALENCES: Final = (0.001, 0.005, 0.01, 0.024)
"""Shares of attackers among all accounts at which average precision is given."""
TAIL: Final = 0.02
"""Share of benign accounts, those of the highest scores, that are kept by unit."""
BINS: Final = 200
"""Bins of the scores of all other benign accounts; each adds about 2 % to the accounts above it."""
NO_UNIT: Final = -1
_RESAMPLES: Final = 1000
_LEAST_BENIGN: Final = 10
"""A rate that fewer benign accounts than this could exceed cannot be measured, below 1e-4."""

Row = tuple[int, float, int]


class Scores(msgspec.Struct, frozen=True):
    """The scores of one run: rows of (unit or campaign, score, accounts), the highest first."""

    benign: list[Row]
    """Unit `NO_UNIT` stands for a bin of the histogram, with the highest score in it."""
    attack: list[Row]


class Recall(msgspec.Struct, frozen=True):
    """Share of attackers above the limit of a false-positive rate, with its 95 % interval."""

    rate: float
    value: float
    low: float
    high: float


def keep_scores(score: FloatArray, labels: Labels) -> Scores:
    """Keep what `recall_at` and `average_precision` need of one run.

    Args:
        score: Suspicion of each account, higher is worse, in the order of the labels.
        labels: The truth.
    """
    # Six digits tell scores apart well enough, and the file stays small.
    short = np.array([float(f"{value:.6g}") for value in score])
    unit = np.unique(labels.unit, return_inverse=True)[1]
    benign = ~labels.attack
    ranked = np.sort(short[benign])
    floor = ranked[-1 - int(TAIL * ranked.size)] if ranked.size else 0.0
    tail, body = benign & (short > floor), short[benign & (short <= floor)]
    return Scores(
        benign=_rows(unit[tail], short[tail]) + _histogram(body, int(tail.sum())),
        attack=_rows(unit[labels.attack], short[labels.attack]),
    )


def _rows(unit: IntArray, score: FloatArray) -> list[Row]:
    """Equal pairs of unit and score counted together; units numbered from 0."""
    number = np.unique(unit, return_inverse=True)[1]
    pairs, counts = np.unique(np.stack([-score, number]), axis=1, return_counts=True)
    return [
        (int(pair[1]), -float(pair[0]), int(count))
        for pair, count in zip(pairs.T, counts, strict=True)
    ]


def _histogram(score: FloatArray, above: int) -> list[Row]:
    """Bins by rank, the highest first and the narrowest; equal scores share a bin.

    Args:
        score: Scores of the accounts.
        above: How many more accounts have higher scores.
    """
    if not score.size:
        return []
    ranks = np.geomspace(above + 1, above + score.size, BINS + 1)[:-1] - (above + 1)
    edges = np.unique(np.sort(score)[::-1][ranks.astype(np.int64)])
    counts = np.bincount(np.searchsorted(edges, score), minlength=edges.size)
    rows = zip(edges, counts, strict=True)
    return [(NO_UNIT, float(edge), int(count)) for edge, count in rows][::-1]


@dataclass(frozen=True)
class _Side:
    """Scores of one side, pooled over runs and sorted, the highest first.

    `key` numbers the run and unit of each row, `loose` says which of these keys are no unit.
    """

    score: FloatArray
    count: FloatArray
    key: IntArray
    run: IntArray
    loose: BoolArray

    @classmethod
    def of(cls, rows: Sequence[list[Row]]) -> "_Side":
        table = np.array(
            [(run, *row) for run, found in enumerate(rows) for row in found], dtype=np.float64
        ).reshape(-1, 4)
        table = table[np.argsort(-table[:, 2], kind="stable")]
        keys, key = np.unique(table[:, :2], axis=0, return_inverse=True)
        return cls(
            score=table[:, 2],
            count=table[:, 3],
            key=key.reshape(-1),
            run=keys[:, 0].astype(np.int64),
            loose=np.asarray(keys[:, 1] == NO_UNIT),
        )

    def drawn(self, times: IntArray, rng: np.random.Generator) -> FloatArray:
        """Return accounts per row when each run is drawn so often and, within it, units are."""
        each = times[self.run].astype(np.float64)
        # Drawing n of n units with replacement gives each about a Poisson count of mean 1.
        each[~self.loose] = rng.poisson(each[~self.loose])
        return np.asarray(self.count * each[self.key])


def recall_at(runs: Sequence[Scores], rate: float, rng: np.random.Generator) -> Recall | None:
    """Share of attackers whose score exceeds that of all but a share of the benign accounts.

    The interval comes from a Poisson bootstrap over runs and, within them, benign units and
    campaigns. The histogram's accounts, the least suspicious, stand for themselves.

    Args:
        runs: Scores of one method, on one scale.
        rate: Share of benign accounts that may exceed the limit, 0..1.
        rng: Seeded generator.

    Returns:
        None without attackers, or where too few benign accounts were seen: below a rate of 1e-4,
        fewer than `least_benign(rate)`.
    """
    benign, attack = _Side.of([r.benign for r in runs]), _Side.of([r.attack for r in runs])
    seen = benign.count.sum()
    if not attack.score.size or not seen or (rate < 1e-4 and seen < least_benign(rate)):
        return None
    drawn = []
    for _ in range(_RESAMPLES):
        times = rng.multinomial(len(runs), np.full(len(runs), 1 / len(runs)))
        weight = attack.drawn(times, rng)
        if weight.any():
            drawn.append(_above(benign, benign.drawn(times, rng), attack, weight, rate))
    low, high = np.quantile(drawn, [0.025, 0.975])
    value = _above(benign, benign.count, attack, attack.count, rate)
    return Recall(rate, value, float(low), float(high))


def least_benign(rate: float) -> int:
    """Benign accounts that must be seen before a rate below 1e-4 is given: 1,000,000 for 1e-5."""
    return round(_LEAST_BENIGN / rate)


def _above(
    benign: _Side, benign_weight: FloatArray, attack: _Side, weight: FloatArray, rate: float
) -> float:
    total = np.cumsum(benign_weight)
    allowed = math.floor(rate * total[-1] + 1e-9)
    place = int(np.searchsorted(total, allowed, side="right"))
    limit = benign.score[min(place, benign.score.size - 1)]
    return float(weight[attack.score > limit].sum() / weight.sum())


def average_precision(runs: Sequence[Scores], prevalence: float) -> float | None:
    """Area under the precision-recall curve if attackers were a given share of all accounts.

    The simulator has more attackers than a provider. With TPR and FPR of each limit, precision is
    prevalence x TPR / (prevalence x TPR + (1 - prevalence) x FPR), which needs no resampling. The
    curve is a step function; equal scores share a step.

    Args:
        runs: Scores of one method, on one scale.
        prevalence: Share of attackers, 0..1.

    Returns:
        0..1; None without attackers or without benign accounts.
    """
    benign, attack = _Side.of([r.benign for r in runs]), _Side.of([r.attack for r in runs])
    if not attack.score.size or not benign.score.size:
        return None
    limits, place = np.unique(-attack.score, return_inverse=True)
    step = np.bincount(place, attack.count) / attack.count.sum()
    hit = prevalence * np.cumsum(step)
    before = np.append(0.0, np.cumsum(benign.count))
    above = before[np.searchsorted(-benign.score, limits, side="right")] / before[-1]
    return float(np.sum(step * hit / (hit + (1 - prevalence) * above)))
