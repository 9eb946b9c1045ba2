"""Operators who come back to one provider share some of their means, and name organisations."""

from itertools import product

import pyarrow.compute as pc
import pytest

from stillwatch.simulate import simulate
from stillwatch.simulate.operators import FIRMS, firm, operator_of
from tests.simulate.test_operators import harvests

OPERATORS = (41, 42, 43, 44, 45)
SEEDS = (1, 2, 3)


@pytest.fixture(scope="module")
def traffics():
    return [simulate("mixed", seed=s, operators=OPERATORS, returning=True) for s in SEEDS]


def means(traffic, place):
    """Cards, devices and mail domains of one campaign, without those of mail services."""
    ids = traffic.crowds[place].ids
    rows = traffic.accounts.filter(pc.is_in(traffic.accounts["account_id"], ids))
    columns = ("payment_hash", "device_hash", "email_domain")
    found = {(name, value) for name in columns for value in rows[name].to_pylist() if value}
    return {pair for pair in found if pair[0] != "email_domain" or pair[1].startswith("box")}


def test_campaigns_of_one_operator_share_means_more_often_than_others(traffics):
    pairs = [
        (one == other, bool(means(here, one) & means(there, other)))
        for here, there in ((traffics[0], traffics[1]), (traffics[1], traffics[2]))
        for one, other in product(range(len(OPERATORS)), repeat=2)
    ]
    same = [shared for alike, shared in pairs if alike]
    other = [shared for alike, shared in pairs if not alike]
    assert sum(same) / len(same) > 2 * sum(other) / len(other)
    assert not all(same)  # some renew everything


def test_the_same_seed_gives_the_same_traffic(traffics):
    again = simulate("mixed", seed=1, operators=OPERATORS, returning=True)
    assert again.accounts.equals(traffics[0].accounts)


def test_frames_are_partly_renewed(traffics):
    kept = []
    for place in range(len(OPERATORS)):
        sets = [
            {frame for work in harvests(t, place) for frame in work.frames[0]} for t in traffics
        ]
        kept.append(len(sets[0] & sets[1]) / max(len(sets[0]), 1))
    assert min(kept) == 0
    assert max(kept) > 0


def test_campaigns_name_their_organisation_or_that_of_others():
    firms = {firm(number) for number in range(FIRMS)}
    own = {name for seed in range(40, 80) if (name := operator_of(seed).organisation)}
    assert len(own) in range(12, 28)
    assert not own & firms
    many = [
        simulate("mixed", seed=s, operators=range(5 * s, 5 * s + 5), returning=True)
        for s in range(10, 16)
    ]
    named = {name for t in many for name in t.accounts["org_name"].unique().to_pylist()}
    assert named & firms
    assert named & {operator_of(seed).organisation for seed in range(50, 80)} - {None}
