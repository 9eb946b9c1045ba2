"""Screening by leave-entities-out: each entity is scored by a model that has not seen it.

The model's weights are fitted anew without the entities of a fold, neither as the account's own nor
as the entry beside it. Tables and rules are not fitted, so the folds do not show what those owe to
the development pairs: only a fresh set does.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from stillwatch.bench.screening import Judged, Pair, fit_judged, judge
from stillwatch.detect.screening.matches import Comparison
from stillwatch.detect.screening.model import Model, score

FOLDS: Final = 10
DEALS: Final = 5
"""Deals of the entities into folds, over which a threshold is chosen."""
TRIED: Final = tuple(round(0.5 + 0.01 * at, 2) for at in range(47))
"""Thresholds of a match that are tried, 0.5 to 0.96."""
PRECISION: Final = 0.985
"""What the chosen threshold must reach in the folds."""


def left_out(pairs: Sequence[Pair], rng: np.random.Generator, folds: int = FOLDS) -> list[Judged]:
    """Every comparison, scored by a model fitted without its two entities.

    Args:
        pairs: labelled rows.
        rng: deals the entities out to folds.
        folds: number of folds, at least 2.
    """
    judged = judge(pairs)
    entities = sorted({pair.entity for pair in pairs})
    fold = dict(zip(entities, rng.permutation(len(entities)) % folds, strict=True))
    scored = []
    for held in range(folds):
        known = [j for j in judged if held not in (fold[pairs[j.row].entity], fold[j.entity])]
        model = fit_judged(pairs, known)
        scored += [_again(j, model) for j in judged if fold[pairs[j.row].entity] == held]
    return scored


def _again(judged: Judged, model: Model) -> Judged:
    found: Comparison = judged.comparison
    probability = score(
        found.likeness, domain=found.domain is not None, address=found.address, model=model
    )
    return msgspec.structs.replace(judged, probability=probability)


def chosen_threshold(pairs: Sequence[Pair], seed: int) -> float:
    """The least threshold that every one of `DEALS` deals of the folds allows."""
    deals = (np.random.default_rng([seed, deal]) for deal in range(DEALS))
    return max(least_threshold(pairs, left_out(pairs, rng)) for rng in deals)


def least_threshold(pairs: Sequence[Pair], scored: Sequence[Judged]) -> float:
    """The least threshold from which on the precision stays at `PRECISION` or above."""
    least = TRIED[-1]
    for tried in reversed(TRIED):
        precision, _ = at_threshold(pairs, scored, tried)
        if precision < PRECISION:
            break
        least = tried
    return least


def at_threshold(
    pairs: Sequence[Pair], scored: Sequence[Judged], threshold: float
) -> tuple[float, float]:
    """Precision and recall where a match is a score of `threshold` or more."""
    matches = {(j.row, j.entity): j.true for j in scored if j.probability >= threshold}
    found = {row for (row, _), true in matches.items() if true}
    return (
        sum(matches.values()) / len(matches) if matches else 1.0,
        len(found) / sum(pair.same for pair in pairs),
    )
