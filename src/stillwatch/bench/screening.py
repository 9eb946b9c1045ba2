"""How good screening is, on pairs labelled by hand, and the fit of its probability.

A row of a set is an account and an entry with a tier: `exact`, `variant`, or `look-alike`, which
must not match. All entries of a set make one list and all its accounts are screened against it, so
that a match with another row's entry counts too: it is false, unless that entry is the same entity.
"""

import csv
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from scipy import optimize

from stillwatch.detect.screening.compare import Likeness
from stillwatch.detect.screening.domains import clean_domain
from stillwatch.detect.screening.entries import Entry, EntryKind
from stillwatch.detect.screening.matches import Comparison, Screen, Subject
from stillwatch.detect.screening.model import MATCH, NEAR, Model
from stillwatch.detect.screening.names import parse_name
from stillwatch.errors import InputError
from stillwatch.stats.arrays import FloatArray
from stillwatch.stats.intervals import wilson

LOOK_ALIKE: Final = "look-alike"
TIERS: Final = ("exact", "variant", LOOK_ALIKE)
RIDGE: Final = 0.002
"""Pull of the weights towards nought, per pair and squared unit."""
LEAST: Final = Likeness(
    both=0, one=0, spelling=4.0, unread=1.0, turned=0, scripts=0.3, fields=0, silent=0, places=1.0,
    numbers=5.0, short=0, common=0,
)  # fmt: skip
"""Least weights: where the set has few pairs, what speaks against a match keeps some weight."""
BINS: Final = (0.0, 0.05, 0.25, 0.7, 0.9, 1.0)
"""Bounds of the reliability table."""


class Pair(msgspec.Struct, frozen=True):
    """One labelled row; `entity` says which entries are one entity."""

    tier: str
    name: str
    domain: str
    address: str
    entity: str
    listed: str
    aliases: str
    listed_domain: str
    listed_address: str

    @property
    def same(self) -> bool:
        """Whether the account is the entity."""
        return self.tier != LOOK_ALIKE


class Judged(msgspec.Struct, frozen=True):
    """A row beside an entry that it was compared with; `true` where they are one entity."""

    row: int
    entity: str
    listed: str
    true: bool
    probability: float
    comparison: Comparison


def read_pairs(path: Path) -> list[Pair]:
    """Read a labelled set.

    Raises:
        InputError: The file has other columns or tiers.
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    try:
        pairs = msgspec.convert(rows, list[Pair])
    except msgspec.ValidationError as error:
        raise InputError(f"{path} is no labelled set: {error}") from error
    if {pair.tier for pair in pairs} - set(TIERS):
        raise InputError(f"{path} has a tier that is none of {', '.join(TIERS)}: mend that row")
    return pairs


def entries_of(pairs: Sequence[Pair]) -> list[Entry]:
    """The entries of a set as one list; rows of one entry are joined."""
    rows: dict[str, list[Pair]] = {}
    for pair in pairs:
        rows.setdefault(pair.listed, []).append(pair)
    return [
        Entry(
            list_name="labelled set",
            entry_id=same[0].entity,
            name=name,
            kind=EntryKind.ORGANISATION,
            aliases=_distinct(a for pair in same for a in pair.aliases.split(";")),
            addresses=_distinct(pair.listed_address for pair in same),
            domains=_distinct(clean_domain(pair.listed_domain) or "" for pair in same),
        )
        for name, same in rows.items()
    ]


def _distinct(values: Iterator[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))


def judge(pairs: Sequence[Pair]) -> list[Judged]:
    """Compare every row with every entry that screening would compare it with."""
    entries = entries_of(pairs)
    subjects = [
        Subject(pair.name, _distinct(iter([clean_domain(pair.domain) or ""])), pair.address)
        for pair in pairs
    ]
    judged = []
    for row, (pair, found) in enumerate(
        zip(pairs, Screen(entries).compared(subjects), strict=True)
    ):
        for comparison in found:
            entry = entries[comparison.entry]
            true = pair.same and entry.entry_id == pair.entity
            judged.append(
                Judged(row, entry.entry_id, entry.name, true, comparison.probability, comparison)
            )
    return judged


def fit(pairs: Sequence[Pair]) -> Model:
    """Fit the intercept and the weights of the names by penalised likelihood.

    Every weight is at least 0. Rows with a domain or an address are left out: they would teach that
    names say little.
    """
    return fit_judged(pairs, judge(pairs))


def fit_judged(pairs: Sequence[Pair], judged: Sequence[Judged]) -> Model:
    """The same from comparisons that were made before."""
    judged = [
        j
        for j in judged
        if j.comparison.likeness and not pairs[j.row].domain and not pairs[j.row].address
    ]
    likenesses = [j.comparison.likeness for j in judged]
    against = np.array([msgspec.structs.astuple(found) for found in likenesses if found])
    true = np.array([j.true for j in judged], dtype=np.float64)

    def loss(weights: FloatArray) -> tuple[float, FloatArray]:
        odds = weights[0] - against @ weights[1:]
        off = 1 / (1 + np.exp(-odds)) - true
        value = np.mean(np.logaddexp(0, odds) - true * odds) + RIDGE * np.mean(weights[1:] ** 2)
        slope = np.concatenate([[off.mean()], -(off @ against) / len(true)])
        slope[1:] += 2 * RIDGE * weights[1:] / (len(weights) - 1)
        return float(value), slope

    size = against.shape[1]
    start = np.concatenate([[3.0], np.full(size, 2.0)])
    least = msgspec.structs.astuple(LEAST)
    bounds = [(None, None), *[(low, 12.0) for low in least]]
    found = optimize.minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B")
    intercept, *weights = (round(float(w), 2) for w in found.x)
    return Model(intercept, Likeness(*weights))


class Quality(msgspec.Struct, frozen=True):
    """Counts of one group of rows at the threshold of a match.

    Attributes:
        group: tier, script, or `all`.
        rows: labelled rows.
        same: rows that must match.
        found: of these, those that do.
        reported: matches reported for the rows, right or wrong; two entries of one entity count
            once.
        right: of these, those with the row's own entity where it must match.
        near: rows that must match and are near misses.
    """

    group: str
    rows: int
    same: int
    found: int
    reported: int
    right: int
    near: int

    @property
    def precision(self) -> tuple[float, float, float]:
        """Share of right ones among reported matches, with a 95 % interval."""
        return _rate(self.right, self.reported)

    @property
    def recall(self) -> tuple[float, float, float]:
        """Share of rows that match among those that must, with a 95 % interval."""
        return _rate(self.found, self.same)


def _rate(k: int, n: int) -> tuple[float, float, float]:
    low, high = wilson(k, n)
    return (k / n if n else float("nan")), float(low), float(high)


def measure(
    pairs: Sequence[Pair], judged: Sequence[Judged], group: Callable[[Pair], str]
) -> list[Quality]:
    """Count hits and errors by group."""
    names = sorted({group(pair) for pair in pairs})
    return [_quality(name, pairs, judged, group) for name in names]


def _quality(
    name: str, pairs: Sequence[Pair], judged: Sequence[Judged], group: Callable[[Pair], str]
) -> Quality:
    rows = {at for at, pair in enumerate(pairs) if group(pair) == name}
    mine = [j for j in judged if j.row in rows]
    matches = {(j.row, j.entity): j.true for j in mine if j.probability >= MATCH}
    found = {row for (row, _), true in matches.items() if true}
    near = {j.row for j in mine if j.true and j.probability >= NEAR} - found
    return Quality(
        name,
        len(rows),
        sum(pairs[at].same for at in rows),
        len(found),
        len(matches),
        sum(matches.values()),
        len(near),
    )


def reliability(judged: Sequence[Judged]) -> list[tuple[float, float, int, float, float]]:
    """Bins of the score: bounds, pairs, mean score, and the share that is one entity."""
    scores = np.array([j.probability for j in judged])
    true = np.array([j.true for j in judged], dtype=np.float64)
    table = []
    for low, high in pairwise(BINS):
        inside = (scores >= low) & ((scores < high) | (high == BINS[-1]))
        count = int(inside.sum())
        mean, share = (
            (float(scores[inside].mean()), float(true[inside].mean())) if count else (0.0, 0.0)
        )
        table.append((low, high, count, mean, share))
    return table


def script_of_pair(pair: Pair) -> str:
    """The scripts of the two names of a row, as in `han / latin`."""
    scripts = sorted({str(parse_name(text).script) for text in (pair.name, pair.listed)})
    return " / ".join(scripts)
