"""Prompts of accounts or of groups of accounts, in the order in which they were sent."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from stillwatch.bench.database import database
from stillwatch.bench.method import Traffic
from stillwatch.stats.arrays import IntArray

ROWS: Final = 50_000
"""Prompts at a time, which bounds memory."""

_ORDERED: Final = """
SELECT unit, place, prompt FROM (
  SELECT units.unit, prompt,
    row_number() OVER (PARTITION BY units.unit ORDER BY time, event_id) - 1 AS place,
    count(*) OVER (PARTITION BY units.unit) AS sent
  FROM read_parquet($events) JOIN units USING (account_id)
) WHERE sent >= $fewest AND place < $most ORDER BY unit, place
"""
_SAMPLE: Final = """
SELECT prompt FROM read_parquet($events) JOIN chosen USING (account_id)
ORDER BY hash(event_id, $seed) LIMIT $size
"""


@dataclass(frozen=True)
class Prompts:
    """A part of all prompts.

    Attributes:
        unit: number of the account or group of each, ascending.
        place: how many prompts the unit had sent before.
        text: the prompts.
    """

    unit: IntArray
    place: IntArray
    text: list[str]


def read_prompts(
    traffic: Traffic, unit_of: Mapping[str, int], *, fewest: int, most: int = 2**40
) -> Iterator[Prompts]:
    """Read the prompts of units, part by part, each unit's in order of time.

    Args:
        traffic: what is measured.
        unit_of: number of each account's unit, from 0; other accounts are left out.
        fewest: units that sent fewer prompts are left out.
        most: prompts of a unit after so many are left out.
    """
    settings = {"events": str(traffic.events), "fewest": fewest, "most": most}
    with database() as db:
        db.register("units", pa.table({"account_id": [*unit_of], "unit": [*unit_of.values()]}))
        for batch in db.sql(_ORDERED, params=settings).to_arrow_reader(ROWS):
            yield Prompts(
                unit=batch["unit"].to_numpy(),
                place=batch["place"].to_numpy(),
                text=batch["prompt"].to_pylist(),
            )


def sample_prompts(traffic: Traffic, accounts: Sequence[str], size: int, seed: int) -> list[str]:
    """Draw prompts of some accounts at random, at most `size` of them."""
    with database() as db:
        db.register("chosen", pa.table({"account_id": [*accounts]}))
        settings = {"events": str(traffic.events), "seed": seed, "size": size}
        return [row[0] for row in db.execute(_SAMPLE, settings).fetchall()]
