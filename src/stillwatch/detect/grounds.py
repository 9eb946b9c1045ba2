"""Makes the ground that predictions are measured against, and the pace of accounts."""

import numpy as np
from numpy.typing import NDArray

from stillwatch.detect import vectors
from stillwatch.detect.calibration import Findings
from stillwatch.detect.features import Line
from stillwatch.detect.population import Population
from stillwatch.detect.predictions import DRAWS, MOST_MEMBERS, Ground
from stillwatch.detect.profiles import main_script
from stillwatch.stats.pvalues import simes


def ground(
    population: Population,
    background: NDArray[np.bool_],
    findings: Findings,
    rng: np.random.Generator,
) -> Ground:
    """Return the ground of one scan.

    Args:
        population: all accounts.
        background: which of them stand for independent people.
        findings: calibrated signals, for the pace.
        rng: draws the random groups.
    """
    codes = np.flatnonzero(background)
    script = main_script(population.profiles)
    counts = vectors.counts(population.sketches, population.size)
    return Ground(
        population=population,
        background=codes,
        pace=_pace(findings),
        words=vectors.halves(population.sketches, script),
        counts=counts,
        rarity=np.log(
            population.size / np.maximum(np.bincount(counts.indices, minlength=counts.shape[1]), 1)
        ),
        order=rng.permutation(population.size),
        draws=rng.choice(codes, (DRAWS, MOST_MEMBERS)),
    )


def _pace(findings: Findings) -> NDArray[np.float64]:
    columns = [findings.p_values[s.name] for s in findings.signals if s.line is Line.PACE]
    if not columns:
        return np.full(findings.p_value.shape, np.nan)
    stacked = np.column_stack(columns)
    merged = simes(np.nan_to_num(stacked, nan=1.0))
    return np.where(np.isfinite(stacked).any(axis=1), merged, np.nan)
