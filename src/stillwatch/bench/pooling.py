"""Pooling in simulation: how often is a member told something false, and how much is found?

A window has n members, each with a candidate cluster and a benign reference, and tags that all of
them test. Some tags are of features that a campaign carries at some of the members; the others are
null: nobody's cluster is enriched. What members publish depends on how they behave. The counts go
through the package's own e-values, merging and e-BH.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import msgspec
import numpy as np

from stillwatch.share.pooling.evidence import discovered, evidence
from stillwatch.share.pooling.finding import bounded
from stillwatch.share.pooling.rules import Rules
from stillwatch.stats.arrays import BoolArray, FloatArray, IntArray
from stillwatch.stats.evalues import e_to_q, enrichment_e, merge_product
from stillwatch.stats.intervals import clopper_pearson

DEFAULT: Final = Rules()
"""The rules of a window that says nothing else."""
TAGS: Final = 32
"""Tags that every member tests; a power of two, so that there is no padding."""
TRUE_TAGS: Final = 6
"""Of these, tags of features that a campaign carries."""
ACCOUNTS: Final = 40
"""Accounts of a candidate cluster."""
REFERENCE: Final = 2000
"""Accounts of a benign reference."""
SEEN: Final = 0.8
"""Probability that a campaign is at a member."""
SELECTIVE: Final = 2.0
"""A selective reporter posts only above this e-value."""
LOOKED: Final = 10
"""Null tags looked at for each that is committed to, by members that look first."""
BASE: Final = (0.01, 0.1)
"""Share of accounts that carry a feature anyway; drawn evenly on a logarithmic scale."""
WEAK: Final = (0.03, 0.2)
"""What a campaign adds: few members could tell it alone."""
STRONG: Final = (0.1, 0.4)
"""What a campaign adds that most could tell alone."""
_RESAMPLES: Final = 2000


class Case(msgspec.Struct, frozen=True):
    """How the members of a window behave.

    Attributes:
        name: Of the row.
        members: How many there are.
        campaign: Whether there is one; else all tags are null.
        more: Range of the share of a cluster's other accounts that carry a feature because of it.
        selective: All honest members post only e-values above `SELECTIVE`.
        shared: Share of the null tags at which all members count the same customers.
        looked: All members committed only after a look at the traffic, to those of ten times as
            many null tags that have the largest e-values.
        liars: Members that claim the cap on every tag; all others are honest.
    """

    name: str
    members: int = 0
    campaign: bool = True
    more: tuple[float, float] = WEAK
    selective: bool = False
    shared: float = 0.0
    looked: bool = False
    liars: int = 0


BEHAVIOURS: Final = (
    Case("honest"),
    Case("honest, strong evidence", more=STRONG),
    Case("selective", selective=True),
    Case("selective, shared customers", selective=True, shared=0.5),
    Case("one liar", liars=1),
    Case("two liars together", liars=2),
    Case("no campaign: honest", campaign=False),
    Case("no campaign: selective", campaign=False, selective=True),
    Case("no campaign: shared customers", campaign=False, shared=1.0),
    Case("no campaign: one liar", campaign=False, liars=1),
    Case("no campaign: two liars together", campaign=False, liars=2),
    Case("no campaign: committed after a look", campaign=False, looked=True),
    Case("no campaign: the same, shared customers", campaign=False, looked=True, shared=1.0),
)
MEMBERS: Final = (3, 5, 10)


def cases() -> list[Case]:
    """Every behaviour with every number of members; of three, two liars leave nobody to pool."""
    return [
        msgspec.structs.replace(case, members=members)
        for members in MEMBERS
        for case in BEHAVIOURS
        if members - case.liars >= 2
    ]


class By(StrEnum):
    """What a method decides by."""

    OWN = "each member by its own e-values"
    ANY = "what any member's own e-BH finds is told to all"
    PRODUCT = "e-BH on the product of all e-values, no cap, absent ones counted as 1"
    POOLING = "the protocol"


@dataclass(frozen=True, slots=True)
class Method:
    """A way to decide.

    Attributes:
        name: Of the column.
        by: What decides.
        rules: Of the protocol; of a baseline the level counts alone.
        independent: Whether factors are multiplied.
    """

    name: str
    by: By = By.POOLING
    rules: Rules = DEFAULT
    independent: bool = False


METHODS: Final = (
    Method("own evidence", By.OWN),
    Method("any member", By.ANY),
    Method("naive product", By.PRODUCT),
    Method("pooling, 0 liars", rules=Rules(liars=0)),
    Method("pooling, 1 liar", rules=DEFAULT),
    Method("pooling, 2 liars", rules=Rules(liars=2, contributors=4)),
    Method("product, declared", rules=Rules(floor=0.5), independent=True),
)


class Row(msgspec.Struct, frozen=True):
    """What one method does in one case; all are means over windows, with 95 % intervals.

    Attributes:
        case: How members behave.
        method: How their evidence is pooled.
        windows: Simulated.
        fdr: Realised false-discovery rate of an honest member's list: share of its discoveries
            that are false, 0 where there is none.
        anywhere: Share of windows with a false discovery in any honest member's list.
        power: Of tags that an honest member and at least two other honest ones see, the share that
            it is told of.
        further: Of those of them that its own evidence does not show, the share that it is told of.
    """

    case: Case
    method: str
    windows: int
    fdr: tuple[float, float, float]
    anywhere: tuple[float, float, float]
    power: tuple[float, float, float]
    further: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Traffic:
    """E-values and truth of one window.

    Attributes:
        e: E-values of honest members, shape (members, tags).
        published: Which of these are published.
        seen: Where the campaign is in the cluster, of the same shape.
    """

    e: FloatArray
    published: BoolArray
    seen: BoolArray


def draw(case: Case, rng: np.random.Generator) -> Traffic:
    """Simulate what the honest members of a window count.

    Args:
        case: How they behave.
        rng: Seeded generator.
    """
    members = case.members - case.liars
    true = TRUE_TAGS if case.campaign else 0
    null = (TAGS - true) * (LOOKED if case.looked else 1)
    base = np.exp(rng.uniform(np.log(BASE[0]), np.log(BASE[1]), true + null))
    seen = np.zeros((members, true + null), dtype=bool)
    seen[:, :true] = rng.random((members, true)) < SEEN
    more = np.where(seen, rng.uniform(*case.more, seen.shape), 0.0)
    inside = rng.binomial(ACCOUNTS, base + more * (1 - base))
    outside = rng.binomial(REFERENCE, np.broadcast_to(base, inside.shape))
    same = np.r_[np.zeros(true, dtype=bool), rng.random(null) < case.shared]
    inside[:, same], outside[:, same] = inside[:1, same], outside[:1, same]
    e = _e_values(inside, outside)
    published = inside >= DEFAULT.fewest
    if case.selective:
        published &= e > SELECTIVE
    best = np.argsort(-e[:, true:].mean(axis=0), kind="stable")[: TAGS - true]
    kept = np.r_[np.arange(true), true + best]
    return Traffic(e[:, kept], published[:, kept], seen[:, kept])


def _e_values(inside: IntArray, outside: IntArray) -> FloatArray:
    pairs, where = np.unique(
        np.stack([inside.ravel(), outside.ravel()]), axis=1, return_inverse=True
    )
    values = enrichment_e(pairs[0], ACCOUNTS, pairs[1], REFERENCE)
    return np.asarray(values[where.reshape(-1)].reshape(inside.shape))


def lists(traffic: Traffic, method: Method, liars: int) -> BoolArray:
    """What each honest member is told, shape (honest members, tags).

    Args:
        traffic: Of the window.
        method: How it is decided.
        liars: Members that claim the cap on every tag; where there is no cap, 1e9.
    """
    if method.by is By.POOLING:
        return _pooled(traffic, method, liars)
    level = method.rules.level
    claimed = np.full((liars, TAGS), 1e9)
    if method.by is By.PRODUCT:
        posted = np.vstack([np.where(traffic.published, traffic.e, 1.0), claimed])
        told = e_to_q(merge_product(posted.T)) <= level
        return np.broadcast_to(told, traffic.e.shape)
    alone = np.array([e_to_q(row) <= level for row in traffic.e])
    if method.by is By.OWN:
        return alone
    anyone = np.any(alone & traffic.published, axis=0, keepdims=True) | (liars > 0)
    return np.asarray(np.broadcast_to(anyone, alone.shape))


def _pooled(traffic: Traffic, method: Method, liars: int) -> BoolArray:
    rules = method.rules
    honest = np.where(traffic.published, bounded(traffic.e, rules), rules.floor)
    factors = np.vstack([honest, np.full((liars, TAGS), rules.cap)])
    evident = evidence(factors, rules, independent=method.independent)
    return np.array(
        [
            discovered(row, published, TAGS, rules)
            # The liars' rows come last and are nobody's business.
            for row, published in zip(evident, traffic.published, strict=False)
        ]
    )


def measure(case: Case, windows: int, seed: int) -> list[Row]:
    """Simulate windows of one case and pool each by every method that has enough members.

    Args:
        case: How members behave.
        windows: How many.
        seed: Of the traffic and of the bootstrap.
    """
    rng = np.random.default_rng([seed, case.members, *case.name.encode()])
    methods = [m for m in METHODS if m.rules.contributors <= case.members]
    scores: dict[str, list[tuple[float, ...]]] = {method.name: [] for method in methods}
    for _ in range(windows):
        traffic = draw(case, rng)
        told = {method: lists(traffic, method, case.liars) for method in methods}
        for method in methods:
            scores[method.name].append(_score(traffic, method, told[method], told[METHODS[0]]))
    return [_row(case, name, np.array(of), rng) for name, of in scores.items()]


def _score(traffic: Traffic, method: Method, told: BoolArray, own: BoolArray) -> tuple[float, ...]:
    """False share, whether any is false; found and to find; the same of what is not found alone."""
    elsewhere = traffic.seen.sum(axis=0, keepdims=True) - traffic.seen
    # Each method claims something else: that the member, anyone, or another member sees it.
    right = {
        By.OWN: traffic.seen,
        By.ANY: traffic.seen.any(axis=0, keepdims=True),
        By.PRODUCT: traffic.seen.any(axis=0, keepdims=True),
        By.POOLING: elsewhere > 0,
    }[method.by]
    false = told & ~right
    share = np.mean(false.sum(axis=1) / np.maximum(told.sum(axis=1), 1))
    target = traffic.seen & (elsewhere >= 2)
    left = target & ~own
    counted = (false.any(), (told & target).sum(), target.sum(), (told & left).sum(), left.sum())
    return float(share), *map(float, counted)


def _row(case: Case, method: str, scores: FloatArray, rng: np.random.Generator) -> Row:
    windows = len(scores)
    weights = rng.multinomial(windows, np.full(windows, 1 / windows), _RESAMPLES)
    drawn = np.vstack([scores.sum(axis=0, keepdims=True), weights @ scores])

    def rate(above: FloatArray, below: FloatArray | int) -> tuple[float, float, float]:
        ratios = np.asarray(above / np.maximum(below, 1))
        low, high = np.quantile(ratios[1:], [0.025, 0.975])
        return float(ratios[0]), float(low), float(high)

    low, high = clopper_pearson(scores[:, 1].sum(), windows)
    return Row(
        case=case,
        method=method,
        windows=windows,
        fdr=rate(drawn[:, 0], windows),
        anywhere=(float(scores[:, 1].mean()), float(low), float(high)),
        power=rate(drawn[:, 2], drawn[:, 3]),
        further=rate(drawn[:, 4], drawn[:, 5]),
    )
