"""The ground that predictions are measured against: what independent people look like here."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from stillwatch.detect import vectors
from stillwatch.detect.calibration import Findings
from stillwatch.detect.enrichment import Coded
from stillwatch.detect.features import Family
from stillwatch.detect.population import Population
from stillwatch.detect.predictions.likeness import advantage, likeness
from stillwatch.detect.profiles import main_script, values
from stillwatch.detect.vectors import Vectors
from stillwatch.stats.pvalues import conformal_p, fisher, simes

DRAWS = 400
"""Random groups of background accounts that a statistic is compared with."""
MOST_MEMBERS = 400
"""Larger clusters are thinned evenly for the resampled statistics."""
POOLS = 40
"""Made-up accounts that pool strangers' traffic."""
POOL_SIZES = 8
"""Powers of two of strangers in a pool."""
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


@dataclass(frozen=True)
class Ground:
    """What predictions are measured against.

    Attributes:
        population: all accounts.
        coded: all families.
        background: account codes that stand for independent people.
        script: main script per account.
        verified: accounts whose organisation the provider has verified.
        owner: a code per account that accounts of one organisation share.
        organised: accounts of an organisation that can be taken at its word: a verified one, or any
            where the provider says of none whether it is verified.
        pace: p-value of machine-like pace per account, small is machine-like; NaN unknown.
        harvest: p-value of asking for what ordinary customers seldom ask for; NaN unknown.
        alone: p-value of each account over all signals, small is unlike strangers.
        words: word vectors of both halves of the hours, over the same columns.
        counts: events per account and word, all hours, same columns.
        rarity: weight of each word.
        order: shape (accounts,), random ranks for thinning and pairing, so that nothing depends on
            the order of account ids.
        draws: background accounts of random groups, shape (DRAWS, MOST_MEMBERS).
        own_advantage: `advantage` of some background accounts.
        pooled_likeness: how alike accounts are that pool 1, 2, 4, ... strangers' traffic.
    """

    population: Population
    coded: Mapping[Family, Coded]
    background: NDArray[np.int64]
    script: NDArray[np.int64]
    verified: NDArray[np.bool_]
    owner: NDArray[np.int64]
    organised: NDArray[np.bool_]
    pace: NDArray[np.float64]
    harvest: NDArray[np.float64]
    alone: NDArray[np.float64]
    words: tuple[Vectors, Vectors]
    counts: sparse.csr_matrix
    rarity: NDArray[np.float64]
    order: NDArray[np.int64]
    draws: NDArray[np.int64]
    own_advantage: NDArray[np.float64]
    pooled_likeness: NDArray[np.float64]

    # A log has thousands of groups: what is the same for all of them is worked out once.

    @cached_property
    def events(self) -> NDArray[np.float64]:
        """Events per account."""
        return values(self.population.profiles, "events")

    @cached_property
    def usual_events(self) -> float:
        """Mean events of a background account, at least 1."""
        return max(float(self.events[self.background].mean()), 1.0)

    @cached_property
    def answer(self) -> NDArray[np.float64]:
        """Output tokens per event of each account."""
        return values(self.population.profiles, "output_tokens") / np.maximum(self.events, 1)

    @cached_property
    def usual_answer(self) -> float:
        """Output tokens per event of the median background account."""
        return float(np.median(self.answer[self.background]))

    @cached_property
    def strangers(self) -> Mapping[str, NDArray[np.float64]]:
        """Known p-values of background accounts by what they are of, ascending."""
        of = {"pace": self.pace, "harvest": self.harvest, "alone": self.alone}
        found = {name: p_values[self.background] for name, p_values in of.items()}
        return {name: np.sort(p_values[np.isfinite(p_values)]) for name, p_values in found.items()}

    @cached_property
    def speakers(self) -> NDArray[np.int64]:
        """Accounts by main script."""
        return np.bincount(self.script)


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
    verified = organisation_verified(coded, population.verified())
    organised = verified if population.says_who_is_verified() else np.ones(population.size, bool)
    return Ground(
        population=population,
        coded=coded,
        background=codes,
        script=script,
        verified=verified,
        owner=_owners(coded, population.size),
        organised=organised,
        pace=_reranked([s.name for s in findings.signals if s.name in MACHINE], findings, codes),
        harvest=_reranked([s.name for s in findings.signals if s.name in HARVEST], findings, codes),
        alone=findings.p_value,
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
    """Number accounts: those of one organisation share a number, others have their own."""
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
    known = np.asarray(np.isfinite(stacked).any(axis=1), bool)
    score = -np.log(np.maximum(simes(np.nan_to_num(stacked, nan=1.0)), 1e-300))
    score = score + 1e-3 * -np.log(np.maximum(fisher(np.nan_to_num(stacked, nan=1.0)), 1e-300))
    reference = score[background[known[background]]]
    if not reference.size:
        return np.full(findings.p_value.shape, np.nan)
    return np.where(known, conformal_p(score, reference), np.nan)
