"""Baseline: the PyPI package coordination-network-toolkit (MIT), called as its users call it."""

import contextlib
import io
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from scipy import sparse
from scipy.sparse import csgraph

from stillwatch.bench.baselines.joining import flags
from stillwatch.bench.database import database
from stillwatch.bench.extra import load
from stillwatch.bench.method import Traffic
from stillwatch.stats.arrays import IntArray

NETWORKS: Final = ("co_tweet", "co_similar_tweet", "co_link")
"""Networks that our events can give: same text, similar text, same link within the window."""

_MESSAGES: Final = """
SELECT event_id, e.account_id, e.prompt, epoch(e.time), f.template::VARCHAR
FROM read_parquet($events) AS e JOIN read_parquet($fingerprints) AS f USING (event_id)
"""
_TABLE: Final = "SELECT user_1, user_2 FROM {network}_network WHERE user_1 < user_2"


class Toolkit:
    """Flag connected components of the networks of coordination-network-toolkit.

    A message is an event: its author is the account, its text the prompt, its link the template.
    The settings are the command line's own: messages within `window` second of each other, at least
    `weight` of them, similar from a Jaccard index of `similarity` on. Accounts that any of the
    networks links are joined; components of `smallest` or more are flagged. The score of an
    account is the size of its component.
    """

    name = "coordination-network-toolkit"
    needs = ("coordination_network_toolkit",)

    def __init__(
        self, window: int = 1, weight: int = 2, similarity: float = 0.8, smallest: int = 10
    ) -> None:
        self.window = window
        self.weight = weight
        self.similarity = similarity
        self.smallest = smallest

    def flag(self, traffic: Traffic) -> pa.Table:
        """See `Method.flag`."""
        path = traffic.scratch / "toolkit.db"
        fill(path, messages(traffic))
        for network in NETWORKS:
            compute(path, network, self.window, self.weight, self.similarity)
        with contextlib.closing(sqlite3.connect(path)) as db:
            account = sorted(row[0] for row in db.execute("SELECT DISTINCT user_id FROM edge"))
            code = {name: number for number, name in enumerate(account)}
            pairs = [
                (code[one], code[other])
                for network in NETWORKS
                for one, other in db.execute(_TABLE.format(network=network))
            ]
        return flags(account, _components(pairs, len(account)), self.smallest)


def messages(traffic: Traffic) -> Iterator[tuple[Any, ...]]:
    """Return events as the toolkit's messages, in the order of its columns."""
    source = {"events": str(traffic.events), "fingerprints": str(traffic.fingerprints)}
    with database() as db:
        rows = db.execute(_MESSAGES, source)
        while part := rows.fetchmany(10_000):
            for event, account, prompt, second, template in part:
                yield event, account, account, "", "", prompt, second, [template]


def fill(path: Path, rows: Iterator[tuple[Any, ...]]) -> None:
    """Load messages into the toolkit's database."""
    with contextlib.redirect_stdout(io.StringIO()):
        load("coordination_network_toolkit.preprocess").preprocess_data(str(path), rows)


def compute(path: Path, network: str, window: int, weight: int, similarity: float) -> None:
    """Compute one of the toolkit's networks into its database, on all processors."""
    toolkit = load("coordination_network_toolkit.compute_networks")
    common = {"n_threads": os.cpu_count() or 1, "min_edge_weight": weight}
    with contextlib.redirect_stdout(io.StringIO()):
        match network:
            case "co_tweet":
                toolkit.compute_co_tweet_network(str(path), window, **common)
            case "co_similar_tweet":
                toolkit.compute_co_similar_tweet(
                    str(path), window, similarity_threshold=similarity, **common
                )
            case _:
                toolkit.compute_co_link_network(str(path), window, **common)


def _components(pairs: list[tuple[int, int]], accounts: int) -> IntArray:
    ends = np.array(pairs, np.int64).reshape(-1, 2).T
    graph = sparse.coo_array(
        (np.ones(ends.shape[1], np.int8), (ends[0], ends[1])), shape=(accounts, accounts)
    )
    return np.asarray(csgraph.connected_components(graph, directed=False)[1], np.int64)
