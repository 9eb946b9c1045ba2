"""What people do when they like: how much, when, at which pace, about what."""

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from stillwatch.detect.features import Family
from stillwatch.detect.predictions.ground import Ground
from stillwatch.detect.predictions.likeness import advantage
from stillwatch.detect.predictions.prediction import LEAST_SHARED, SMALLEST, Prediction, thin
from stillwatch.detect.predictions.sharing import busiest

TYPICAL_PACE = 0.07
"""A group whose median member is above this rank among strangers is like them, however large."""
TYPICAL_REQUESTS = 0.05
"""The same of requests, where a class or an app may lean to one kind of task."""
TYPICAL_ACCOUNTS = 0.0075
"""The same of an account's signals taken together. Of 436 simulated classes and events the most
unusual one has its median member at 0.01; half of the campaigns have it below 0.002."""
EXTREME_ACCOUNTS = 0.003
"""The same, for groups of which there are other signs only in what they ask."""
ALIKE = 0.3
"""A median rank from which on a group is said to be like strangers."""
EVEN = 0.6
"""Spread of use per account, relative to strangers', below which a group is filled evenly."""


def volumes(ground: Ground, members: NDArray[np.int64]) -> Prediction:
    """People differ in how much they use a thing; a pool is filled evenly.

    People who do the same thing together differ less than strangers, so only a spread below `EVEN`
    of the strangers' contradicts.
    """
    some = thin(ground, members)
    spread = np.log(ground.events[some]).std()
    null = np.log(ground.events[ground.draws[:, : some.size]]).std(axis=1)
    p_value = _lower_tail(np.log(spread + 1e-3), np.log(EVEN * null + 1e-3))
    return Prediction(
        p_value,
        f"use per account spreads by a factor of {np.exp(spread):.1f}, "
        f"among strangers {np.exp(np.median(null)):.1f}",
    )


def moments(ground: Ground, members: NDArray[np.int64]) -> Prediction:
    """People sign up, start, stop and change models when they like."""
    best, text = 1.0, "no common moment"
    names = {
        Family.SIGNUP_TIME: "signed up",
        Family.FIRST_SEEN: "started",
        Family.LAST_SEEN: "stopped",
        Family.MODEL_MOVE: "changed models",
    }
    for family, verb in names.items():
        coded = ground.coded.get(family)
        rows = np.empty(0, np.int64) if coded is None else coded.rows_of(members)
        if coded is None or not rows.size:
            continue
        busy = busiest(coded, rows, members.size)
        expected = busy.rate * busy.known
        if busy.members < max(5, LEAST_SHARED * members.size + expected, 3 * expected):
            continue
        tail = float(stats.binom.sf(busy.members - 1, busy.known, busy.rate))
        p_value = min(1.0, 4 * coded.values.size * max(tail, SMALLEST))
        if p_value < best:
            best = p_value
            text = (
                f"{busy.members} of {busy.known} {verb} within six hours, "
                f"{busy.rate:.1%} of all accounts"
            )
    return Prediction(best, text)


def pace(ground: Ground, members: NDArray[np.int64]) -> Prediction | None:
    """People sleep and pause."""
    return _typical(
        ground.pace, ground.strangers["pace"], members, TYPICAL_PACE, "machine-like pace"
    )


def interests(ground: Ground, members: NDArray[np.int64]) -> Prediction | None:
    """People come back to their own subjects; accounts of a pool draw from the same one.

    Each member's words of one half of the hours are compared with its own words of the other half
    and with another member's. Words that most members use (the template) are left out. Members'
    advantage of self over other is ranked against that of background accounts.
    """
    own, null = advantage(ground.words, thin(ground, members)), ground.own_advantage
    if own.size < 5 or null.size < 20:
        return None
    p_value = float(stats.mannwhitneyu(own, null, alternative="less").pvalue)
    return Prediction(
        max(p_value, SMALLEST),
        f"own subjects return by {np.median(own):.2f}, among strangers {np.median(null):.2f} "
        "(cosine over that with others)",
    )


def ordinary_requests(ground: Ground, members: NDArray[np.int64]) -> Prediction | None:
    """Ordinary customers seldom ask for reasoning, grades, training records or tool traces."""
    what = "requests for reasoning, grades or training data"
    return _typical(ground.harvest, ground.strangers["harvest"], members, TYPICAL_REQUESTS, what)


def ordinary_accounts(ground: Ground, members: NDArray[np.int64]) -> Prediction | None:
    """People who do the same thing still behave like others, each taken alone."""
    what = "all that is measured of one account"
    return _typical(ground.alone, ground.strangers["alone"], members, TYPICAL_ACCOUNTS, what)


def extreme_accounts(ground: Ground, members: NDArray[np.int64]) -> Prediction | None:
    """People who do an unusual thing together are still not the most unusual of all, one by one."""
    what = "all that is measured of one account"
    return _typical(ground.alone, ground.strangers["alone"], members, EXTREME_ACCOUNTS, what)


def _typical(
    ranks: NDArray[np.float64],
    strangers: NDArray[np.float64],
    members: NDArray[np.int64],
    typical: float,
    what: str,
) -> Prediction | None:
    """Test members' ranks among strangers as independent draws from them.

    In a large group any difference is significant, so a median above `typical` contradicts nothing;
    and in a small one the median is uncertain, so its upper end, one standard error up, counts.
    """
    known = np.sort(ranks[members])
    known = known[np.isfinite(known)]
    if known.size < 3:
        return None
    median = float(np.median(known))
    upper = known[min(int((known.size + known.size**0.5) / 2), known.size - 1)]
    text = f"in {what} the median member is like strangers"
    if median < ALIKE:
        text = f"in {what} the median member is among the {median:.1%} most unusual"
    if upper > typical:
        return Prediction(1.0, text)
    p_value = float(stats.mannwhitneyu(known, strangers, alternative="less").pvalue)
    return Prediction(max(p_value, SMALLEST), text)


def _lower_tail(value: float, null: NDArray[np.float64]) -> float:
    """Rank below a resampled null, continued by a normal tail where the rank is the lowest."""
    rank = (1 + int((null <= value).sum())) / (null.size + 1)
    if rank > 2 / (null.size + 1):
        return rank
    return float(np.clip(stats.norm.cdf((value - null.mean()) / null.std()), SMALLEST, rank))
