"""The first question: is a cluster more alike than chance on evidence that did not form it?

Null hypothesis: on every held-out family, the members are random draws from accounts of their own
cohorts. Each family's best enriched feature gives a p-value, corrected for the features tried in
it; p-values become e-values, families are averaged (an e-value under any dependence), and e-BH over
all candidates of both views gives q-values (Vovk & Wang 2021; Wang & Ramdas 2022).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stillwatch.detect import enrichment
from stillwatch.detect.formation import View
from stillwatch.stats.evalues import calibrate_p_to_e, e_to_q, merge_mean


@dataclass(frozen=True)
class Candidate:
    """A cluster with the answer to the first question.

    Attributes:
        view: the view that formed it.
        members: account codes, ascending.
        e_value: evidence against chance.
        q_value: smallest FDR level at which it is called coordinated.
        tested: enriched rows on held-out families.
    """

    view: str
    members: NDArray[np.int64]
    e_value: float
    q_value: float
    tested: enrichment.Enriched


def test(views: list[View], cohort: NDArray[np.int64]) -> list[Candidate]:
    """Test every cluster of every view on what the view held out."""
    found: list[tuple[str, NDArray[np.int64], float, enrichment.Enriched]] = []
    for view in views:
        rows = _tested(view, cohort)
        count = int(view.cluster.max(initial=-1)) + 1
        order = np.argsort(view.cluster, kind="stable")
        cuts = np.searchsorted(view.cluster[order], np.arange(count))
        members = np.split(order, cuts)[1:]  # the first part is in no cluster
        e_values = _e_values(rows, count, len(view.held_out)).tolist()
        names = [view.name] * count
        found += zip(names, members, e_values, rows.by_cluster(count), strict=True)
    if not found:
        return []
    q_values = e_to_q(np.array([e_value for _, _, e_value, _ in found]))
    return [
        Candidate(name, members, e_value, float(q_value), rows)
        for (name, members, e_value, rows), q_value in zip(found, q_values, strict=True)
    ]


def _tested(view: View, cohort: NDArray[np.int64]) -> enrichment.Enriched:
    """Test one family after the other, so that only one is numbered at a time."""
    parts = []
    for family in sorted(view.held_out):
        coded = enrichment.code_family(family, view.held_out[family], cohort.shape[0])
        parts.append(enrichment.test_family(coded, view.cluster, cohort))
    return enrichment.concatenate(parts)


def _e_values(rows: enrichment.Enriched, clusters: int, families: int) -> NDArray[np.float64]:
    names, family = np.unique(rows.family, return_inverse=True)
    # Where nothing was held out, one p-value of 1 stands for it: no evidence either way.
    best = np.zeros((clusters, max(families, names.size, 1)))
    np.minimum.at(best, (rows.cluster, family), rows.log_p)
    return merge_mean(calibrate_p_to_e(np.exp(np.maximum(best, -600.0))))
