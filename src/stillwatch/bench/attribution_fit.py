"""Fit the weights of attribution on questions whose answers are known."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression, minimize

from stillwatch.bench.attribution import Question
from stillwatch.share.attribution.rank import chances
from stillwatch.share.attribution.trace import Trace
from stillwatch.share.attribution.weights import BINS, Source, Weights, place

FOLDS: Final = 4
"""Worlds are split in so many; what calibrates took no part in the tables that it calibrates."""
PRIOR: Final = 8.0
"""Observations by which a bin is pulled towards saying nothing."""
_RULE_OF_THREE: Final = 3.0


def fit(questions: Sequence[Question], made: dict[str, str]) -> Weights:
    """Fit tables and calibration.

    1. For each trace, the ratio of how often a bin is met with the right and with a wrong
       candidate, pulled towards 1 and made monotone: more alike never weighs less.
    2. Out-of-fold, one scale, the log-odds of "unknown" and an offset per source, by maximum
       likelihood of the truth.

    Args:
        questions: of development worlds.
        made: what to say of how the weights were made.
    """
    worlds = sorted({q.world for q in questions})
    held = [
        _laid_out([q for q in questions if q.world in part], tables(rest))
        for part in ({*worlds[n::FOLDS]} for n in range(FOLDS))
        if (rest := [q for q in questions if q.world not in part])
    ]

    def loss(parameters: NDArray[np.float64]) -> float:
        told = sum(float(_log_told(part, parameters).sum()) for part in held)
        # A weak pull of the offsets to 0 and of the scale to 1, for sources that are rarely right.
        return 0.125 * float(np.sum((parameters - _START) ** 2)) - told

    found = minimize(loss, _START, method="Nelder-Mead", options={"xatol": 1e-4, "fatol": 1e-4})
    least = _RULE_OF_THREE / len(questions)
    return _weights(tables(questions), found.x, least, {**made, "questions": str(len(questions))})


_START: Final = np.array([1.0, 0.0, 0.0, 0.0])
"""Scale, log-odds of "unknown", offsets of candidates received and named."""


class _LaidOut(NamedTuple):
    """Questions as columns; each ends with a row for "unknown".

    Attributes:
        first: first row of each question.
        evidence: sum of the tables, in nats.
        among: logarithm of the candidates of its source, among which the prior is divided.
        kind: 0 recorded, 1 received, 2 named, 3 "unknown".
        right: whether the row is true.
    """

    first: NDArray[np.int64]
    evidence: NDArray[np.float64]
    among: NDArray[np.float64]
    kind: NDArray[np.int64]
    right: NDArray[np.bool_]


def _laid_out(questions: Sequence[Question], table: dict[Trace, list[float]]) -> _LaidOut:
    first: list[int] = []
    evidence: list[float] = []
    among: list[float] = []
    kinds: list[int] = []
    right: list[bool] = []
    for question in questions:
        first.append(len(kinds))
        mine = [list(Source).index(s.sources[0]) for s in question.suspects]
        evidence += [sum(table[x.trace][place(x)] for x in s.likenesses) for s in question.suspects]
        among += [float(np.log(mine.count(kind))) for kind in mine]
        kinds += mine
        right += question.right
        evidence.append(0.0)
        among.append(0.0)
        kinds.append(len(Source))
        right.append(not any(question.right))
    columns = (np.array(first), np.array(evidence), np.array(among), np.array(kinds))
    return _LaidOut(*columns, np.array(right, bool))


def _log_told(given: _LaidOut, parameters: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logarithm of the probability given to the truth of each question."""
    scale, unknown, received, named = parameters
    starts = np.array([0.0, received, named, unknown])[given.kind]
    logits = scale * given.evidence + starts - given.among
    lengths = np.diff(np.append(given.first, logits.size))
    odds = np.exp(logits - np.repeat(np.maximum.reduceat(logits, given.first), lengths))
    total = np.add.reduceat(odds, given.first)
    told = np.add.reduceat(np.where(given.right, odds, 0.0), given.first)
    # The truth is never quite excluded: "unknown" keeps a little, whatever the evidence.
    return np.asarray(np.log(np.maximum(told / total, _LEAST)))


_LEAST: Final = 1e-3


def told_right(question: Question, weights: Weights) -> float:
    """The probability that was given to the truth: the right candidates together, or "unknown"."""
    *each, unknown = chances(question.suspects, weights)
    right = sum(p for p, good in zip(each, question.right, strict=True) if good)
    return right if any(question.right) else unknown


def tables(questions: Sequence[Question]) -> dict[Trace, list[float]]:
    """Return ln P(bin | its operator) - ln P(bin | another) by trace, in nats, ascending."""
    counts = {trace: np.zeros((2, BINS)) for trace in Trace}
    for question in questions:
        for suspect, right in zip(question.suspects, question.right, strict=True):
            for likeness in suspect.likenesses:
                counts[likeness.trace][int(right), place(likeness)] += 1
    return {trace: ratios(found) for trace, found in counts.items()}


def ratios(counts: NDArray[np.float64]) -> list[float]:
    """Log-ratios of two rows of counts, wrong and right, per bin.

    >>> ratios(np.array([[90.0, 10, 0, 0, 0, 0], [10.0, 90, 0, 0, 0, 0]]))[:2]
    [-1.904, 1.904]
    >>> ratios(np.zeros((2, 6)))
    [0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    """
    totals = counts.sum(axis=1, keepdims=True)
    if not totals.all():
        return [0.0] * counts.shape[1]
    share = counts / totals
    pooled = share.mean(axis=0)
    wrong, right = (counts + PRIOR * pooled) / (totals + PRIOR)
    met = pooled > 0
    raw = np.zeros(counts.shape[1])
    raw[met] = np.log(right[met] / wrong[met])
    # A bin that was never met has what its nearest lower neighbour has.
    rising = isotonic_regression(raw[met], weights=pooled[met] + 1e-3).x
    raw[met] = rising
    last = 0
    for n in range(raw.size):
        last = n if met[n] else last
        raw[n] = raw[last] if met[last] else min(raw[met][0], 0.0)
    return [round(float(value), 3) for value in raw]


def _weights(
    traces: dict[Trace, list[float]],
    parameters: NDArray[np.float64],
    least: float,
    made: dict[str, str],
) -> Weights:
    scale, unknown, received, named = (round(float(value), 4) for value in parameters)
    offsets = {Source.RECORDED: 0.0, Source.RECEIVED: received, Source.NAMED: named}
    return Weights(traces, scale, unknown, offsets, round(least, 5), made)
