"""Layout of a small graph by forces (Fruchterman & Reingold 1991)."""

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

STEPS: Final = 80
"""How often the nodes move."""


def layout(
    nodes: int, left: NDArray[np.int64], right: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where the nodes of a small graph stand, x and y, each -1..1.

    They start on a golden-angle spiral, so that the same links give the same picture.

    Args:
        nodes: how many.
        left: one end of each link.
        right: the other end.
    """
    turn = np.arange(nodes) * np.pi * (3 - np.sqrt(5))
    place = (
        np.column_stack([np.cos(turn), np.sin(turn)])
        * np.sqrt((np.arange(nodes) + 0.5) / max(nodes, 1))[:, None]
    )
    ideal = np.sqrt(1.0 / max(nodes, 1))
    _settle(place, left, right, ideal, STEPS)
    place = place - place.mean(axis=0)
    place = place / max(float(np.abs(place).max(initial=0.0)), 1e-9)
    return place[:, 0], place[:, 1]


@njit(nogil=True, cache=True)
def _settle(
    place: NDArray[np.float64],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    ideal: float,
    steps: int,
) -> None:
    """Move the nodes of a small graph until forces balance: all push apart, linked ones pull.

    Args:
        place: where each node is, shape (nodes, 2); moved in place.
        left: one end of each link.
        right: the other end.
        ideal: distance at which the push and the pull of two linked nodes balance.
        steps: how often the nodes move, each time less far.
    """
    nodes = place.shape[0]
    move = np.empty((nodes, 2))
    for step in range(steps):
        move[:] = 0.0
        for a in range(nodes):
            for b in range(nodes):
                x, y = place[a, 0] - place[b, 0], place[a, 1] - place[b, 1]
                distance = max(np.sqrt(x * x + y * y), 1e-3)
                push = ideal * ideal / (distance * distance)
                move[a, 0] += x * push
                move[a, 1] += y * push
        for ends, other in ((left, right), (right, left)):
            for link in range(left.shape[0]):
                a, b = ends[link], other[link]
                x, y = place[a, 0] - place[b, 0], place[a, 1] - place[b, 1]
                pull = np.sqrt(x * x + y * y) / ideal
                move[a, 0] -= x * pull
                move[a, 1] -= y * pull
        most = 0.1 * (1 - step / steps)
        for a in range(nodes):
            length = max(np.sqrt(move[a, 0] ** 2 + move[a, 1] ** 2), 1e-9)
            reach = min(length, most)
            place[a, 0] += move[a, 0] / length * reach
            place[a, 1] += move[a, 1] / length * reach
