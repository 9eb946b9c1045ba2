"""Makes the ground that predictions are measured against, and the pace of accounts."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from stillwatch.detect import vectors
from stillwatch.detect.calibration import Findings
from stillwatch.detect.enrichment import Coded
from stillwatch.detect.features import Family, Line
from stillwatch.detect.population import Population
from stillwatch.detect.predictions import (
    DRAWS,
    MOST_MEMBERS,
    POOL_SIZES,
    POOLS,
    Ground,
    advantage,
    likeness,
)
from stillwatch.detect.profiles import main_script
from stillwatch.stats.pvalues import simes


def ground(
    population: Population,
    coded: Mapping[Family, Coded],
    background: NDArray[np.bool_],
    findings: Findings,
    rng: np.random.Generator,
) -> Ground:
    """Return the ground of one scan.

    Args:
        population: all accounts.
        coded: all families.
        background: which accounts stand for independent people.
        findings: calibrated signals, for the pace.
        rng: draws the random groups.
    """
    codes = np.flatnonzero(background)
    script = main_script(population.profiles)
    words = vectors.halves(population.sketches, script)
    counts = vectors.counts(population.sketches, population.size)
    carriers = np.bincount(counts.indices, minlength=counts.shape[1])
    rarity = np.log(population.size / np.maximum(carriers, 1))
    order = rng.permutation(population.size)
    strangers = codes[np.argsort(order[codes], kind="stable")][:MOST_MEMBERS]
    draws = rng.choice(codes, (DRAWS, MOST_MEMBERS))
    return Ground(
        population=population,
        coded=coded,
        background=codes,
        script=script,
        pace=_pace(findings),
        words=words,
        counts=counts,
        rarity=rarity,
        order=order,
        draws=draws,
        own_advantage=advantage(words, strangers),
        pooled_likeness=_pooled(counts, rarity, draws),
    )


def _pooled(
    counts: sparse.csr_matrix, rarity: NDArray[np.float64], draws: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return how alike accounts are that pool 1, 2, 4, ... strangers' traffic."""
    found = []
    for power in range(POOL_SIZES):
        drawn = draws.ravel()[: POOLS * 2**power]
        rows = np.repeat(np.arange(POOLS), drawn.size // POOLS)
        mix = sparse.csr_matrix(
            (np.ones(drawn.size), (rows, drawn)), shape=(POOLS, counts.shape[0])
        )
        found.append(float(likeness(mix @ counts, rarity).mean()))
    return np.array(found)


def _pace(findings: Findings) -> NDArray[np.float64]:
    columns = [findings.p_values[s.name] for s in findings.signals if s.line is Line.PACE]
    if not columns:
        return np.full(findings.p_value.shape, np.nan)
    stacked = np.column_stack(columns)
    merged = simes(np.nan_to_num(stacked, nan=1.0))
    return np.where(np.isfinite(stacked).any(axis=1), merged, np.nan)
