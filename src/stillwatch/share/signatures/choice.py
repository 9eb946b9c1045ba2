"""Choose a rule for each pattern, and the fewest patterns that cover a campaign."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from stillwatch.share.signatures.families import Family
from stillwatch.share.signatures.model import Feature, Pattern, Rate, Rule
from stillwatch.share.signatures.shapes import BINS
from stillwatch.share.signatures.tally import Tally

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

EVENTS: Final = (1, 2, 3, 5)
"""Numbers of events that a rule may ask for, what is tried first first."""
SHARES: Final = (0.0, 0.1, 0.3, 0.6)
"""Shares of an account's events that a rule may ask for."""
SHAPE_SHARE: Final = 0.8
"""Share of the campaign that must have a shape which narrows a pattern down."""
TRUSTED: Final = 0.25
"""Part of the limit on false positives that a pattern may reach while it is chosen."""
NOISE: Final = 0.25
"""Share of the campaign that it is worth giving up not to match as many as are allowed."""
HASTE: Final = 0.05
"""Share of the campaign that it is worth giving up to ask for half as many events."""
DEPTHS: Final = (0.05, 0.15, 0.35)
"""Where depths are told apart; deeper is as good."""
NEAR: Final = 0.9
"""Patterns that add nearly as many accounts as the best are ranked by false positives."""

RULES: Final = tuple(Rule(events, share) for share, events in product(SHARES, EVENTS))


@dataclass(frozen=True)
class Counted:
    """Patterns counted in the traffic of a campaign and of benign accounts.

    Attributes:
        patterns: what was tried, with any rule.
        counts: per pattern the accounts that met it and in how many events.
        events: events per account.
        bins: shapes of accounts, by family.
        members: which accounts are the campaign's.
        choosing: which are benign and choose.
        measuring: which are benign and measure.
    """

    patterns: Sequence[Pattern]
    counts: Sequence[tuple[Ints, Ints]]
    events: Ints
    bins: dict[Family, Ints]
    members: Bools
    choosing: Bools
    measuring: Bools

    @classmethod
    def of(
        cls,
        patterns: Sequence[Pattern],
        tally: Tally,
        *,
        members: Bools,
        choosing: Bools,
        measuring: Bools,
    ) -> Self:
        """Take over what a tally counted."""
        accounts, places, counts = tally.pairs()
        order = np.argsort(places, kind="stable")
        ends = np.searchsorted(places[order], np.arange(len(patterns) + 1))
        spans = [order[first:last] for first, last in pairwise(ends)]
        pairs = [(accounts[span], counts[span]) for span in spans]
        return cls(patterns, pairs, tally.events, tally.bins(), members, choosing, measuring)

    def matched(self, place: int, rule: Rule, shapes: Sequence[Feature] = ()) -> Bools:
        """Which accounts match the pattern at a place, under a rule and with shapes."""
        accounts, counts = self.counts[place]
        holds = (counts >= rule.events) & (counts >= rule.share * self.events[accounts])
        matched = np.zeros(len(self.events), bool)
        matched[accounts[holds]] = True
        for shape in shapes:
            allowed = [BINS[shape.family].index(value) for value in shape.values]
            matched &= np.isin(self.bins[shape.family], allowed)
        return matched

    def depth(self, place: int) -> float:
        """Share of the campaign's events that carry the pattern at a place."""
        accounts, counts = self.counts[place]
        return float(counts[self.members[accounts]].sum() / self.events[self.members].sum())

    def rate(self, matched: Bools, among: Bools) -> Rate:
        """Return how many of some accounts match."""
        return Rate.of(int((matched & among).sum()), int(among.sum()))


@dataclass(frozen=True)
class Candidate:
    """A pattern with its rule.

    Attributes:
        pattern: what it looks for.
        matched: which accounts match.
        false: how many of those are benign and choose.
        depth: share of the campaign's events that carry it: what is carried deep is still met where
            accounts send less.
    """

    pattern: Pattern
    matched: Bools
    false: int
    depth: float


@dataclass(frozen=True)
class Choice:
    """The patterns chosen, and how many accounts any that passed could cover."""

    chosen: tuple[Candidate, ...]
    could: int


def candidates_of(counted: Counted, most: float, k: int) -> list[Candidate]:
    """Give every pattern the rule under which it covers most; leave out those that none suits.

    Args:
        counted: what each pattern matches.
        most: largest upper limit of the false-positive rate, as it will be measured.
        k: accounts of the campaign that a pattern must match.
    """
    shapes = common_shapes(counted)
    hits = int(TRUSTED * most * counted.choosing.sum())
    found = [ruled(counted, place, hits, k, shapes) for place in range(len(counted.patterns))]
    return [candidate for candidate in found if candidate is not None]


def choose(counted: Counted, candidates: Sequence[Candidate], enough: float, number: int) -> Choice:
    """Choose patterns by greedy cover.

    Args:
        counted: what each pattern matches.
        candidates: what may be chosen.
        enough: share of what could be covered at which the choice ends.
        number: most patterns.
    """
    could = np.zeros(len(counted.events), bool)
    for candidate in candidates:
        could |= candidate.matched
    could &= counted.members
    left = could.copy()
    chosen: list[Candidate] = []
    while left.sum() > (1 - enough) * could.sum() and len(chosen) < number:
        gains = np.array([(candidate.matched & left).sum() for candidate in candidates])
        near = [c for c, gain in zip(candidates, gains, strict=True) if gain >= NEAR * gains.max()]
        best = min(near, key=lambda c: _rank(c, left))
        chosen.append(best)
        left &= ~best.matched
    return Choice(tuple(chosen), int(could.sum()))


def _rank(candidate: Candidate, left: Bools) -> tuple[int, int, int, int, float, int]:
    """Order among patterns that add about as much: few false, deep, simple and lasting first."""
    pattern = candidate.pattern
    gain = int((candidate.matched & left).sum())
    depth = int(np.digitize(candidate.depth, DEPTHS))
    values = sum(len(feature.values) for feature in pattern.features).bit_length() // 2
    marks = len(pattern.features)
    return candidate.false, -depth, marks, values, -pattern.half_life, -gain


def ruled(
    counted: Counted, place: int, most: int, k: int, shapes: Sequence[Feature]
) -> Candidate | None:
    """Give a pattern the rule under which it covers most; None where none keeps the limit.

    A shape is added only where no rule alone will do.

    Args:
        counted: what each pattern matches.
        place: the pattern.
        most: benign accounts that choose which it may match.
        k: accounts of the campaign that it must match.
        shapes: what may be added.
    """
    for added in ((), *((shape,) for shape in shapes)):
        best: tuple[float, Candidate] | None = None
        features = (*counted.patterns[place].features, *added)
        depth = counted.depth(place)
        for rule in RULES:
            matched = counted.matched(place, rule, added)
            cover = int((matched & counted.members).sum())
            false = int((matched & counted.choosing).sum())
            if cover < k or false > most:
                continue
            price = NOISE * false / (most + 1) + HASTE * np.log2(rule.events)
            worth = cover - price * int(counted.members.sum())
            if best is None or worth > best[0]:
                best = worth, Candidate(Pattern(features, rule), matched, false, depth)
        if best is not None:
            return best[1]
    return None


def common_shapes(counted: Counted) -> list[Feature]:
    """Shapes that most accounts of the campaign have, and few enough others to be worth asking."""
    shapes = []
    benign = ~counted.members
    for family, bins in counted.bins.items():
        share = np.bincount(bins[counted.members], minlength=len(BINS[family]))
        top = int(share.argmax())
        if share[top] < SHAPE_SHARE * counted.members.sum():
            continue
        if np.mean(bins[benign] == top) <= 0.5:
            shapes.append(Feature(family, (BINS[family][top],)))
    return shapes
