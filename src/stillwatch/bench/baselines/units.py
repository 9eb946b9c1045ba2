"""What a test of prompts is done on: each account alone, or groups of accounts pooled.

The groups come from `lsh`, so that a baseline borrows nothing of the detector it is compared with.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stillwatch.bench.baselines.limits import exceeds, flag_alone
from stillwatch.bench.baselines.lsh import Lsh
from stillwatch.bench.labels import flag_table
from stillwatch.bench.method import Traffic
from stillwatch.stats.arrays import FloatArray


@dataclass(frozen=True)
class Units:
    """Accounts, and the unit that each is tested in.

    Attributes:
        account: all accounts of the log, ascending.
        unit_of: number of each account's unit, from 0; accounts in none are missing.
        pooled: whether units are groups of accounts.
    """

    account: list[str]
    unit_of: Mapping[str, int]
    pooled: bool

    @classmethod
    def of(cls, traffic: Traffic, *, pooled: bool) -> "Units":
        """Make a unit of each account, or of each group that `lsh` finds."""
        if pooled:
            found = Lsh().flag(traffic)
            grouped = found.filter(pc.is_valid(found["campaign_id"]))
            number = np.unique(grouped["campaign_id"].to_pylist(), return_inverse=True)[1]
            members = grouped["account_id"].to_pylist()
            unit_of = dict(zip(members, map(int, number), strict=True))
            return cls(sorted(found["account_id"].to_pylist()), unit_of, pooled=True)
        ids = pq.read_table(traffic.events, columns=["account_id"])["account_id"]
        account = sorted(pc.unique(ids).to_pylist())
        return cls(account, {name: k for k, name in enumerate(account)}, pooled=False)

    @property
    def count(self) -> int:
        """How many units there are."""
        return len(set(self.unit_of.values()))

    def flags(self, score: FloatArray, traffic: Traffic, rate: float) -> pa.Table:
        """Flag the members of units above the limit of all but `rate` of the benign units.

        Args:
            score: Of each unit, higher is worse; 0 for one that could not be tested.
            traffic: What is measured.
            rate: Share of benign units that may exceed the limit, 0..1.
        """
        inside = [self.unit_of.get(name, -1) for name in self.account]
        own = np.array([0.0 if unit < 0 else score[unit] for unit in inside])
        if not self.pooled:
            return flag_alone(self.account, own, traffic.benign, rate)
        member = np.array([self.unit_of[name] for name in self.unit_of], np.int64)
        good = np.isin([*self.unit_of], traffic.benign)
        benign = np.bincount(member, good, self.count) >= 0.5 * np.bincount(
            member, minlength=self.count
        )
        above = exceeds(score, benign, rate)
        named = [f"group-{unit}" if unit >= 0 and above[unit] else None for unit in inside]
        return flag_table(self.account, named, own)
