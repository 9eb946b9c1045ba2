"""Empirical null distributions per cohort.

A `Reference` turns a statistic into a p-value by its rank among reference accounts of the same
cohort. Cohorts with too few accounts share the pooled distribution.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stillwatch.stats.arrays import FloatArray, IntArray
from stillwatch.stats.pvalues import conformal_p


@dataclass(frozen=True)
class Reference:
    """The null of one statistic, where larger values are more surprising.

    Attributes:
        pooled: All reference values, ascending.
        cohorts: Ascending reference values of each cohort that is large enough.
    """

    pooled: FloatArray
    cohorts: dict[int, FloatArray]

    def p_value(self, values: npt.ArrayLike, cohort: npt.ArrayLike) -> FloatArray:
        """Conformal p-values of `values`, each within its cohort or, failing that, pooled.

        Args:
            values: Statistics, one axis; NaN means not measured and gives 1.
            cohort: Cohort of each value, of the same shape.
        """
        statistics = np.asarray(values, dtype=np.float64)
        labels = np.asarray(cohort, dtype=np.int64)
        p = conformal_p(statistics, self.pooled)
        for label, null in self.cohorts.items():
            rows = labels == label
            p[rows] = conformal_p(statistics[rows], null)
        p[np.isnan(statistics)] = 1.0
        return p

    def smallest_p(self, cohort: npt.ArrayLike) -> FloatArray:
        """The smallest p-value that `p_value` can give in each cohort."""
        labels = np.asarray(cohort, dtype=np.int64)
        smallest = np.full(labels.shape, 1.0 / (self.pooled.size + 1.0))
        for label, null in self.cohorts.items():
            smallest[labels == label] = 1.0 / (null.size + 1.0)
        return smallest


def build_reference(
    values: npt.ArrayLike,
    cohort: npt.ArrayLike,
    *,
    minimum: int = 1000,
) -> Reference:
    """Learn the null of a statistic from reference accounts.

    Accounts of attackers that hide in the reference raise its upper end, so that p-values come out
    too large: the error is on the safe side, and power is lost. Dropping the largest values would
    take genuine accounts with them and make p-values too small.

    Args:
        values: Statistics of the reference accounts, one axis; larger is more surprising. NaN means
            not measured and is left out.
        cohort: Cohort of each account.
        minimum: Accounts that a cohort needs for a null of its own.

    Returns:
        The reference. With no accounts at all every p-value is 1.
    """
    statistics = np.asarray(values, dtype=np.float64)
    labels: IntArray = np.asarray(cohort, dtype=np.int64)
    measured = ~np.isnan(statistics)
    statistics, labels = statistics[measured], labels[measured]
    names, counts = np.unique(labels, return_counts=True)
    return Reference(
        pooled=np.sort(statistics),
        cohorts={
            int(name): np.sort(statistics[labels == name]) for name in names[counts >= minimum]
        },
    )
