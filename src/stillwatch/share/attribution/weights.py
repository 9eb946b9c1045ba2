"""What each trace weighs: log-likelihood ratios and a calibration, from simulated campaigns."""

from enum import StrEnum
from importlib.resources import files
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from stillwatch.share.attribution.likeness import Likeness
from stillwatch.share.attribution.trace import Trace

EDGES: Final = (0.0, 0.02, 0.1, 0.3, 0.6)
"""Upper ends of the bins of a share, 0 alone in the first; the last goes to 1."""
PACE_EDGES: Final = (0.2, 0.4, 0.6, 0.75, 0.9)
BINS: Final = len(EDGES) + 1


class Source(StrEnum):
    """Where a candidate comes from."""

    RECORDED = "recorded"
    RECEIVED = "received"
    NAMED = "named"


class Weights(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The model: a table for each trace, then one scale and one offset per source.

    Attributes:
        traces: by trace and bin, ln P(bin | its operator) - ln P(bin | another), in nats.
        scale: factor on the sum of the table's entries, because traces are not independent.
        unknown: log-odds that none of the candidates is right, before any evidence.
        offsets: log-odds that a candidate of a source starts with.
        least_unknown: probability of "unknown" that is always left, 0..1: what the number of
            questions that the model was made on can exclude.
        made: how: seeds, number of questions, revision.
    """

    traces: dict[Trace, list[float]]
    scale: float
    unknown: float
    offsets: dict[Source, float]
    least_unknown: float
    made: dict[str, str]

    def of(self, likeness: Likeness) -> float:
        """Weight of one likeness, in nats; positive speaks for the candidate."""
        return self.scale * self.traces[likeness.trace][place(likeness)]


def place(likeness: Likeness) -> int:
    """The bin of a likeness.

    >>> [place(Likeness(Trace.CARD, share, 1, 1)) for share in (0.0, 0.01, 0.5, 1.0)]
    [0, 1, 4, 5]
    """
    edges = PACE_EDGES if likeness.trace is Trace.PACE else EDGES
    return int(np.searchsorted(edges, likeness.share))


def posterior(
    logits: NDArray[np.float64], sources: NDArray[np.int64], unknown: float, least: float
) -> NDArray[np.float64]:
    """Return the probability of each candidate and, last, of none of them.

    Args:
        logits: evidence and offset of each candidate, in nats, shape (candidates,).
        sources: where each comes from, as a number; a source's prior is divided among its
            candidates, so that a long list makes nobody likelier.
        unknown: log-odds of none.
        least: probability of none that is always left.
    """
    among = np.bincount(sources)[sources] if sources.size else np.ones(0)
    whole = np.append(logits - np.log(among), unknown)
    odds = np.exp(whole - whole.max())
    chance = odds / odds.sum() * (1 - least)
    chance[-1] += least
    return np.asarray(chance)


def shipped() -> Weights:
    """Return the weights of this version; docs/attribution.md says how they were measured."""
    data = files("stillwatch.share.attribution").joinpath("weights.json").read_bytes()
    return msgspec.json.decode(data, type=Weights)
