"""Embeddings of prompts for the baselines that compare prompts by distance.

The papers embed with a sentence encoder. None ships with this package and none is downloaded, so
the default is hashed TF-IDF with a randomised singular value decomposition, fitted on a sample of
the run. Another embedding takes its place as an argument of the method.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from stillwatch.bench.extra import load
from stillwatch.stats.arrays import FloatArray


class Embedding(Protocol):
    """Texts in, vectors of length 1 out."""

    def fit(self, texts: Sequence[str]) -> None:
        """Learn from a sample of the run's prompts; a ready-made encoder does nothing."""

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """Return vectors of length 1, shape (texts, dimensions)."""


class TfidfSvd:
    """Hashed words and pairs of words, weighted by TF-IDF, in the leading singular directions."""

    def __init__(self, dimensions: int = 64, features: int = 2**15, seed: int = 0) -> None:
        self.dimensions = dimensions
        self.features = features
        self.seed = seed

    def fit(self, texts: Sequence[str]) -> None:
        """See `Embedding.fit`."""
        text, pipeline = load("sklearn.feature_extraction.text"), load("sklearn.pipeline")
        decomposition, preprocessing = load("sklearn.decomposition"), load("sklearn.preprocessing")
        self._steps = pipeline.make_pipeline(
            text.HashingVectorizer(
                n_features=self.features,
                ngram_range=(1, 2),
                alternate_sign=False,
                token_pattern=r"(?u)\b\w+\b",  # noqa: S106 - a pattern of words, no password
            ),
            text.TfidfTransformer(sublinear_tf=True),
            decomposition.TruncatedSVD(self.dimensions, random_state=self.seed),
            preprocessing.Normalizer(copy=False),
        ).fit(texts)

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """See `Embedding.embed`."""
        return np.asarray(self._steps.transform(texts), np.float64)
