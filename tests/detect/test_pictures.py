from datetime import timedelta

import numpy as np
import pytest

from stillwatch.detect import pictures
from stillwatch.detect.links import Links
from stillwatch.detect.population import Hourly
from tests.detect.world import START, World

FIRST = int(START.timestamp()) // 3600


def hourly(*rows):
    account, slot, count = (np.array(column) for column in zip(*rows, strict=True))
    return Hourly(account.astype(np.int32), slot + FIRST, count.astype(np.int32))


LONG = hourly((0, 1, 5), (0, 30, 2), (1, 3, 7), (2, 200, 100), (3, 26, 1), (3, 170, 4))


def test_growth_counts_each_account_once_and_every_event():
    points = pictures.growth(LONG, np.array([0, 1, 3]))
    assert [p.time - START for p in points] == [timedelta(days=k) for k in range(1, 9)]
    assert [p.accounts for p in points] == [2, 3, 3, 3, 3, 3, 3, 3]
    assert [p.events for p in points] == [12, 15, 15, 15, 15, 15, 15, 19]


def test_growth_of_a_short_campaign_is_by_the_hour():
    points = pictures.growth(LONG, np.array([0, 1]))
    assert len(points) == 30
    assert points[0].time == START + timedelta(hours=2)
    assert (points[0].accounts, points[0].events) == (1, 5)
    assert (points[-1].accounts, points[-1].events) == (2, 14)


def test_activity_has_a_row_per_day_and_a_column_per_hour():
    start, table = pictures.activity(LONG, np.array([0, 3]))
    assert start == START
    assert np.shape(table) == (8, 24)
    assert (table[0][1], table[1][2], table[1][6], table[7][2]) == (5, 1, 2, 4)
    assert np.sum(table) == 12


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    world = World(np.random.default_rng(1))
    world.strangers(200, events=4)
    return world.population(tmp_path_factory.mktemp("crowd"))


def pairs(*found):
    left, right, weight = zip(*found, strict=True)
    return Links(np.array(left, np.int32), np.array(right, np.int32), np.array(weight, float))


def drawn(crowd, links, members):
    (inside,) = pictures.within(links, [members], crowd.size)
    return pictures.graph(crowd, inside, members)


def test_links_are_dealt_to_the_groups_that_hold_both_ends():
    views = [pairs((0, 5, 1.0), (1, 2, 2.0), (2, 3, 3.0)), pairs((0, 4, 4.0), (5, 7, 5.0))]
    groups = [np.array([0, 4, 5]), np.array([6]), np.array([1, 2])]
    found = pictures.within(views, groups, 9)
    assert [piece.weight.tolist() for piece in found] == [[1.0, 4.0], [], [2.0]]
    assert found[0].left.tolist() == [0, 0]
    assert found[0].right.tolist() == [5, 4]
    assert pictures.within(views, [], 9) == []


def test_graph_holds_links_among_members_only(crowd):
    links = [pairs((1, 2, 3.0), (2, 9, 8.0)), pairs((2, 3, 1.5))]
    found = drawn(crowd, links, np.array([1, 2, 3]))
    assert [node.account_id for node in found.nodes] == [crowd.account_ids[k] for k in (1, 2, 3)]
    assert found.edges == [(0, 1, 3.0), (1, 2, 1.5)]
    assert found.sampled_from == 3
    assert all(-1 <= node.x <= 1 and -1 <= node.y <= 1 for node in found.nodes)


def test_graph_shows_a_bounded_sample_of_the_best_linked(crowd):
    rng = np.random.default_rng(2)
    ends = np.sort(rng.integers(0, 200, (3000, 2)), axis=1)
    ends = np.unique(ends[ends[:, 0] < ends[:, 1]], axis=0).astype(np.int32)
    links = Links(ends[:, 0], ends[:, 1], rng.uniform(1, 9, len(ends)))
    members = np.arange(200)
    found = drawn(crowd, [links], members)
    assert len(found.nodes) == pictures.GRAPH_NODES
    assert len(found.edges) <= 4 * pictures.GRAPH_NODES
    assert found.sampled_from == 200
    assert found == drawn(crowd, [links], members)
    strength = np.bincount(ends.ravel(), np.repeat(links.weight, 2), 200)
    shown = np.isin(crowd.account_ids, [node.account_id for node in found.nodes])
    assert strength[shown].min() >= strength[~shown].max()


def test_graph_of_members_without_links_is_drawn_without_edges(crowd):
    found = drawn(crowd, [pairs((5, 6, 2.0))], np.array([0, 1]))
    assert len(found.nodes) == 2
    assert found.edges == []
