"""Baseline: accounts that share rare features, joined into connected components."""

from typing import Final

import duckdb
import numpy as np
import pyarrow as pa
from scipy import sparse
from scipy.sparse import csgraph

from stillwatch.bench.labels import FLAGS
from stillwatch.bench.method import Traffic
from stillwatch.stats.arrays import IntArray

_ROWS: Final = 4096
"""Accounts per block of the product, which bounds memory."""

_SHARED: Final = """
WITH carried AS (
  SELECT DISTINCT account_id, unnest([
    hash('template', template), hash('system', system),
    hash('client', client, parameters), hash('network', network)
  ]) AS feature, unnest([
    true, system IS NOT NULL, client IS NOT NULL, network IS NOT NULL
  ]) AS present
  FROM read_parquet($fingerprints)
  UNION
  SELECT DISTINCT account_id, unnest([hash('payment', payment_hash), hash('device', device_hash)]),
    unnest([payment_hash IS NOT NULL, device_hash IS NOT NULL])
  FROM read_parquet($accounts)
), rare AS (
  SELECT feature FROM carried WHERE present
  GROUP BY feature HAVING count(*) BETWEEN 2 AND $most
), codes AS (
  SELECT account_id, row_number() OVER (ORDER BY account_id) - 1 AS code
  FROM (SELECT DISTINCT account_id FROM read_parquet($fingerprints))
), numbers AS (SELECT feature, row_number() OVER (ORDER BY feature) - 1 AS number FROM rare)
SELECT code, number FROM carried JOIN numbers USING (feature) JOIN codes USING (account_id)
WHERE present
"""


class Components:
    """Flag connected components of accounts that share at least `shared` rare features.

    Features are exact: template, system prompt, client with request parameters, /24 network,
    payment, device. One carried by more than `most` accounts is popular and left out. The score of
    an account is the size of its component.
    """

    name = "components"

    def __init__(self, shared: int = 2, smallest: int = 10, most: int = 200) -> None:
        self.shared = shared
        self.smallest = smallest
        self.most = most

    def flag(self, traffic: Traffic) -> pa.Table:
        """See `Method.flag`."""
        with duckdb.connect() as db:
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
        component = _components(pairs["code"], pairs["number"], len(account), self.shared)
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


def _components(code: IntArray, feature: IntArray, accounts: int, shared: int) -> IntArray:
    """Component of each account, where an edge is `shared` common features."""
    carries = sparse.csr_array(
        (np.ones(code.size, dtype=np.int32), (code, feature)),
        shape=(accounts, int(feature.max(initial=0)) + 1),
    )
    left, right = [], []
    for start in range(0, accounts, _ROWS):
        common = sparse.coo_array(carries[start : start + _ROWS] @ carries.T)
        linked = common.data >= shared
        left.append(common.coords[0][linked] + start)
        right.append(common.coords[1][linked])
    edges = np.concatenate(left), np.concatenate(right)
    graph = sparse.coo_array(
        (np.ones(edges[0].size, dtype=np.int8), edges), shape=(accounts, accounts)
    )
    return np.asarray(csgraph.connected_components(graph, directed=False)[1], dtype=np.int64)
