"""Baseline: accounts that share rare features, joined into connected components."""

from typing import Final

import numpy as np
import pyarrow as pa
from scipy import sparse
from scipy.sparse import csgraph

from stillwatch.bench.database import database
from stillwatch.bench.labels import FLAGS
from stillwatch.bench.method import Traffic
from stillwatch.stats.arrays import BoolArray, IntArray

_ROWS: Final = 4096
"""Accounts per block of the product, which bounds memory."""

_SHARED: Final = """
WITH carried AS (
  SELECT DISTINCT account_id, unnest([0, 1, 2, 3]) AS family, unnest([
    template, system, CASE WHEN client IS NOT NULL THEN hash(client, parameters) END, network
  ]) AS value
  FROM read_parquet($fingerprints)
  UNION
  SELECT account_id, unnest([4, 5]), unnest([
    CASE WHEN payment_hash IS NOT NULL THEN hash(payment_hash) END,
    CASE WHEN device_hash IS NOT NULL THEN hash(device_hash) END
  ])
  FROM read_parquet($accounts)
), numbers AS (
  SELECT family, value, row_number() OVER (ORDER BY family, value) - 1 AS number FROM carried
  WHERE value IS NOT NULL GROUP BY family, value HAVING count(*) BETWEEN 2 AND $most
), codes AS (
  SELECT account_id, row_number() OVER (ORDER BY account_id) - 1 AS code
  FROM (SELECT DISTINCT account_id FROM read_parquet($fingerprints))
)
SELECT code, family, number
FROM carried JOIN numbers USING (family, value) JOIN codes USING (account_id)
"""


class Components:
    """Flag connected components of accounts that share rare features of `shared` families.

    Families are template, system prompt, client with request parameters, /24 network, payment and
    device; their values are compared exactly. One carried by more than `most` accounts is popular
    and left out. The score of an account is the size of its component.
    """

    name = "components"

    def __init__(self, shared: int = 3, smallest: int = 10, most: int = 200) -> None:
        self.shared = shared
        self.smallest = smallest
        self.most = most

    def flag(self, traffic: Traffic) -> pa.Table:
        """See `Method.flag`."""
        with database() as db:
            account = [
                row[0]
                for row in db.execute(
                    "SELECT DISTINCT account_id FROM read_parquet(?) ORDER BY 1",
                    [str(traffic.fingerprints)],
                ).fetchall()
            ]
            pairs = db.execute(
                _SHARED,
                {
                    "fingerprints": str(traffic.fingerprints),
                    "accounts": str(traffic.accounts),
                    "most": self.most,
                },
            ).fetchnumpy()
        carries = [
            _incidence(pairs["code"], pairs["number"], pairs["family"] == family, len(account))
            for family in np.unique(pairs["family"])
        ]
        component = _components(carries, len(account), self.shared)
        size = np.bincount(component)[component]
        flagged = size >= self.smallest
        return pa.table(
            {
                "account_id": account,
                "campaign_id": [
                    f"component-{c}" if f else None for c, f in zip(component, flagged, strict=True)
                ],
                "kind": ["extraction" if f else None for f in flagged],
                "score": size.astype(np.float64),
                "p_value": pa.nulls(len(account), pa.float64()),
            },
            schema=FLAGS,
        )


def _incidence(
    code: IntArray, feature: IntArray, rows: BoolArray, accounts: int
) -> sparse.csr_array:
    """Which account carries which feature, of the given rows only."""
    return sparse.csr_array(
        (np.ones(int(rows.sum()), dtype=np.int32), (code[rows], feature[rows])),
        shape=(accounts, int(feature.max(initial=0)) + 1),
    )


def _components(carries: list[sparse.csr_array], accounts: int, shared: int) -> IntArray:
    """Component of each account, where an edge is a common feature in `shared` families."""
    edges: list[IntArray] = []
    for start in range(0, accounts, _ROWS):
        families = sparse.csr_array((min(_ROWS, accounts - start), accounts), dtype=np.int32)
        for family in carries:
            common = family[start : start + _ROWS] @ family.T
            common.data[:] = 1
            families = families + common
        pairs = sparse.coo_array(families)
        linked = pairs.data >= shared
        ends = np.stack(pairs.coords)[:, linked].astype(np.int64)
        ends[0] += start
        edges.append(ends)
    linked_pairs = np.concatenate(edges, axis=1)
    graph = sparse.coo_array(
        (np.ones(linked_pairs.shape[1], dtype=np.int8), tuple(linked_pairs)),
        shape=(accounts, accounts),
    )
    return np.asarray(csgraph.connected_components(graph, directed=False)[1], dtype=np.int64)
