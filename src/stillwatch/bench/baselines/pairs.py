"""Pairs of an account and a number, read by SQL, for baselines that compare accounts."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy import sparse

from stillwatch.bench.database import database
from stillwatch.bench.method import Traffic
from stillwatch.stats.arrays import IntArray

_ACCOUNTS: Final = "SELECT DISTINCT account_id FROM read_parquet($fingerprints)"
_CODES: Final = """
WITH codes AS (
  SELECT account_id, row_number() OVER (ORDER BY account_id) - 1 AS code
  FROM read_parquet($fingerprints) GROUP BY account_id
)"""


@dataclass(frozen=True)
class Pairs:
    """What a query returned.

    Attributes:
        account: ids of the accounts of the log, ascending; codes are places in this list.
        columns: the query's columns by name, `code` and `number` among them.
    """

    account: list[str]
    columns: dict[str, IntArray]

    def incidence(self) -> sparse.csr_array:
        """Which account has which number: ones, accounts by numbers."""
        code, number = self.columns["code"], self.columns["number"]
        return sparse.csr_array(
            (np.ones(code.size, dtype=np.int32), (code, number)),
            shape=(len(self.account), int(number.max(initial=0)) + 1),
        )


def read_pairs(traffic: Traffic, query: str, **settings: Any) -> Pairs:
    """Run a query over the fingerprints.

    Args:
        traffic: what is measured.
        query: common table expressions and a SELECT, which join `codes` (account_id, code).
        settings: the query's parameters but `fingerprints`.
    """
    source = {"fingerprints": str(traffic.fingerprints)}
    with database() as db:
        accounts = db.execute(f"{_ACCOUNTS} ORDER BY 1", source).fetchall()
        columns = db.execute(f"{_CODES}, {query}", source | settings).fetchnumpy()
    return Pairs([row[0] for row in accounts], columns)
