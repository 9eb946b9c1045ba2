"""Realised against nominal false-discovery rate of what a method asserts with a q-value."""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import numpy as np

from stillwatch.stats.intervals import clopper_pearson

NOMINAL: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
"""Nominal levels."""
_RESAMPLES: Final = 2000


class FdrLevel(msgspec.Struct, frozen=True):
    """Discoveries at one nominal level, over all runs.

    `realised` is the mean over runs of the false share of a run's discoveries, 0 in a run without
    any; `low` and `high` are its 95 % interval by bootstrap over runs. `runs_high` is the upper
    Clopper-Pearson bound on the share of runs with any false discovery, which is never below the
    rate and says something where there was none.
    """

    nominal: float
    runs: int
    discoveries: int
    false: int
    realised: float
    low: float
    high: float
    runs_high: float


def realised_fdr(
    runs: Sequence[Sequence[tuple[float, bool]]], rng: np.random.Generator
) -> list[FdrLevel]:
    """Compare claimed with realised false-discovery rates.

    Args:
        runs: Per run the q-value of each hypothesis and whether its null hypothesis is true.
        rng: Seeded generator of the bootstrap.

    Returns:
        One row per level of `NOMINAL`; none without runs.
    """
    return [_level(runs, nominal, rng) for nominal in NOMINAL] if runs else []


def _level(
    runs: Sequence[Sequence[tuple[float, bool]]], nominal: float, rng: np.random.Generator
) -> FdrLevel:
    count: Callable[[Sequence[bool]], int] = sum
    found = [[null for q, null in run if q <= nominal] for run in runs]
    share = np.array([count(nulls) / len(nulls) if nulls else 0.0 for nulls in found])
    drawn = share[rng.integers(0, share.size, (_RESAMPLES, share.size))].mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return FdrLevel(
        nominal=nominal,
        runs=len(runs),
        discoveries=sum(map(len, found)),
        false=sum(map(count, found)),
        realised=float(np.mean(share)),
        low=float(low),
        high=float(high),
        runs_high=float(clopper_pearson(np.count_nonzero(share), len(runs))[1]),
    )
