"""Communities in the pruned link graph: its connected components first, then Leiden in each.

No community spans two components, so each can be split where it lies. Modularity compares a
community with the weight of the whole graph; within a component the resolution is scaled by the
component's share of that weight, which makes every gain the same as on the whole graph:
gamma_c / W_c = gamma / W.
"""

from functools import partial

import networkit as nk
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from stillwatch.detect.links import Links
from stillwatch.detect.workers import Led, Pieces, Workers


def communities(
    links: Links, accounts: int, *, seed: int, resolution: float, smallest: int, workers: Workers
) -> NDArray[np.int32]:
    """Split the link graph into communities.

    Args:
        links: pruned links.
        accounts: number of accounts.
        seed: seed of the node order.
        resolution: modularity resolution; smaller gives larger communities.
        smallest: communities below this size are dissolved.
        workers: split the components.

    Returns:
        Community per account, -1 outside any; communities are numbered by their smallest account.
    """
    label = np.full(accounts, -1, np.int32)
    pieces = cut(links, accounts, smallest)
    if not pieces.component.size:
        return label
    split = partial(leiden, seed=seed, density=resolution / float(links.weight.sum()))
    account, leader = workers.communities(pieces, split)
    _, where, sizes = np.unique(leader, return_inverse=True, return_counts=True)
    large = sizes >= smallest
    number = np.where(large, np.cumsum(large) - 1, -1).astype(np.int32)
    label[account] = number[where]
    return label


def cut(links: Links, accounts: int, smallest: int) -> Pieces:
    """Cut links into the connected components of at least `smallest` accounts."""
    shape = (accounts, accounts)
    graph = sparse.coo_matrix((np.ones(links.left.size, np.int8), (links.left, links.right)), shape)
    number, component = sparse.csgraph.connected_components(graph, directed=False)
    sizes = np.bincount(component, minlength=number)
    of_link = component[links.left]
    kept = np.flatnonzero(sizes[of_link] >= smallest)
    order = kept[np.lexsort((links.right[kept], links.left[kept], of_link[kept]))]
    return Pieces(
        of_link[order].astype(np.int32), links.left[order], links.right[order], links.weight[order]
    )


def leiden(
    left: NDArray[np.int32],
    right: NDArray[np.int32],
    weight: NDArray[np.float64],
    *,
    seed: int,
    density: float,
) -> Led:
    """Split one component into communities.

    One thread and a fixed seed: the same links give the same communities (NetworKit's parallel
    Leiden depends on scheduling otherwise). Traag, Waltman & van Eck 2019.

    Args:
        left: account codes.
        right: account codes.
        weight: strength of each link.
        seed: seed of the node order.
        density: resolution per unit of weight, the same for all components of a graph.

    Returns:
        The accounts of the component and for each the smallest account of its community.
    """
    linked, ends = np.unique(np.concatenate([left, right]), return_inverse=True)
    nk.setNumberOfThreads(1)
    nk.setSeed(seed, False)
    graph = nk.GraphFromCoo(
        (weight, (ends[: left.size].astype(np.uint64), ends[left.size :].astype(np.uint64))),
        n=linked.size,
        weighted=True,
        directed=False,
    )
    search = nk.community.ParallelLeiden(
        graph, iterations=5, randomize=False, gamma=density * float(weight.sum())
    )
    search.run()
    found = np.asarray(search.getPartition().getVector(), np.int64)
    # Accounts ascend, so the first of each community is its smallest.
    _, first, where = np.unique(found, return_index=True, return_inverse=True)
    return linked, linked[first][where]
