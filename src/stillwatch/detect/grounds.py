"""Makes the ground that predictions are measured against, and the pace of accounts."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from stillwatch.detect import vectors
from stillwatch.detect.calibration import Findings
from stillwatch.detect.enrichment import Coded
from stillwatch.detect.features import Family
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
from stillwatch.stats.pvalues import conformal_p, fisher, simes


VERIFIED = 0.8
"""Share of an organisation's accounts that must be verified for it to count as verified."""
HARVEST = frozenset(
    {
        "elicits_reasoning",
        "elicits_thinking",
        "elicits_grading",
        "elicits_rewriting",
        "elicits_synthesis",
        "elicits_preference",
        "elicits_tools",
        "elicits_system_probe",
        "training_format_asked",
        "training_format_answered",
        "echo",
    }
)
"""Signals that see what ordinary customers seldom ask for."""


MACHINE = frozenset(
    {"round_the_clock", "no_night", "no_day_off", "no_weekend", "regular_gaps", "gaps_at_mode"}
)
"""Signals that see a pace that people do not keep."""


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
        verified=organisation_verified(coded, population.verified()),
        owner=_owners(coded, population.size),
        pace=_reranked([s.name for s in findings.signals if s.name in MACHINE], findings, codes),
        harvest=_reranked([s.name for s in findings.signals if s.name in HARVEST], findings, codes),
        words=words,
        counts=counts,
        rarity=rarity,
        order=order,
        draws=draws,
        own_advantage=advantage(words, strangers),
        pooled_likeness=_pooled(counts, rarity, draws),
    )


def organisation_verified(
    coded: Mapping[Family, Coded], verified: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return which accounts belong to an organisation most of whose accounts are verified."""
    spread = np.zeros(verified.size, bool)
    if (organisations := coded.get(Family.ORGANISATION)) is not None and organisations.account.size:
        share = np.bincount(organisations.column, verified[organisations.account])
        most = share >= VERIFIED * organisations.carriers
        spread[organisations.account] = most[organisations.column]
    return spread


def _owners(coded: Mapping[Family, Coded], accounts: int) -> NDArray[np.int64]:
    """Number accounts so that those of one organisation share a number and others have their own."""
    owner = np.arange(accounts)
    if (organisations := coded.get(Family.ORGANISATION)) is not None:
        owner[organisations.account] = accounts + organisations.column
    return owner


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


def _reranked(
    names: list[str], findings: Findings, background: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Merge the p-values of some signals and rank the result among background accounts.

    The rank makes the merged score a p-value whatever the dependence between the signals.
    """
    if not names:
        return np.full(findings.p_value.shape, np.nan)
    stacked = np.column_stack([findings.p_values[name] for name in names])
    known = np.isfinite(stacked).any(axis=1)
    score = -np.log(np.maximum(simes(np.nan_to_num(stacked, nan=1.0)), 1e-300))
    score = score + 1e-3 * -np.log(np.maximum(fisher(np.nan_to_num(stacked, nan=1.0)), 1e-300))
    reference = score[background[known[background]]]
    if not reference.size:
        return np.full(findings.p_value.shape, np.nan)
    return np.where(known, conformal_p(score, reference), np.nan)
