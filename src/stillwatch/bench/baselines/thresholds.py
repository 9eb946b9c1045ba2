"""Baseline: each account alone, against thresholds on how much and how uniformly it asks."""

from typing import Final

import numpy as np
import pyarrow as pa

from stillwatch.bench.baselines.limits import RATE, flag_alone
from stillwatch.bench.database import database
from stillwatch.bench.labels import Names
from stillwatch.bench.method import Traffic
from stillwatch.events.markers import Marker
from stillwatch.stats.arrays import FloatArray
from stillwatch.stats.pvalues import conformal_p

HARVEST: Final = (
    Marker.REASONING | Marker.THINKING | Marker.GRADING | Marker.REWRITING | Marker.TOOLS
    | Marker.SYNTHESIS | Marker.PREFERENCE | Marker.RECORDS
)  # fmt: skip
"""Markers that the five reported methods of extraction leave."""

STATISTICS: Final = {
    "events_per_day": "count(*) / count(DISTINCT day)",
    "busiest_hour": "max(in_hour)",
    "hours_per_day": "count(DISTINCT hour) / count(DISTINCT day)",
    "output_per_day": "coalesce(sum(output_tokens), 0) / count(DISTINCT day)",
    "same_opening": "max(with_opening)",
    "harvest": f"count(*) FILTER (markers & {int(HARVEST)} <> 0)",
}
"""Statistics of one account, in SQL; larger is worse."""

_QUERY: Final = """
WITH slots AS (
  SELECT account_id, output_tokens, markers,
    epoch_us(time) // 3600000000 AS hour, epoch_us(time) // 86400000000 AS day,
    count(*) OVER (PARTITION BY account_id, epoch_us(time) // 3600000000) AS in_hour,
    count(*) OVER (PARTITION BY account_id, opening) AS with_opening
  FROM read_parquet(?)
)
SELECT account_id, {columns} FROM slots GROUP BY account_id ORDER BY account_id
"""


class Thresholds:
    """Flag an account whose most extreme statistic exceeds all but `rate` of benign accounts.

    The thresholds are set on the benign accounts of the very run that is measured, which no
    provider can do: the result is an upper bound for rules of this sort. Each flagged account is a
    campaign by itself.
    """

    name = "thresholds"

    def __init__(self, rate: float = RATE) -> None:
        self.rate = rate

    def flag(self, traffic: Traffic) -> pa.Table:
        """See `Method.flag`."""
        account, statistics = read_statistics(traffic)
        benign = np.isin(account, traffic.benign)
        score = np.zeros(account.size)
        for values in statistics.values():
            p = conformal_p(values, values[benign])
            score = np.maximum(score, -np.log10(p))
        return flag_alone(account, score, traffic.benign, self.rate)


def read_statistics(traffic: Traffic) -> tuple[Names, dict[str, FloatArray]]:
    """Read `STATISTICS` of every account; return the accounts, ascending, and the statistics."""
    columns = ", ".join(f"({sql})::DOUBLE AS {name}" for name, sql in STATISTICS.items())
    with database() as db:
        rows = db.execute(_QUERY.format(columns=columns), [str(traffic.fingerprints)]).fetchnumpy()
    return rows["account_id"], {name: rows[name] for name in STATISTICS}
