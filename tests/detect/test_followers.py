"""Followers: accounts that only their prompts tie to a campaign."""

import numpy as np
import pytest

from stillwatch.detect.enrichment import Enriched
from stillwatch.detect.followers import FollowerSettings, Neighbours, follow
from stillwatch.detect.membership import Group, Nats

MEMBERS = 8
ACCOUNTS = 40
SETTINGS = FollowerSettings(neighbours=6)


def nobody():
    return np.zeros(ACCOUNTS, bool)


def group(members, nats):
    empty = {name: np.empty(0) for name in Enriched.__dataclass_fields__}
    known = Nats(np.arange(ACCOUNTS, dtype=np.int32), nats, ACCOUNTS)
    return Group(np.array(members), np.empty(0, np.int64), known, Enriched(**empty))


def campaign(others, *, match=8.0):
    """The first accounts are members with ten nats; `others` match so much of the profile."""
    nats = np.zeros(ACCOUNTS, np.float32)
    nats[:MEMBERS] = 10.0
    nats[others] = match
    return group(range(MEMBERS), nats)


def neighbours(near, *, cosine=0.6):
    """Members are each other's nearest at 0.6; `near` maps other accounts to theirs."""
    account = np.full((ACCOUNTS, SETTINGS.neighbours), -1, np.int32)
    value = np.zeros(account.shape, np.float32)
    for member in range(MEMBERS):
        account[member] = [m for m in range(MEMBERS) if m != member][: SETTINGS.neighbours]
        value[member] = 0.6
    for other, around in near.items():
        account[other, : len(around)] = around
        value[other, : len(around)] = cosine
    return Neighbours(account, value)


def test_an_account_among_members_follows():
    (found,) = follow([campaign([20])], neighbours({20: [0, 1, 2, 30]}), nobody(), SETTINGS)
    assert found.tolist() == [20]


def test_followers_count_as_members_in_the_next_round():
    near = neighbours({20: [0, 1, 2], 21: [20, 0, 1], 22: [20, 21, 0]})
    (found,) = follow([campaign([20, 21, 22])], near, nobody(), SETTINGS)
    assert found.tolist() == [20, 21, 22]
    once = FollowerSettings(neighbours=6, rounds=1)
    (first,) = follow([campaign([20, 21, 22])], near, nobody(), once)
    assert first.tolist() == [20]


@pytest.mark.parametrize(
    ("near", "match", "cosine"),
    [([0, 1, 30, 31], 8.0, 0.6), ([0, 1, 2], 4.9, 0.6), ([0, 1, 2], 8.0, 0.47)],
    ids=["few members near", "little of the profile", "not as near as members are"],
)
def test_each_condition_keeps_strangers_out(near, match, cosine):
    around = neighbours({20: near}, cosine=cosine)
    (found,) = follow([campaign([20], match=match)], around, nobody(), SETTINGS)
    assert found.size == 0


def test_an_account_of_a_verified_organisation_follows_nobody():
    verified = nobody()
    verified[20] = True
    (found,) = follow([campaign([20])], neighbours({20: [0, 1, 2]}), verified, SETTINGS)
    assert found.size == 0


def test_an_account_follows_the_campaign_that_most_of_its_neighbours_are_of():
    nats = np.full(ACCOUNTS, 9.0, np.float32)
    first, second = group([0, 1, 2, 3], nats), group([4, 5, 6, 7], nats)
    found = follow([first, second], neighbours({20: [0, 4, 5]}), nobody(), SETTINGS)
    assert [f.tolist() for f in found] == [[], [20]]


def test_missing_neighbours_are_no_members():
    """An account without neighbours has -1 in their place, which is no account code."""
    (found,) = follow([campaign(list(range(20, 40)))], neighbours({}), nobody(), SETTINGS)
    assert found.size == 0
