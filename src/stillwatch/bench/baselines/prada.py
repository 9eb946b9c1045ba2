"""Baseline: PRADA, whose alarm is a stream of distances that is not normal.

Juuti, Szyller, Marchal and Asokan, "PRADA: Protecting against DNN model stealing attacks", EuroS&P
2019, on embeddings of prompts and without predicted classes, as Liu, Guo and Dong (arXiv
2606.05725) adapt it to language models.
"""

import numpy as np
import pyarrow as pa
from scipy import stats

from stillwatch.bench.baselines.embedding import Embedding, TfidfSvd
from stillwatch.bench.baselines.limits import RATE
from stillwatch.bench.baselines.prompts import read_prompts, sample_prompts
from stillwatch.bench.baselines.units import Units
from stillwatch.bench.method import Traffic
from stillwatch.stats.arrays import FloatArray

FEWEST = 100
"""Distances that are needed before the first test."""
_EVERY = 10
"""Queries from one test to the next, as in the authors' code."""
_FITTED = 30_000
"""Prompts that the embedding learns from."""


class Prada:
    """Flag an account whose queries lie at distances of a strange distribution.

    Each query has a distance to the nearest earlier query of a growing set; it joins the set where
    that distance exceeds the set's threshold, which only rises (mean less standard deviation of the
    distances in the set). Without outliers beyond three standard deviations, the distances of a
    benign stream look normal: the score is 1 less the smallest Shapiro-Wilk statistic W so far. The
    paper picks the limit of W on benign streams; here it is set on the benign accounts of the very
    run. An account of at most 100 queries cannot be tested; at most `most` queries are.
    """

    needs = ("sklearn",)

    def __init__(
        self,
        *,
        pooled: bool = False,
        most: int = 1500,
        rate: float = RATE,
        embedding: type[Embedding] = TfidfSvd,
    ) -> None:
        self.pooled = pooled
        self.most = most
        self.rate = rate
        self.embedding = embedding

    @property
    def name(self) -> str:
        """See `Method.name`."""
        return "prada-pooled" if self.pooled else "prada"

    def flag(self, traffic: Traffic) -> pa.Table:
        """See `Method.flag`."""
        units = Units.of(traffic, pooled=self.pooled)
        score = np.zeros(units.count)
        embedding = self.embedding()
        embedding.fit(sample_prompts(traffic, units.account, _FITTED, seed=0))
        held = _Stream(-1)
        for part in read_prompts(traffic, units.unit_of, fewest=FEWEST + 2, most=self.most):
            vectors = embedding.embed(part.text)
            starts = np.flatnonzero(np.diff(part.unit, prepend=part.unit[0] - 1))
            for rows in np.split(np.arange(part.unit.size), starts[1:]):
                unit = int(part.unit[rows[0]])
                if unit != held.unit:
                    held.score_into(score)
                    held = _Stream(unit)
                held.vectors.append(vectors[rows])
        held.score_into(score)
        return units.flags(score, traffic, self.rate)


class PradaPooled(Prada):
    """PRADA on the queries of a group of accounts, as if one account had sent them all."""

    def __init__(self) -> None:
        super().__init__(pooled=True)


class _Stream:
    """The queries of one unit as they are read."""

    def __init__(self, unit: int) -> None:
        self.unit = unit
        self.vectors: list[FloatArray] = []

    def score_into(self, score: FloatArray) -> None:
        if self.vectors:
            score[self.unit] = 1.0 - smallest_w(distances(np.concatenate(self.vectors)))


def distances(vectors: FloatArray) -> FloatArray:
    """Distance of each query but the first to the nearest query of the growing set.

    Args:
        vectors: Queries in order, shape (queries, dimensions).
    """
    squares = (vectors**2).sum(axis=1)
    grown = np.empty_like(vectors)
    norms = np.empty(squares.size)
    grown[0], norms[0] = vectors[0], squares[0]
    size, threshold = 1, 0.0
    total, total_squares = 0.0, 0.0  # of the distances in the set; the first query's is 0
    found = np.empty(squares.size - 1)
    for k in range(1, squares.size):
        apart = norms[:size] - 2.0 * (grown[:size] @ vectors[k]) + squares[k]
        nearest = float(np.sqrt(max(apart.min(), 0.0)))
        found[k - 1] = nearest
        if nearest > threshold:
            grown[size], norms[size] = vectors[k], squares[k]
            size += 1
            total, total_squares = total + nearest, total_squares + nearest**2
            mean = total / size
            threshold = max(threshold, mean - np.sqrt(max(total_squares / size - mean**2, 0.0)))
    return found


def smallest_w(found: FloatArray) -> float:
    """Smallest Shapiro-Wilk statistic along a stream of distances; 1 where none can be computed."""
    least = 1.0
    for end in range(FEWEST + 1, found.size + 1, _EVERY):
        seen = found[:end]
        kept = seen[np.abs(seen - seen.mean()) <= 3.0 * seen.std()]
        if np.ptp(kept) > 0:
            least = min(least, float(stats.shapiro(kept).statistic))
    return least
