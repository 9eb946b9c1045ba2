"""Communities in the pruned link graph (Leiden)."""

import networkit as nk
import numpy as np
from numpy.typing import NDArray

from stillwatch.detect.links import Links


def communities(
    links: Links, accounts: int, *, seed: int, resolution: float, smallest: int
) -> NDArray[np.int32]:
    """Split the link graph into communities.

    One thread and a fixed seed: the same links give the same communities (NetworKit's parallel
    Leiden depends on scheduling otherwise). Traag, Waltman & van Eck 2019.

    Args:
        links: pruned links.
        accounts: number of accounts.
        seed: seed of the node order.
        resolution: modularity resolution; smaller gives larger communities.
        smallest: communities below this size are dissolved.

    Returns:
        Community per account, -1 outside any; communities are numbered by their smallest account.
    """
    label = np.full(accounts, -1, np.int32)
    if not links.left.size:
        return label
    linked, ends = np.unique(np.concatenate([links.left, links.right]), return_inverse=True)
    count = links.left.size
    nk.setNumberOfThreads(1)
    nk.setSeed(seed, False)
    graph = nk.GraphFromCoo(
        (links.weight, (ends[:count].astype(np.uint64), ends[count:].astype(np.uint64))),
        n=linked.size,
        weighted=True,
        directed=False,
    )
    leiden = nk.community.ParallelLeiden(graph, iterations=5, randomize=False, gamma=resolution)
    leiden.run()
    found = np.asarray(leiden.getPartition().getVector(), np.int64)
    groups, first, where, sizes = np.unique(
        found, return_index=True, return_inverse=True, return_counts=True
    )
    order = np.argsort(first, kind="stable")
    number = np.full(groups.size, -1, np.int32)
    large = [group for group in order if sizes[group] >= smallest]
    number[large] = np.arange(len(large), dtype=np.int32)
    label[linked] = number[where]
    return label
