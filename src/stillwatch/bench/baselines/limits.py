"""Flags of methods that give a score: limits set on the benign accounts of the very run.

No provider can set a limit so, and the result is an upper bound for the method.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from stillwatch.bench.labels import Names, flag_table
from stillwatch.stats.arrays import BoolArray, FloatArray

RATE = 1e-4
"""Share of benign accounts, or of benign groups, that may exceed a limit."""


def exceeds(score: FloatArray, benign: BoolArray, rate: float) -> BoolArray:
    """Tell which scores exceed all but a share of the benign ones; none without benign ones.

    Args:
        score: Higher is worse, shape (units,).
        benign: Which of them are benign.
        rate: Share of benign ones that may exceed the limit, 0..1.
    """
    ranked = np.sort(score[benign])
    if not ranked.size:
        return np.zeros(score.size, np.bool_)
    return np.asarray(score > ranked[-1 - int(rate * ranked.size)])


def flag_alone(
    account: Sequence[str] | Names, score: FloatArray, benign: Names, rate: float
) -> pa.Table:
    """Flag accounts above the limit, each as a campaign by itself."""
    names = np.asarray(account, dtype=np.object_)
    flagged = exceeds(score, np.isin(names, benign), rate)
    alone = [name if flag else None for name, flag in zip(names, flagged, strict=True)]
    return flag_table(names, alone, score)
