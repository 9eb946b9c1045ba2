"""How good a detection is, measured against labels. Pure functions.

Recall and false positives count accounts; both are given twice, because a relay pool that was
rightly named `relay` is neither a miss nor a distiller:

* `extraction`: only campaigns that are labelled extraction, and only that kind flags.
* `either`: relay pools count as attacks as well, and either kind flags.
"""

import math
from collections.abc import Iterable
from typing import Final

import msgspec
import numpy as np

from stillwatch.bench.labels import Detection, Labels, Names
from stillwatch.bench.ranking import Scores, keep_scores
from stillwatch.stats.arrays import BoolArray, FloatArray, IntArray

HALF: Final = 0.5
LEVELS: Final = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 1e-3, 1e-4, 1e-5)
"""Nominal levels at which claimed p-values are checked."""


class CampaignResult(msgspec.Struct, frozen=True):
    """One attacking campaign: its size, and how many of its accounts were flagged."""

    campaign: str
    kind: str
    size: int
    as_extraction: int
    as_relay: int
    largest_part: int
    """Most members in any one campaign detected as extraction or relay."""

    @property
    def found(self) -> bool:
        """Whether one detected campaign holds at least half of the members."""
        return self.largest_part >= HALF * self.size


class UnitCount(msgspec.Struct, frozen=True):
    """How many benign units (groups, lone accounts) of a cohort have this size and these errors.

    A benign reseller that is named `relay` is named rightly and counts as no false positive.
    """

    cohort: str
    size: int
    as_extraction: int
    as_relay: int
    units: int


class DetectedCampaign(msgspec.Struct, frozen=True):
    """One campaign that the method asserts."""

    kind: str
    size: int
    attackers: float
    """Share of members that belong to an attacking campaign."""
    extraction: float
    """Share that belong to an extraction campaign."""
    largest_unit: float
    """Share of the one campaign or benign group that most members belong to."""
    q_coordination: float | None = None
    """None, here and below, where the method claims none."""
    q_kind: float | None = None

    @property
    def without_group(self) -> bool:
        """Whether no campaign or benign group holds the majority.

        Such a campaign need not be chance: strangers who all send "ping" are alike and no group.
        """
        return self.largest_unit < HALF


class Quality(msgspec.Struct, frozen=True):
    """All that is measured of one run."""

    accounts: int
    campaigns: list[CampaignResult]
    detected: list[DetectedCampaign]
    benign_units: list[UnitCount]
    cohorts: dict[str, dict[str, int]]
    """Benign accounts per cohort and kind named; "" is no campaign."""
    languages: dict[str, dict[str, int]]
    regions: dict[str, dict[str, int]]
    bcubed_f1: float | None
    """None, here and below, where the run has no attack or no benign account to measure it on."""
    adjusted_rand: float | None
    benign_p: list[int]
    """Benign accounts with a p-value at or below each of `LEVELS`; empty where none are claimed."""
    scores: Scores

    @property
    def detected_extraction(self) -> int:
        """Campaigns detected as extraction."""
        return sum(found.kind == "extraction" for found in self.detected)

    @property
    def false_extraction(self) -> int:
        """Of these, how many have a minority of attackers."""
        return sum(found.kind == "extraction" and found.attackers < HALF for found in self.detected)

    @property
    def without_group(self) -> int:
        """Campaigns detected, of any kind, in which no campaign or benign group has a majority."""
        return sum(found.without_group for found in self.detected)


def measure(labels: Labels, detection: Detection) -> Quality:
    """Compare a detection with the truth."""
    extraction = detection.kind == "extraction"
    relay = detection.kind == "relay"
    flagged = extraction | relay
    named = np.where(flagged, detection.campaign, "").astype(np.object_)
    benign = ~labels.attack
    true_part = np.where(labels.attack, labels.campaign, "").astype(np.object_)
    in_play = labels.attack | flagged
    return Quality(
        accounts=labels.account.size,
        campaigns=_campaigns(labels, extraction, relay, named),
        detected=_detected(labels, detection),
        benign_units=_units(labels, benign, extraction, relay & (labels.kind != "relay")),
        cohorts=_crosstab(labels.cohort[benign], detection.kind[benign]),
        languages=_crosstab(labels.language[benign], detection.kind[benign]),
        regions=_crosstab(labels.region[benign], detection.kind[benign]),
        bcubed_f1=_known(bcubed_f1(true_part[in_play], named[in_play])),
        adjusted_rand=_known(adjusted_rand(true_part[in_play], named[in_play])),
        benign_p=_at_levels(detection.p_value[benign]),
        scores=keep_scores(detection.score, labels),
    )


def bcubed_f1(truth: Names, found: Names) -> float:
    """B-cubed F1 of two clusterings, 0..1 (Bagga and Baldwin 1998); "" is a singleton.

    >>> import numpy as np
    >>> a = np.array(["x", "x", "y", ""], dtype=object)
    >>> bcubed_f1(a, a)
    1.0
    """
    if truth.size == 0:
        return float("nan")
    rows, columns = _singletons_apart(truth), _singletons_apart(found)
    joint = _sizes(_pairs(rows, columns))
    precision = float(np.mean(joint / _sizes(columns)))
    recall = float(np.mean(joint / _sizes(rows)))
    return 2 * precision * recall / (precision + recall)


def adjusted_rand(truth: Names, found: Names) -> float:
    """Adjusted Rand index of two clusterings, at most 1 (Hubert and Arabie 1985).

    "" is a singleton. 1 where both are all singletons.
    """
    if truth.size == 0:
        return float("nan")
    rows, columns = _singletons_apart(truth), _singletons_apart(found)
    together = _pair_count(_pairs(rows, columns))
    by_row, by_column = _pair_count(rows), _pair_count(columns)
    expected = by_row * by_column / max(1.0, truth.size * (truth.size - 1) / 2)
    most = (by_row + by_column) / 2
    return 1.0 if most == expected else (together - expected) / (most - expected)


def _known(value: float) -> float | None:
    """None for NaN, which JSON does not have."""
    return None if math.isnan(value) else value


def _campaigns(
    labels: Labels, extraction: BoolArray, relay: BoolArray, named: Names
) -> list[CampaignResult]:
    results = []
    for campaign in sorted(set(labels.campaign[labels.attack])):
        members = labels.campaign == campaign
        parts = named[members & (named != "")]
        largest = np.unique(parts, return_counts=True)[1].max(initial=0)
        results.append(
            CampaignResult(
                campaign=campaign,
                kind=labels.kind[members][0],
                size=int(members.sum()),
                as_extraction=int(np.sum(extraction & members)),
                as_relay=int(np.sum(relay & members)),
                largest_part=int(largest),
            )
        )
    return results


def _detected(labels: Labels, detection: Detection) -> list[DetectedCampaign]:
    inside = np.flatnonzero(detection.campaign != "")
    ids, first, index = np.unique(
        detection.campaign[inside], return_index=True, return_inverse=True
    )
    size = np.bincount(index, minlength=ids.size)
    attack = labels.attack[inside]
    extraction = attack & (labels.kind[inside] == "extraction")
    most = np.zeros(ids.size)
    unit = np.unique(labels.unit[inside], return_inverse=True)[1]
    np.maximum.at(most, index, _sizes(_pairs(index, unit)))
    return [
        DetectedCampaign(
            kind=str(detection.kind[inside[row]]),
            size=int(size[k]),
            attackers=float(np.mean(attack[index == k])),
            extraction=float(np.mean(extraction[index == k])),
            largest_unit=float(most[k] / size[k]),
            q_coordination=_known(float(detection.q_coordination[inside[row]])),
            q_kind=_known(float(detection.q_kind[inside[row]])),
        )
        for k, row in enumerate(first)
    ]


def _units(
    labels: Labels, benign: BoolArray, extraction: BoolArray, relay: BoolArray
) -> list[UnitCount]:
    """Benign units, equal ones counted together: most are lone accounts without a flag."""
    _, first, index = np.unique(labels.unit[benign], return_index=True, return_inverse=True)
    cohorts, cohort = np.unique(labels.cohort[benign][first], return_inverse=True)
    counts = [np.bincount(index, weights) for weights in (extraction[benign], relay[benign])]
    rows = np.column_stack([cohort, np.bincount(index), *counts]).astype(np.int64)
    distinct, units = np.unique(rows, axis=0, return_counts=True)
    return [
        UnitCount(str(cohorts[row[0]]), int(row[1]), int(row[2]), int(row[3]), int(count))
        for row, count in zip(distinct, units, strict=True)
    ]


def _crosstab(rows: Names, columns: Names) -> dict[str, dict[str, int]]:
    table: dict[str, dict[str, int]] = {}
    pairs: Iterable[tuple[str, str]] = zip(rows, columns, strict=True)
    for row, column in sorted(pairs):
        counts = table.setdefault(row, {})
        counts[column] = counts.get(column, 0) + 1
    return table


def _at_levels(p: FloatArray) -> list[int]:
    claimed = p[~np.isnan(p)]
    return [int(np.sum(claimed <= level)) for level in LEVELS] if claimed.size else []


def _singletons_apart(names: Names) -> IntArray:
    """Integer labels, a fresh one for each empty name."""
    alone = names == ""
    index = np.unique(names, return_inverse=True)[1].astype(np.int64)
    index[alone] = index.size + np.arange(alone.sum())
    return index


def _pairs(rows: IntArray, columns: IntArray) -> IntArray:
    """One label per distinct (row, column)."""
    return np.asarray(rows * (columns.max(initial=0) + 1) + columns)


def _sizes(index: IntArray) -> FloatArray:
    """Size of the cluster of each item."""
    _, inverse, counts = np.unique(index, return_inverse=True, return_counts=True)
    return counts[inverse].astype(np.float64)


def _pair_count(index: IntArray) -> float:
    """Pairs of items that share a cluster."""
    counts = np.unique(index, return_counts=True)[1].astype(np.float64)
    return float(np.sum(counts * (counts - 1) / 2))
