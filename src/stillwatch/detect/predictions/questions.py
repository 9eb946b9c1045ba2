"""What is asked: the same again, the same as others, or what many strangers would."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from stillwatch.detect.features import Family
from stillwatch.detect.predictions.ground import POOL_SIZES, Ground
from stillwatch.detect.predictions.likeness import likeness
from stillwatch.detect.predictions.prediction import SMALLEST, Prediction, thin

SHORT = 0.1
"""Length of answers, relative to strangers', from which on there is something to learn."""
REPEATED = 0.5
"""Share of prompts that evaluators or a class have in common, at least."""
COMMON = 0.3
"""Share of subjects that two members of a class have in common, at least."""
RECURS = 0.3
"""Share of an account's prompts from which on a word is part of their frame."""
FRAME = 0.05
"""Share of a group's prompts from which on a word is part of a frame that many of them have."""
RARE = 3.0
"""Rarity of words that are subjects, ln(accounts / carriers): 1 in 20 accounts uses them."""
BREADTH = 2.0
"""How many times as alike as pooled strangers the accounts of a relay may be."""


def repeats(ground: Ground, members: NDArray[np.int64]) -> Prediction:
    """Evaluations and assignments put the same questions more than once: at least half of them."""
    coded = ground.coded[Family.CONTENT]
    _, askers = np.unique(coded.column[coded.rows_of(members)], return_counts=True)
    again = int((askers > 1).sum())
    trials = min(askers.size, members.size * 3)
    share = again / max(askers.size, 1)
    p_value = float(stats.binom.cdf(int(share * trials), trials, REPEATED))
    return Prediction(
        max(p_value, SMALLEST), f"{share:.1%} of distinct prompts were sent by more than one member"
    )


def same_questions(ground: Ground, members: NDArray[np.int64]) -> Prediction | None:
    """A class does one assignment: most pairs of members have 3 in 10 of their subjects in common.

    Subjects are words of few of an account's prompts and of few of the group's: not of the frames
    around them. Accounts that draw from one pool meet by chance only.
    """
    some = thin(ground, members)
    events = ground.events[some]
    rows = ground.counts[some]
    words, place = np.unique(rows.indices, return_inverse=True)
    used = np.bincount(place, rows.data)
    subject = (ground.rarity[words] > RARE) & (used <= max(FRAME * events.sum(), 2.0))
    recurs = np.repeat(np.maximum(1.0, RECURS * events), np.diff(rows.indptr))
    few = (rows.data <= recurs) & subject[place]
    asked = [
        set(rows.indices[first:last][few[first:last]].tolist())
        for first, last in pairwise(rows.indptr.tolist())
    ]
    common = np.array(
        [
            len(one & other) / min(len(one), len(other))
            for one, other in zip(asked, [*asked[1:], asked[0]], strict=True)
            if one and other
        ]
    )
    if common.size < 3:
        return None
    alike = int((common >= COMMON).sum())
    return Prediction(
        max(float(stats.binom.cdf(alike, common.size, 0.5)), SMALLEST),
        f"of {common.size} pairs of members compared, {alike} share {COMMON:.0%} of their subjects",
    )


def repetition(ground: Ground, members: NDArray[np.int64]) -> Prediction:
    """Monitors and fixed jobs send the same few requests: 98 in 100 repeat the account's own.

    What an account asks again brings little that is new, so a harvest does not look like this. That
    others ask it too does not count: a large pool asks a fixed set of prompts many times over.
    """
    coded = ground.coded[Family.CONTENT]
    events = int(ground.events[members].sum())
    share = 1 - coded.rows_of(members).size / max(events, 1)
    trials = min(events, 10 * members.size)
    p_value = float(stats.binom.cdf(int(share * trials), trials, 0.98))
    return Prediction(
        max(p_value, SMALLEST), f"{share:.1%} of requests repeat an earlier one of the account"
    )


def short_answers(ground: Ground, members: NDArray[np.int64]) -> Prediction | None:
    """Monitors ask for next to nothing: most get answers under a tenth of the usual length."""
    if ground.usual_answer <= 0:
        return None
    short = int((ground.answer[members] <= SHORT * ground.usual_answer).sum())
    p_value = float(stats.binom.cdf(short, members.size, 0.5))
    return Prediction(
        max(p_value, SMALLEST),
        f"{short} of {members.size} get answers under a tenth of the usual length",
    )


def breadth(ground: Ground, members: NDArray[np.int64]) -> Prediction | None:
    """A pool that carries many people's traffic is as broad as they are together.

    Members are compared with each other and so are accounts made up by pooling strangers' words to
    the same volume. Up to `BREADTH` times the strangers' likeness counts as broad: a pool's
    customers have something in common too.
    """
    some = thin(ground, members)
    if some.size < 3:
        return None
    power = np.log2(max(float(np.median(ground.events[some])) / ground.usual_events, 1.0))
    pooled = ground.pooled_likeness[min(round(float(power)), POOL_SIZES - 1)]
    limit = BREADTH * float(pooled)
    alike = likeness(ground.counts[some], ground.rarity)
    spread = alike.std() / np.sqrt(some.size) + 0.1 * limit
    p_value = float(stats.norm.sf((alike.mean() - limit) / spread))
    return Prediction(
        max(p_value, SMALLEST),
        f"members are {BREADTH * alike.mean() / limit:.1f} times as alike as accounts that pool "
        "strangers",
    )
