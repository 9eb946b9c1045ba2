"""What the report draws of one campaign: growth, activity by hour, and the account graph."""

from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from stillwatch.detect import springs
from stillwatch.detect.links import Links
from stillwatch.detect.population import Hourly, Population
from stillwatch.detect.results import Graph, GraphNode, GrowthPoint

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
GRAPH_NODES = 120


def growth(hourly: Hourly, members: NDArray[np.int64]) -> list[GrowthPoint]:
    """Return accounts and events so far, by day, or by hour where the campaign is under 3 days."""
    inside = hourly.rows_of(members)
    slot, account, count = hourly.slot[inside], hourly.account[inside], hourly.count[inside]
    step = 24 if slot.max() - slot.min() >= 72 else 1
    bins = slot // step
    _, first = np.unique(account, return_index=True)
    ticks = np.arange(bins.min(), bins.max() + 1)
    new = np.bincount(bins[first] - ticks[0], minlength=ticks.size)
    events = np.bincount(bins - ticks[0], weights=count, minlength=ticks.size)
    return [
        GrowthPoint(EPOCH + timedelta(hours=int(tick + 1) * step), int(accounts), int(total))
        for tick, accounts, total in zip(ticks, np.cumsum(new), np.cumsum(events), strict=True)
    ]


def activity(hourly: Hourly, members: NDArray[np.int64]) -> tuple[datetime, list[list[int]]]:
    """Return the first day and the events per day and hour of the day, UTC."""
    inside = hourly.rows_of(members)
    slot = hourly.slot[inside]
    start = int(slot.min()) // 24
    days = int(slot.max()) // 24 - start + 1
    table = np.bincount(slot - start * 24, weights=hourly.count[inside], minlength=days * 24)
    return EPOCH + timedelta(days=start), table.astype(int).reshape(days, 24).tolist()


def within(links: list[Links], groups: list[NDArray[np.int64]], accounts: int) -> list[Links]:
    """Return the links between members of each group, of one view after the other.

    Args:
        links: links of each view.
        groups: account codes; no account may be in two.
        accounts: number of accounts.
    """
    home = np.full(accounts, -1, np.int32)
    for number, members in enumerate(groups):
        home[members] = number
    parts = []
    for found in links:
        keep = np.flatnonzero((home[found.left] >= 0) & (home[found.left] == home[found.right]))
        parts.append((found.left[keep], found.right[keep], found.weight[keep]))
    left, right, weight = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(home[left], kind="stable")
    cuts = np.searchsorted(home[left][order], np.arange(1, len(groups)))
    pieces = (np.split(column[order], cuts) for column in (left, right, weight))
    return [Links(*columns) for columns in zip(*pieces, strict=True)][: len(groups)]


def graph(population: Population, links: Links, members: NDArray[np.int64]) -> Graph:
    """Return the strongest links among the best-linked members, laid out by springs.

    Args:
        population: all accounts.
        links: links between members.
        members: account codes, ascending.
    """
    left, right = (np.searchsorted(members, ends) for ends in (links.left, links.right))
    weight = links.weight
    strength = np.bincount(left, weight, members.size) + np.bincount(right, weight, members.size)
    shown = np.sort(np.argsort(-strength, kind="stable")[:GRAPH_NODES])
    place = np.full(members.size, -1)
    place[shown] = np.arange(shown.size)
    keep = (place[left] >= 0) & (place[right] >= 0)
    left, right, weight = place[left[keep]], place[right[keep]], weight[keep]
    strongest = np.argsort(-weight, kind="stable")[: 4 * GRAPH_NODES]
    left, right, weight = left[strongest], right[strongest], weight[strongest]
    x, y = springs.layout(shown.size, left, right)
    events = population.profiles["events"].to_numpy()
    ids = population.profiles["account_id"]
    nodes = [
        GraphNode(
            ids[int(code)].as_py(), round(float(x[k]), 4), round(float(y[k]), 4), int(events[code])
        )
        for k, code in enumerate(members[shown])
    ]
    edges = [
        (int(a), int(b), round(float(w), 3)) for a, b, w in zip(left, right, weight, strict=True)
    ]
    return Graph(nodes, edges, int(members.size))
