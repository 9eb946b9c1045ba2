"""Which accounts carry what their group shares."""

from dataclasses import replace

import numpy as np
import pytest

from stillwatch.detect.accounts import carried_features
from stillwatch.detect.campaigns import shown
from stillwatch.detect.enrichment import code
from stillwatch.detect.features import Family
from stillwatch.detect.labels import label
from stillwatch.detect.membership import MembershipSettings, settle
from tests.detect.build import family, random_features, with_carriers

ACCOUNTS = 300


@pytest.fixture
def features():
    found = random_features(np.random.default_rng(4), ACCOUNTS)
    found[Family.TEMPLATE] = with_carriers(
        found[Family.TEMPLATE],
        {1000: range(18), 1001: range(20, 38), 1002: [*range(9), *range(20, 38)]},
    )
    found[Family.NETWORK] = with_carriers(found[Family.NETWORK], {2000: range(4, 20), 1000: [250]})
    return found


@pytest.fixture
def groups(features):
    clusters = [np.arange(20), np.arange(20, 40)]
    cohort = np.zeros(ACCOUNTS, np.int64)
    settled = settle(code(features, ACCOUNTS), clusters, cohort, MembershipSettings(log_p=-9.0))
    # All stay, also who matches little: such members lack features.
    return [
        replace(group, tested=members, joined=members[:0])
        for group, members in zip(settled, clusters, strict=True)
    ]


def test_it_is_what_looking_at_every_account_gives(features, groups):
    pairs = {
        f: set(zip(counts.account.tolist(), counts.value.tolist(), strict=True))
        for f, counts in features.items()
    }
    expected = [None] * ACCOUNTS
    for group in groups:
        marks = [
            (Family(int(group.rows.family[k])), int(group.rows.value[k])) for k in shown(group.rows)
        ]
        assert len(marks) >= 2
        for account in group.members.tolist():
            expected[account] = [label(f, v, {}) for f, v in marks if (account, v) in pairs[f]]
    found = carried_features(features, groups, {}, ACCOUNTS).to_pylist()
    assert found == expected
    assert {len(labels) for labels in found if labels is not None} >= {1, 2}


def test_a_feature_of_another_group_is_not_told(features, groups):
    found = carried_features(features, groups, {}, ACCOUNTS).to_pylist()
    theirs = label(Family.TEMPLATE, 1001, {})
    features[Family.TEMPLATE] = with_carriers(features[Family.TEMPLATE], {1001: [2]})
    again = carried_features(features, groups, {}, ACCOUNTS).to_pylist()
    assert any(theirs in labels for labels in found if labels)
    assert again == found


def test_a_member_that_carries_nothing_has_an_empty_list(groups):
    bare = {f: family([(299, 5)]) for f in (Family.TEMPLATE, Family.NETWORK)}
    found = carried_features(bare, groups, {}, ACCOUNTS).to_pylist()
    members = {account for group in groups for account in group.members.tolist()}
    assert found == [[] if account in members else None for account in range(ACCOUNTS)]


def test_no_group_at_all(features):
    assert carried_features(features, [], {}, ACCOUNTS).null_count == ACCOUNTS
