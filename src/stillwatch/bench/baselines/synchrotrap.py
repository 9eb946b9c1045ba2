"""Baseline: SynchroTrap, accounts that do the same at the same time (Cao and others, CCS 2014)."""

from typing import Final

import numpy as np
import pyarrow as pa
from scipy import sparse

from stillwatch.bench.baselines.joining import Codes, components, flags
from stillwatch.bench.baselines.pairs import read_pairs
from stillwatch.bench.method import Traffic

_ACTIONS: Final = """
actions AS (
  SELECT DISTINCT account_id, unnest([0, 1]) AS field, unnest([template, network]) AS object,
    epoch_us(time) // ($window::BIGINT * 1000000) AS slot
  FROM read_parquet($fingerprints)
), numbers AS (
  SELECT field, object, slot, row_number() OVER (ORDER BY field, object, slot) - 1 AS number
  FROM actions WHERE object IS NOT NULL
  GROUP BY field, object, slot HAVING count(*) <= $most
)
SELECT code, number
FROM actions JOIN numbers USING (field, object, slot) JOIN codes USING (account_id)
"""


class SynchroTrap:
    """Flag connected components of accounts whose actions match in time.

    An action is a request of one template, or from one /24 network, in one window of time; two
    accounts match in the actions that both have. Their similarity is the Jaccard index of their
    actions, summed over objects as in the paper, and accounts of at least `similarity` are linked.
    Windows lie end to end instead of sliding. An action of more than `most` accounts is left out.
    The score of an account is the size of its component.
    """

    name = "synchrotrap"

    def __init__(
        self, window: int = 6 * 3600, similarity: float = 0.2, smallest: int = 10, most: int = 1000
    ) -> None:
        self.window = window
        self.similarity = similarity
        self.smallest = smallest
        self.most = most

    def flag(self, traffic: Traffic) -> pa.Table:
        """See `Method.flag`."""
        found = read_pairs(traffic, _ACTIONS, window=self.window, most=self.most)
        acts = found.incidence()
        actions = np.diff(acts.indptr)

        def linked(rows: slice) -> tuple[Codes, Codes]:
            common = sparse.coo_array(acts[rows] @ acts.T)
            one, other = common.coords
            either = actions[rows][one] + actions[other] - common.data
            enough = common.data >= self.similarity * either
            return one[enough], other[enough]

        return flags(found.account, components(linked, len(found.account)), self.smallest)
