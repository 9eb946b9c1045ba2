"""What benign explanations of a cluster predict, measured: one p-value per prediction and cluster.

People who merely use the same thing are independent of each other: they come when they like, use as
much as they like, pay for themselves, sit on their own networks, and have interests of their own. A
small p-value contradicts one such prediction. Background accounts, those in no coordinated cluster,
say what independent people look like in this traffic.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from stillwatch.detect.features import Family
from stillwatch.detect.grounds import MOST_MEMBERS, POOL_SIZES, Ground
from stillwatch.detect.likeness import advantage, likeness
from stillwatch.detect.profiles import values
from stillwatch.detect.sharing import busiest, shared
from stillwatch.stats.enrichment import poisson_tail_log

SMALLEST = 1e-12
"""Normal and Poisson tails are not believed beyond this."""
TYPICAL_PACE = 0.1
"""A group whose median member is above this rank among strangers is like them, however large."""
TYPICAL_REQUESTS = 0.05
"""The same of requests, where a class or an app may lean to one kind of task."""
EVEN = 0.6
"""Spread of use per account, relative to strangers', below which a group is filled evenly."""
SHORT = 0.1
"""Length of answers, relative to strangers', from which on there is something to learn."""
REPEATED = 0.5
"""Share of prompts that evaluators or a class have in common, at least."""
COMMON = 0.3
"""Share of prompts that two members of a class have in common, at least."""
LEAST_SHARED = 0.2
"""Share of members beyond chance that must have something in common before it counts: a few
colleagues or a family among many strangers say nothing of the others."""
PLACE = 0.3
"""Share of a class or a customer's accounts on a network in common with another, at least."""
NETWORKS = (Family.NETWORK, Family.ADDRESS, Family.SIGNUP_NETWORK)
BREADTH = 2.0
"""How many times as alike as pooled strangers the accounts of a relay may be."""


@dataclass(frozen=True)
class Prediction:
    """A measured prediction: `p_value` small contradicts it; `text` says what was seen."""

    p_value: float
    text: str


Measure = Callable[[Ground, NDArray[np.int64]], Prediction | None]


def volumes(ground: Ground, members: NDArray[np.int64]) -> Prediction:
    """People differ in how much they use a thing; a pool is filled evenly.

    People who do the same thing together differ less than strangers, so only a spread below `EVEN`
    of the strangers' contradicts.
    """
    events = np.log(values(ground.population.profiles, "events"))
    thin = _thin(ground, members)
    spread = events[thin].std()
    null = events[ground.draws[:, : thin.size]].std(axis=1)
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


def identity(ground: Ground, members: NDArray[np.int64]) -> Prediction | None:
    """People pay for themselves, on their own devices.

    The largest payer and the commonest device are left out: one customer may have several accounts.
    """
    return _shared(
        ground,
        members,
        (Family.PAYMENT, Family.DEVICE),
        "a payment or device",
        besides_largest=True,
    )


def network(ground: Ground, members: NDArray[np.int64]) -> Prediction | None:
    """People sit on their own networks."""
    return _shared(ground, members, NETWORKS, "a network")


def conversations(ground: Ground, members: NDArray[np.int64]) -> Prediction | None:
    """A person's conversation stays with their account."""
    return _shared(
        ground, members, (Family.CONVERSATION, Family.END_USER), "a conversation or end user"
    )


def pace(ground: Ground, members: NDArray[np.int64]) -> Prediction | None:
    """People sleep and pause."""
    return _typical(ground.pace, ground.background, members, TYPICAL_PACE, "machine-like pace")


def interests(ground: Ground, members: NDArray[np.int64]) -> Prediction | None:
    """People come back to their own subjects; accounts of a pool draw from the same one.

    Each member's words of one half of the hours are compared with its own words of the other half
    and with another member's. Words that most members use (the template) are left out. Members'
    advantage of self over other is ranked against that of background accounts.
    """
    own, null = advantage(ground.words, _thin(ground, members)), ground.own_advantage
    if own.size < 5 or null.size < 20:
        return None
    p_value = float(stats.mannwhitneyu(own, null, alternative="less").pvalue)
    return Prediction(
        max(p_value, SMALLEST),
        f"own subjects return by {np.median(own):.2f}, among strangers {np.median(null):.2f} "
        "(cosine over that with others)",
    )


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
    """A class does one assignment: most pairs of members share 3 in 10 of their prompts.

    Accounts that draw from one pool meet by chance only.
    """
    coded = ground.coded[Family.CONTENT]
    thin = _thin(ground, members)
    asked = [set(coded.column[coded.rows_of(thin[k : k + 1])].tolist()) for k in range(thin.size)]
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
        f"{alike} of {common.size} pairs of members share {COMMON:.0%} of their prompts",
    )


def repetition(ground: Ground, members: NDArray[np.int64]) -> Prediction:
    """Monitors and fixed jobs send the same few requests: at least 98 in 100 are repeats.

    What is asked again brings no new answers, so a harvest does not look like this.
    """
    coded = ground.coded[Family.CONTENT]
    events = int(values(ground.population.profiles, "events")[members].sum())
    distinct = np.unique(coded.column[coded.rows_of(members)]).size
    share = 1 - distinct / max(events, 1)
    trials = min(events, 10 * members.size)
    p_value = float(stats.binom.cdf(int(share * trials), trials, 0.98))
    return Prediction(max(p_value, SMALLEST), f"{share:.1%} of requests repeat an earlier one")


def short_answers(ground: Ground, members: NDArray[np.int64]) -> Prediction | None:
    """Monitors ask for next to nothing: most get answers under a tenth of the usual length."""
    profiles = ground.population.profiles
    length = values(profiles, "output_tokens") / np.maximum(values(profiles, "events"), 1)
    usual = float(np.median(length[ground.background]))
    if usual <= 0:
        return None
    short = int((length[members] <= SHORT * usual).sum())
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
    thin = _thin(ground, members)
    if thin.size < 3:
        return None
    events = values(ground.population.profiles, "events")
    usual = max(float(events[ground.background].mean()), 1.0)
    power = np.log2(max(float(np.median(events[thin])) / usual, 1.0))
    pooled = ground.pooled_likeness[min(round(float(power)), POOL_SIZES - 1)]
    limit = BREADTH * float(pooled)
    alike = likeness(ground.counts[thin], ground.rarity)
    spread = alike.std() / np.sqrt(thin.size) + 0.1 * limit
    p_value = float(stats.norm.sf((alike.mean() - limit) / spread))
    return Prediction(
        max(p_value, SMALLEST),
        f"members are {BREADTH * alike.mean() / limit:.1f} times as alike as accounts that pool "
        "strangers",
    )


def one_organisation(ground: Ground, members: NDArray[np.int64]) -> Prediction | None:
    """An organisation's accounts belong to it: at least 6 in 10 under one verified organisation.

    Only where the accounts table names organisations at all; a listed account without one belongs
    to none, and one that nobody verified may be the campaign's own invention.
    """
    verified = members[ground.verified[members]]
    return _largest(ground, members, verified, Family.ORGANISATION, "verified organisation")


def one_customer(ground: Ground, members: NDArray[np.int64]) -> Prediction | None:
    """A customer with several accounts pays for them all, or registers them all as one."""
    found = [
        _largest(ground, members, members, Family.PAYMENT, "payment"),
        _largest(ground, members, members, Family.ORGANISATION, "organisation"),
    ]
    known = [prediction for prediction in found if prediction is not None]
    return max(known, key=lambda prediction: prediction.p_value, default=None)


def ordinary_requests(ground: Ground, members: NDArray[np.int64]) -> Prediction | None:
    """Ordinary customers seldom ask for reasoning, grades, training records or tool traces."""
    what = "requests for reasoning, grades or training data"
    return _typical(ground.harvest, ground.background, members, TYPICAL_REQUESTS, what)


def place(ground: Ground, members: NDArray[np.int64]) -> Prediction | None:
    """A class meets somewhere, a firm has offices: 3 in 10 share a network, chance left out."""
    beyond = [
        max(int(found.members - found.expected), 0)
        for found in shared(ground, members, NETWORKS, any_owner=True)
    ]
    if not beyond:
        return None
    p_value = float(stats.binom.cdf(max(beyond), members.size, PLACE))
    return Prediction(
        max(p_value, SMALLEST),
        f"{max(beyond)} of {members.size} share a network with another, beyond chance",
    )


MEASURES: dict[str, Measure] = {
    "volumes": volumes,
    "moments": moments,
    "identity": identity,
    "network": network,
    "conversations": conversations,
    "pace": pace,
    "interests": interests,
    "repeats": repeats,
    "same_questions": same_questions,
    "repetition": repetition,
    "short_answers": short_answers,
    "breadth": breadth,
    "one_organisation": one_organisation,
    "one_customer": one_customer,
    "ordinary_requests": ordinary_requests,
    "place": place,
}
"""Every prediction by name."""


def measure(ground: Ground, members: NDArray[np.int64]) -> dict[str, Prediction | None]:
    """Measure every prediction on one cluster; None where the data do not allow it."""
    return {name: function(ground, members) for name, function in MEASURES.items()}


def _largest(
    ground: Ground,
    members: NDArray[np.int64],
    counted: NDArray[np.int64],
    family: Family,
    what: str,
) -> Prediction | None:
    """Test that at least 6 in 10 members carry one value, counting only some of them."""
    coded = ground.coded.get(family)
    if coded is None or not coded.account.size:
        return None
    _, sizes = np.unique(coded.column[coded.rows_of(counted)], return_counts=True)
    largest = int(sizes.max(initial=0))
    p_value = float(stats.binom.cdf(largest, members.size, 0.6))
    return Prediction(
        max(p_value, SMALLEST),
        f"the largest {what} holds {largest} of {members.size} accounts",
    )


def _typical(
    ranks: NDArray[np.float64],
    background: NDArray[np.int64],
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
    text = f"in {what} the median member is among the {min(1.0, median):.1%} most unusual"
    if upper > typical:
        return Prediction(1.0, text)
    strangers = ranks[background]
    strangers = strangers[np.isfinite(strangers)]
    p_value = float(stats.mannwhitneyu(known, strangers, alternative="less").pvalue)
    return Prediction(max(p_value, SMALLEST), text)


def _thin(ground: Ground, members: NDArray[np.int64]) -> NDArray[np.int64]:
    return members[np.argsort(ground.order[members], kind="stable")][:MOST_MEMBERS]


def _lower_tail(value: float, null: NDArray[np.float64]) -> float:
    """Rank below a resampled null, continued by a normal tail where the rank is the lowest."""
    rank = (1 + int((null <= value).sum())) / (null.size + 1)
    if rank > 2 / (null.size + 1):
        return rank
    return float(np.clip(stats.norm.cdf((value - null.mean()) / null.std()), SMALLEST, rank))


def _shared(
    ground: Ground,
    members: NDArray[np.int64],
    families: tuple[Family, ...],
    what: str,
    *,
    besides_largest: bool = False,
) -> Prediction | None:
    """Test the family that most speaks against members who share by chance alone."""
    best: Prediction | None = None
    for found in shared(ground, members, families, besides_largest=besides_largest):
        p_value = 1.0
        if found.members >= LEAST_SHARED * members.size + found.expected:
            log_p = float(poisson_tail_log(found.members, found.expected))
            p_value = min(1.0, len(families) * float(np.exp(max(log_p, np.log(SMALLEST)))))
        if best is None or p_value < best.p_value:
            best = Prediction(
                p_value,
                f"{found.members} of {members.size} share {what} with another, "
                f"{found.expected:.1f} expected by chance",
            )
    return best
