"""What members of a cluster have in common, against what chance would give."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stillwatch.detect.enrichment import Coded
from stillwatch.detect.features import Family
from stillwatch.detect.predictions.ground import Ground


@dataclass(frozen=True)
class Sharing:
    """How many members share a value of one family with a member of another owner.

    Attributes:
        members: members that do.
        expected: how many would by chance.
    """

    members: int
    expected: float


@dataclass(frozen=True)
class Busiest:
    """The slot of time in which most members did something for the first or last time.

    Attributes:
        members: members in that slot.
        known: members of which the time is known.
        rate: share of everybody else in that slot.
    """

    members: int
    known: int
    rate: float


def busiest(coded: Coded, rows: NDArray[np.int64], members: int) -> Busiest:
    """Return the members' busiest slot.

    Args:
        coded: a family of times.
        rows: the members' rows of it; at least one.
        members: size of the cluster.
    """
    slots, number = np.unique(coded.column[rows], return_counts=True)
    best = int(number.argmax())
    others = int(coded.carriers[slots[best]] - number[best])
    strangers = coded.first.size - 1 - members
    return Busiest(
        int(number[best]),
        int(np.unique(coded.account[rows]).size),
        (others + 1) / (strangers + 1),
    )


def shared(
    ground: Ground,
    members: NDArray[np.int64],
    families: tuple[Family, ...],
    *,
    free: int = 0,
    any_owner: bool = False,
) -> Iterator[Sharing]:
    """Yield, for each of some families that the members have values of, who shares one.

    Chance is degree-corrected and as if all carriers were of the members' main script, so that one
    country's networks are no evidence against its people.

    Args:
        ground: the population.
        members: account codes, ascending.
        families: the families, one by one.
        free: leave so many values out, those that most members carry.
        any_owner: count what accounts of one organisation share, too, which is its own affair.
    """
    common = np.bincount(ground.script[members]).argmax()
    strangers = max(int(ground.speakers[common] - members.size), 1)
    owner = np.arange(ground.owner.size) if any_owner else ground.owner
    for family in families:
        coded = ground.coded.get(family)
        if coded is None or not (rows := coded.rows_of(members)).size:
            continue
        if free:
            _, place, carriers = np.unique(
                coded.column[rows], return_inverse=True, return_counts=True
            )
            rows = rows[~np.isin(place, np.argsort(-carriers, kind="stable")[:free])]
        yield _sharing(coded, rows, members, owner, strangers)


def _sharing(
    coded: Coded,
    rows: NDArray[np.int64],
    members: NDArray[np.int64],
    owner: NDArray[np.int64],
    strangers: int,
) -> Sharing:
    column, place = np.unique(coded.column[rows], return_inverse=True)
    owned = owner[coded.account[rows]]
    most = int(owned.max(initial=0)) + 1
    carriers = np.unique(place * most + owned)  # a value and an owner of it, as one key
    owners = np.bincount(carriers // most, minlength=column.size)
    sharing = np.unique(coded.account[rows][owners[place] > 1]).size
    inside = np.bincount(place, minlength=column.size)
    others = (coded.carriers[column] - inside)[place]
    holder = np.searchsorted(members, coded.account[rows])
    rate = np.bincount(holder, others / strangers, minlength=members.size)
    return Sharing(int(sharing), float((1 - np.exp(-rate * (members.size - 1))).sum()) + 0.5)
