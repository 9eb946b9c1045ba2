import numpy as np
import pytest

from stillwatch.detect import springs


def plain_layout(nodes, left, right):
    """The same forces by whole arrays."""
    turn = np.arange(nodes) * np.pi * (3 - np.sqrt(5))
    place = np.column_stack([np.cos(turn), np.sin(turn)])
    place *= np.sqrt((np.arange(nodes) + 0.5) / nodes)[:, None]
    ideal = np.sqrt(1.0 / nodes)
    for step in range(springs.STEPS):
        apart = place[:, None, :] - place[None, :, :]
        distance = np.maximum(np.linalg.norm(apart, axis=2), 1e-3)
        move = (apart * (ideal**2 / distance**2)[:, :, None]).sum(axis=1)
        link = place[left] - place[right]
        pull = link * (np.linalg.norm(link, axis=1) / ideal)[:, None]
        np.add.at(move, left, -pull)
        np.add.at(move, right, pull)
        length = np.maximum(np.linalg.norm(move, axis=1, keepdims=True), 1e-9)
        place = place + move / length * np.minimum(length, 0.1 * (1 - step / springs.STEPS))
    place = place - place.mean(axis=0)
    return place / np.abs(place).max()


@pytest.mark.parametrize(("nodes", "links"), [(2, 1), (7, 12), (60, 150)])
def test_layout_is_that_of_the_forces_on_all_pairs(nodes, links):
    rng = np.random.default_rng(nodes)
    left = rng.integers(0, nodes - 1, links)
    right = rng.integers(left + 1, nodes)
    x, y = springs.layout(nodes, left, right)
    np.testing.assert_allclose(np.column_stack([x, y]), plain_layout(nodes, left, right), atol=1e-6)


def test_linked_nodes_stand_closer_than_others():
    left, right = np.array([0, 1, 0, 3, 4, 3]), np.array([1, 2, 2, 4, 5, 5])
    place = np.column_stack(springs.layout(6, left, right))
    apart = np.linalg.norm(place[:, None] - place[None], axis=2)
    assert apart[left, right].max() < apart[:3, 3:].min()


def test_one_node_stands_in_the_middle():
    none = np.empty(0, np.int64)
    x, y = springs.layout(1, none, none)
    assert (x.tolist(), y.tolist()) == ([0.0], [0.0])
