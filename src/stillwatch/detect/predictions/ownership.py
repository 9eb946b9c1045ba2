"""Whose the accounts are: who pays, on which devices, networks and conversations."""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse, stats
from scipy.sparse.csgraph import connected_components

from stillwatch.detect.features import Family
from stillwatch.detect.predictions.ground import Ground
from stillwatch.detect.predictions.prediction import LEAST_SHARED, SMALLEST, Prediction
from stillwatch.detect.predictions.sharing import shared
from stillwatch.stats.enrichment import poisson_tail_log

FEW = 3
"""Payments, devices, networks that a class, or a firm with several cards, may have in common."""
LARGEST = {
    "verified organisation": (Family.ORGANISATION, 0.6),
    "payment": (Family.PAYMENT, 0.9),
    "organisation": (Family.ORGANISATION, 0.9),
}
"""Share of a group that one organisation, or one customer who pays for all, holds at least."""
OWN = 3
"""Members that use a network, at least, for it to be the group's own."""
PLACE = 0.3
"""Share of a class or a customer's accounts on a network in common with another, at least."""
LARGEST_FIRM = 0.35
"""Share of the users of an app that one of its customers may be."""
MEANS = (Family.PAYMENT, Family.DEVICE)
NETWORKS = (Family.NETWORK, Family.ADDRESS, Family.SIGNUP_NETWORK)


def identity(ground: Ground, members: NDArray[np.int64]) -> Prediction | None:
    """People pay for themselves, on their own devices.

    The largest payer and the commonest device are left out: one customer may have several accounts.
    """
    return _shared(
        ground,
        members,
        MEANS,
        "a payment or device",
        free=1,
    )


def many_means(ground: Ground, members: NDArray[np.int64]) -> Prediction | None:
    """People have a few cards and devices in common at most: the `FEW` largest are left out."""
    return _shared(ground, members, MEANS, "further payments or devices", free=FEW)


def one_web(ground: Ground, members: NDArray[np.int64]) -> Prediction | None:
    """Cards and devices of independent people, and of several firms, fall apart into owners.

    Counted are the members that hang together by cards and devices, directly or through others;
    the largest payer and the commonest device are left out.
    """
    ends: list[NDArray[np.int64]] = []
    values = 0
    for family in MEANS:
        coded = ground.coded.get(family)
        if coded is None or not (rows := coded.rows_of(members)).size:
            continue
        holder = np.searchsorted(members, coded.account[rows])
        column, place = np.unique(coded.column[rows], return_inverse=True)
        kept = place != np.bincount(place).argmax()
        ends.append(np.column_stack([holder, members.size + values + place])[kept])
        values += column.size
    if not ends:
        return None
    left, right = np.concatenate(ends).T
    size = members.size + values
    web = sparse.coo_matrix((np.ones(left.size), (left, right)), shape=(size, size))
    _, part = connected_components(web, directed=False)
    largest = int(np.bincount(part[: members.size]).max())
    p_value = float(stats.binom.sf(largest - 1, members.size, LARGEST_FIRM))
    return Prediction(
        max(p_value, SMALLEST),
        f"{largest} of {members.size} hang together by payments and devices",
    )


def network(ground: Ground, members: NDArray[np.int64]) -> Prediction | None:
    """People sit on their own networks."""
    return _shared(ground, members, NETWORKS, "a network")


def one_place(ground: Ground, members: NDArray[np.int64]) -> Prediction | None:
    """People of one place come from a few networks; a pool is spread over many exits.

    Counted are the group's own networks, which three or more members use and hardly anybody else.
    Most members of a pool use one beyond the group's `FEW` busiest.
    """
    coded = ground.coded.get(Family.NETWORK)
    if coded is None or not (rows := coded.rows_of(members)).size:
        return None
    column, place, inside = np.unique(coded.column[rows], return_inverse=True, return_counts=True)
    beyond = (inside >= OWN) & (2 * inside >= coded.carriers[column])
    own = np.flatnonzero(beyond)
    beyond[own[np.argsort(-inside[own], kind="stable")[:FEW]]] = False
    many = np.unique(coded.account[rows][beyond[place]]).size
    p_value = float(stats.binom.sf(many - 1, members.size, 0.5))
    return Prediction(
        max(p_value, SMALLEST),
        f"{many} of {members.size} use networks of the group's own beyond its {FEW} busiest",
    )


def conversations(ground: Ground, members: NDArray[np.int64]) -> Prediction | None:
    """A person's conversation stays with their account."""
    return _shared(
        ground, members, (Family.CONVERSATION, Family.END_USER), "a conversation or end user"
    )


def place(ground: Ground, members: NDArray[np.int64]) -> Prediction | None:
    """A class meets somewhere, a firm has offices: 3 in 10 share a network, chance left out."""
    beyond = [
        max(int(found.members - found.expected), 0)
        for found in shared(ground, members, NETWORKS, any_owner=True)
    ]
    if not beyond:
        return None
    p_value = float(stats.binom.cdf(max(beyond), members.size, PLACE))
    return Prediction(
        max(p_value, SMALLEST),
        f"{max(beyond)} of {members.size} share a network with another, beyond chance",
    )


def one_organisation(ground: Ground, members: NDArray[np.int64]) -> Prediction | None:
    """An organisation's accounts belong to it: at least 6 in 10 under one verified organisation.

    Only where the accounts table names organisations at all; a listed account without one belongs
    to none, and one that nobody verified may be the campaign's own invention.
    """
    verified = members[ground.verified[members]]
    return _largest(ground, members, verified, "verified organisation")


def one_customer(ground: Ground, members: NDArray[np.int64]) -> Prediction | None:
    """A customer with several accounts pays for them all, or registers them all as one."""
    return _customer(ground, members, members)


def known_customer(ground: Ground, members: NDArray[np.int64]) -> Prediction | None:
    """A customer whom the provider knows: by the payment, or as a verified organisation.

    An organisation that nobody verified may be the campaign's own invention.
    """
    return _customer(ground, members, members[ground.organised[members]])


def _customer(
    ground: Ground, members: NDArray[np.int64], organised: NDArray[np.int64]
) -> Prediction | None:
    found = [
        _largest(ground, members, members, "payment"),
        _largest(ground, members, organised, "organisation"),
    ]
    known = [prediction for prediction in found if prediction is not None]
    return max(known, key=lambda prediction: prediction.p_value, default=None)


def _largest(
    ground: Ground,
    members: NDArray[np.int64],
    counted: NDArray[np.int64],
    what: str,
) -> Prediction | None:
    """Test that at least a share of members carry one value, counting only some of them."""
    family, share = LARGEST[what]
    coded = ground.coded.get(family)
    if coded is None or not coded.account.size:
        return None
    _, sizes = np.unique(coded.column[coded.rows_of(counted)], return_counts=True)
    largest = int(sizes.max(initial=0))
    p_value = float(stats.binom.cdf(largest, members.size, share))
    return Prediction(
        max(p_value, SMALLEST),
        f"the largest {what} holds {largest} of {members.size} accounts",
    )


def _shared(
    ground: Ground,
    members: NDArray[np.int64],
    families: tuple[Family, ...],
    what: str,
    *,
    free: int = 0,
) -> Prediction | None:
    """Test the family that most speaks against members who share by chance alone."""
    best: Prediction | None = None
    for found in shared(ground, members, families, free=free):
        p_value = 1.0
        if found.members >= LEAST_SHARED * members.size + found.expected:
            log_p = float(poisson_tail_log(found.members, found.expected))
            p_value = min(1.0, len(families) * float(np.exp(max(log_p, np.log(SMALLEST)))))
        if best is None or p_value < best.p_value:
            best = Prediction(
                p_value,
                f"{found.members} of {members.size} share {what} with another, "
                f"{found.expected:.1f} expected by chance",
            )
    return best
