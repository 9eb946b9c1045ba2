"""What benign explanations of a cluster predict, measured: one p-value per prediction and cluster.

People who merely use the same thing are independent of each other: they come when they like, use as
much as they like, pay for themselves, sit on their own networks, and have interests of their own. A
small p-value contradicts one such prediction. Background accounts, those in no coordinated cluster,
say what independent people look like in this traffic.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stillwatch.detect.predictions import habits, ownership, questions
from stillwatch.detect.predictions.ground import Ground
from stillwatch.detect.predictions.prediction import Prediction

__all__ = ["MEASURES", "Measure", "Prediction", "measure"]

Measure = Callable[[Ground, NDArray[np.int64]], Prediction | None]

MEASURES: Final[dict[str, Measure]] = {
    "volumes": habits.volumes,
    "moments": habits.moments,
    "identity": ownership.identity,
    "many_means": ownership.many_means,
    "one_web": ownership.one_web,
    "one_place": ownership.one_place,
    "network": ownership.network,
    "conversations": ownership.conversations,
    "pace": habits.pace,
    "interests": habits.interests,
    "repeats": questions.repeats,
    "same_questions": questions.same_questions,
    "repetition": questions.repetition,
    "short_answers": questions.short_answers,
    "breadth": questions.breadth,
    "one_organisation": ownership.one_organisation,
    "one_customer": ownership.one_customer,
    "known_customer": ownership.known_customer,
    "ordinary_requests": habits.ordinary_requests,
    "ordinary_accounts": habits.ordinary_accounts,
    "extreme_accounts": habits.extreme_accounts,
    "place": ownership.place,
}
"""Every prediction by name."""


def measure(ground: Ground, members: NDArray[np.int64]) -> dict[str, Prediction | None]:
    """Measure every prediction on one cluster; None where the data do not allow it."""
    return {name: function(ground, members) for name, function in MEASURES.items()}
