"""Which account carries which feature: the input of the baselines that compare features exactly."""

from dataclasses import dataclass
from typing import Final

from stillwatch.bench.baselines.pairs import read_pairs
from stillwatch.bench.method import Traffic
from stillwatch.stats.arrays import IntArray

_CARRIED: Final = """
carried AS (
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
)
SELECT code, family, number
FROM carried JOIN numbers USING (family, value) JOIN codes USING (account_id)
"""


@dataclass(frozen=True)
class Carried:
    """Pairs of an account and a feature that at least one other account carries.

    Attributes:
        account: account ids, ascending; codes are places in this list.
        code: account code of each pair.
        feature: number of the feature of each pair, from 0.
        family: what sort of feature it is: template, system prompt, client with request parameters,
            /24 network, payment or device.
    """

    account: list[str]
    code: IntArray
    feature: IntArray
    family: IntArray


def carried(traffic: Traffic, most: int) -> Carried:
    """Read who carries what; values are compared exactly.

    Args:
        traffic: what is measured.
        most: a value that more accounts carry is popular and left out.
    """
    found = read_pairs(traffic, _CARRIED, accounts=str(traffic.accounts), most=most)
    columns = found.columns
    return Carried(found.account, columns["code"], columns["number"], columns["family"])
