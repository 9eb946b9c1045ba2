"""Baseline: an isolation forest over what each account does (Liu, Ting and Zhou, ICDM 2008)."""

import numpy as np
import pyarrow as pa

from stillwatch.bench.baselines.limits import RATE, flag_alone
from stillwatch.bench.baselines.thresholds import read_statistics
from stillwatch.bench.database import database
from stillwatch.bench.extra import load
from stillwatch.bench.labels import Names
from stillwatch.bench.method import Traffic
from stillwatch.stats.arrays import FloatArray

_HABITS = {
    "events": "count(*)",
    "templates": "count(DISTINCT template) / count(*)",
    "repeats": "count(DISTINCT content) / count(*)",
    "networks": "count(DISTINCT network)",
    "hours_of_day": "count(DISTINCT epoch_us(time) // 3600000000 % 24)",
    "words": "avg(words)",
    "words_spread": "coalesce(stddev_samp(words), 0)",
    "constraints": "avg(constraints)",
    "input_tokens": "coalesce(avg(input_tokens), 0)",
    "output_tokens": "coalesce(avg(output_tokens), 0)",
    "turns": "coalesce(avg(turn), 0)",
    "temperature": "coalesce(avg(temperature), 1)",
    "span": "(max(epoch_us(time)) - min(epoch_us(time))) / 3.6e9",
}
"""What else the forest sees of one account, in SQL."""


class IsolationForest:
    """Flag the accounts that a forest of random splits isolates soonest.

    The forest is scikit-learn's with its default settings and `trees` trees, over the logarithms of
    nineteen statistics of each account. Its own threshold would flag every tenth account or so;
    the limit is set on the benign accounts of the very run instead, as for `thresholds`, at a
    share of `rate`.
    """

    name = "isolation-forest"
    needs = ("sklearn",)

    def __init__(self, trees: int = 300, rate: float = RATE, seed: int = 0) -> None:
        self.trees = trees
        self.rate = rate
        self.seed = seed

    def flag(self, traffic: Traffic) -> pa.Table:
        """See `Method.flag`."""
        ensemble = load("sklearn.ensemble")
        account, features = _features(traffic)
        forest = ensemble.IsolationForest(n_estimators=self.trees, random_state=self.seed)
        score = -np.asarray(forest.fit(features).score_samples(features), np.float64)
        return flag_alone(account, score, traffic.benign, self.rate)


def _features(traffic: Traffic) -> tuple[Names, FloatArray]:
    """Logarithms of the statistics of each account, shape (accounts, statistics)."""
    account, statistics = read_statistics(traffic)
    columns = ", ".join(f"({sql})::DOUBLE AS {name}" for name, sql in _HABITS.items())
    query = f"SELECT {columns} FROM read_parquet(?) GROUP BY account_id ORDER BY account_id"  # noqa: S608 - our own columns
    with database() as db:
        habits = db.execute(query, [str(traffic.fingerprints)]).fetchnumpy()
    values = [*statistics.values(), *(habits[name] for name in _HABITS)]
    return account, np.log1p(np.column_stack(values))
