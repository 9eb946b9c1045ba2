"""The large searches on executors: the same functions on the same parts as on one machine."""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import SparkSession

from stillwatch.detect.engines.spark.faults import explained
from stillwatch.detect.workers import Led, Pieces, Search, Splitter

PARTS_PER_CORE = 4
"""Ranges of accounts per core: enough that a slow one does not hold up the rest."""


class SparkWorkers:
    """Workers on the executors of a session."""

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark

    def nearest(self, search: Search) -> NDArray[np.int32]:
        """Search ranges of rows; every executor gets the index once."""
        context = self._spark.sparkContext
        ranges = search.ranges(PARTS_PER_CORE * context.defaultParallelism)
        with explained():
            shared = context.broadcast(search)
            try:
                found = (
                    self._spark.range(0, len(ranges), 1, len(ranges))
                    .mapInArrow(partial(_near, shared, ranges), "part long, found binary")
                    .toArrow()
                    .sort_by("part")
                )
            finally:
                shared.destroy()
        parts = [np.frombuffer(part.as_buffer(), np.int32) for part in found["found"]]
        return np.concatenate(parts).reshape(search.size, search.neighbours)

    def communities(self, pieces: Pieces, split: Splitter) -> Led:
        """Split each component where its links are brought together."""
        columns = ("component", "left", "right", "weight")
        links = pa.table({name: getattr(pieces, name) for name in columns})

        def split_one(component: pa.Table) -> pa.Table:  # Spark reads the types of what it is given
            return _split(split, component)

        with explained():
            found = (
                self._spark.createDataFrame(links)
                .groupBy("component")
                .applyInArrow(split_one, "account int, leader int")
                .toArrow()
            )
        account, leader = (found[name].to_numpy() for name in ("account", "leader"))
        return account, leader


def _near(
    shared: Any, ranges: list[tuple[int, int]], batches: Iterable[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for part in batch.column(0).to_pylist():
            found = shared.value.near(*ranges[part]).tobytes()
            yield pa.RecordBatch.from_pydict({"part": [part], "found": [found]})


def _split(split: Splitter, links: pa.Table) -> pa.Table:
    # A shuffle brings links in any order; communities must not depend on it.
    links = links.sort_by([("left", "ascending"), ("right", "ascending")])
    columns = (links[name].to_numpy() for name in ("left", "right", "weight"))
    account, leader = split(*columns)
    return pa.table({"account": account.astype(np.int32), "leader": leader.astype(np.int32)})
