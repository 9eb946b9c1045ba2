"""Baseline: accounts whose prompts are near-duplicates, by MinHash bands and components."""

from typing import Final

import pyarrow as pa
from scipy import sparse

from stillwatch.bench.baselines.joining import Codes, components, flags
from stillwatch.bench.baselines.pairs import read_pairs
from stillwatch.bench.method import Traffic

_BANDS: Final = """
carried AS (
  SELECT DISTINCT account_id, unnest(bands) AS band FROM read_parquet($fingerprints)
), numbers AS (
  SELECT band, row_number() OVER (ORDER BY band) - 1 AS number
  FROM carried GROUP BY band HAVING count(*) BETWEEN 2 AND $most
)
SELECT code, number FROM carried JOIN numbers USING (band) JOIN codes USING (account_id)
"""


class Lsh:
    """Flag connected components of accounts that have near-duplicate prompts in common.

    Two prompts collide where a band of their MinHash signatures is equal (Broder 1997; Indyk and
    Motwani 1998); accounts are linked where at least `shared` bands collide. A band of more than
    `most` accounts is left out. The score of an account is the size of its component.
    """

    name = "lsh"

    def __init__(self, shared: int = 32, smallest: int = 10, most: int = 50) -> None:
        self.shared = shared
        self.smallest = smallest
        self.most = most

    def flag(self, traffic: Traffic) -> pa.Table:
        """See `Method.flag`."""
        found = read_pairs(traffic, _BANDS, most=self.most)
        carries = found.incidence()

        def linked(rows: slice) -> tuple[Codes, Codes]:
            common = sparse.coo_array(carries[rows] @ carries.T)
            enough = common.data >= self.shared
            return common.coords[0][enough], common.coords[1][enough]

        return flags(found.account, components(linked, len(found.account)), self.smallest)
