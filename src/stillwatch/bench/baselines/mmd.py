"""Baseline: the maximum mean discrepancy between queries and benign traffic.

Liu, Guo and Dong, "An embarrassingly simple detector for model extraction attacks in large language
model API traffic", arXiv 2606.05725 (2026).
"""

import numpy as np
import pyarrow as pa

from stillwatch.bench.baselines.embedding import Embedding, TfidfSvd
from stillwatch.bench.baselines.limits import RATE
from stillwatch.bench.baselines.prompts import Prompts, read_prompts, sample_prompts
from stillwatch.bench.baselines.units import Units
from stillwatch.bench.method import Traffic
from stillwatch.stats.arrays import FloatArray

_REFERENCE = 20_000
"""Benign queries that windows are compared with, and that the embedding learns from."""
_PAIRS = 2_000
"""Benign queries that set the kernel's width and the spread under the null hypothesis."""
_WIDTHS = (0.5, 1.0, 2.0, 4.0)
"""Kernels are averaged over these multiples of the median distance, as in the authors' code."""


class Mmd:
    """Flag an account whose windows of queries are distributed unlike benign traffic.

    The unbiased squared MMD with Gaussian kernels of four widths, between a window of up to
    `window` consecutive queries and benign queries. An account's score is that of its worst window,
    over the standard deviation that a random benign window of that size has, so that sizes compare.

    Deviations: the kernel is approximated by random Fourier features (Rahimi and Recht 2007); the
    window is compared with all benign queries held, not with twenty draws of as many; windows may
    be shorter, down to `fewest`, where an account sent less. The paper's limit is the 95th
    percentile over random benign windows, but a person is no random draw from all people, and most
    benign accounts exceed it: here the limit is set on the benign accounts of the very run.
    """

    needs = ("sklearn",)

    def __init__(
        self,
        *,
        pooled: bool = False,
        window: int = 1500,
        fewest: int = 10,
        features: int = 512,
        rate: float = RATE,
        embedding: type[Embedding] = TfidfSvd,
    ) -> None:
        self.pooled = pooled
        self.window = window
        self.fewest = fewest
        self.features = features
        self.rate = rate
        self.embedding = embedding

    @property
    def name(self) -> str:
        """See `Method.name`."""
        return "mmd-pooled" if self.pooled else "mmd"

    def flag(self, traffic: Traffic) -> pa.Table:
        """See `Method.flag`."""
        units = Units.of(traffic, pooled=self.pooled)
        benign = sample_prompts(traffic, traffic.benign.tolist(), _REFERENCE, seed=0)
        embedding = self.embedding()
        embedding.fit(benign)
        null = Null(embedding.embed(benign), self.features, np.random.default_rng(0))
        windows = _Windows(self.window, self.features)
        for part in read_prompts(traffic, units.unit_of, fewest=self.fewest):
            windows.add(part, null.map(embedding.embed(part.text)))
        score = np.zeros(units.count)
        for (unit, _), (size, total) in windows.full(self.fewest).items():
            score[unit] = max(score[unit], null.deviations(size, total))
        return units.flags(score, traffic, self.rate)


class MmdPooled(Mmd):
    """The same on the queries of a group of accounts."""

    def __init__(self) -> None:
        super().__init__(pooled=True)


class Null:
    """Benign queries as the kernel sees them.

    Args:
        benign: Embedded benign queries, shape (queries, dimensions).
        features: Random Fourier features; half of them cosines, half sines.
        rng: Seeded generator.
    """

    def __init__(self, benign: FloatArray, features: int, rng: np.random.Generator) -> None:
        chosen = benign[rng.choice(len(benign), min(_PAIRS, len(benign)), replace=False)]
        width = _median_distance(chosen)
        scale = np.resize(_WIDTHS, features // 2) * width
        self.directions = rng.normal(size=(benign.shape[1], features // 2)) / scale
        self.mean = self.map(benign).mean(axis=0)
        # The kernel centred at benign traffic; its spread is that of the statistic under the null.
        centred = self.map(chosen) - self.mean
        kernel = centred @ centred.T
        self.spread = float(np.sqrt(np.mean(kernel[~np.eye(len(chosen), dtype=bool)] ** 2)))

    def map(self, vectors: FloatArray) -> FloatArray:
        """Random features of vectors; their inner products approximate the kernel."""
        angles = vectors @ self.directions
        waves = np.concatenate([np.cos(angles), np.sin(angles)], axis=1)
        return np.asarray(waves / np.sqrt(angles.shape[1]))

    def squared_mmd(self, size: int, total: FloatArray) -> float:
        """Unbiased squared MMD between a window and benign traffic.

        Args:
            size: Queries of the window, at least 2.
            total: Sum of their features.
        """
        apart = total - size * self.mean
        # Taking each query's own square away leaves the pairs; |features| is 1 by construction.
        own = size * (1.0 + self.mean @ self.mean) - 2.0 * (total @ self.mean)
        return float((apart @ apart - own) / (size * (size - 1)))

    def deviations(self, size: int, total: FloatArray) -> float:
        """The same in standard deviations of random benign windows of this size; at least 0."""
        spread = self.spread * np.sqrt(2.0 / (size * (size - 1)))
        return max(0.0, float(self.squared_mmd(size, total) / spread))


def _median_distance(vectors: FloatArray) -> float:
    squares = (vectors**2).sum(axis=1)
    apart = np.maximum(squares[:, None] + squares - 2.0 * (vectors @ vectors.T), 0.0)
    positive = apart[np.triu_indices(len(vectors), 1)]
    positive = positive[positive > 0]
    return float(np.sqrt(np.median(positive))) if positive.size else 1.0


class _Windows:
    """Sums of features over windows of consecutive queries, by unit and number of the window."""

    def __init__(self, window: int, features: int) -> None:
        self.window = window
        self.features = features
        self.sums: dict[tuple[int, int], tuple[int, FloatArray]] = {}

    def add(self, part: Prompts, mapped: FloatArray) -> None:
        number = part.place // self.window
        changed = np.diff(part.unit, prepend=-1) | np.diff(number, prepend=-1)
        starts = np.flatnonzero(changed)
        totals = np.add.reduceat(mapped, starts)
        sizes = np.diff(np.append(starts, part.unit.size))
        for start, size, total in zip(starts, sizes, totals, strict=True):
            key = (int(part.unit[start]), int(number[start]))
            before, so_far = self.sums.get(key, (0, np.zeros(self.features)))
            self.sums[key] = (before + int(size), so_far + total)

    def full(self, fewest: int) -> dict[tuple[int, int], tuple[int, FloatArray]]:
        """Whole windows, and the first of a unit where it is all that the unit has."""
        return {
            (unit, number): (size, total)
            for (unit, number), (size, total) in self.sums.items()
            if size == self.window or (number == 0 and size >= fewest)
        }
