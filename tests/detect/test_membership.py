import numpy as np
import pytest

from stillwatch.detect import enrichment, marks, membership
from stillwatch.detect.features import Family
from stillwatch.detect.membership import MembershipSettings
from tests.detect.build import random_family, random_features, with_carriers

ACCOUNTS = 3000
SETTINGS = MembershipSettings()


def carrying(rng, groups, extra=None):
    """All families coded; each group shares a template, card, client and TLS fingerprint."""
    features = random_features(rng, ACCOUNTS)
    shared = ((Family.TEMPLATE, 0), (Family.PAYMENT, 1), (Family.CLIENT, 2), (Family.TLS, 3))
    for number, members in enumerate(groups):
        for of, offset in shared:
            value = 10**6 + 10 * number + offset
            features[of] = with_carriers(features[of], {value: members})
    return enrichment.code(features | (extra or {}), ACCOUNTS)


def cohort():
    return np.zeros(ACCOUNTS, np.int64)


def test_bystanders_leave_and_matching_accounts_join():
    rng = np.random.default_rng(1)
    operation, missed = np.arange(60), np.arange(100, 115)
    bystanders = np.arange(200, 206)
    coded = carrying(rng, [np.concatenate([operation, missed])])
    cluster = np.concatenate([operation, bystanders])
    (group,) = membership.settle(coded, [cluster], cohort(), SETTINGS)
    assert group.tested.tolist() == operation.tolist()
    assert group.joined.tolist() == missed.tolist()
    assert group.members.tolist() == [*operation, *missed]
    assert group.nats[operation].min() > 3 * group.nats[bystanders].max()


def test_one_line_of_evidence_is_not_enough_to_join():
    """Customers of the same network as an operation are not part of it."""
    rng = np.random.default_rng(2)
    operation, neighbours = np.arange(60), np.arange(300, 330)
    coded = carrying(
        rng,
        [operation],
        {
            Family.NETWORK: with_carriers(
                random_features(rng, ACCOUNTS)[Family.NETWORK],
                {77: np.concatenate([operation, neighbours])},
            )
        },
    )
    (group,) = membership.settle(coded, [operation], cohort(), SETTINGS)
    assert not np.isin(neighbours, group.members).any()
    assert np.isin(operation, group.members).all()


@pytest.mark.parametrize(("with_card", "stay"), [(20, 20), (8, 60)])
def test_where_members_share_more_than_content_nobody_belongs_by_content_alone(with_card, stay):
    """Hobbyists with an operation's subjects leave it; the users of an app all stay."""
    everybody = np.arange(60)
    rng = np.random.default_rng(6)
    features = random_features(rng, ACCOUNTS)
    for of in (Family.TEMPLATE, Family.OPENING, Family.CLOSING):
        others = random_family(rng, ACCOUNTS, 40)
        features[of] = with_carriers(others, {10**6 + of: everybody})
    cards = {10**7: everybody[:with_card]}
    features[Family.PAYMENT] = with_carriers(features[Family.PAYMENT], cards)
    coded = enrichment.code(features, ACCOUNTS)
    (group,) = membership.settle(coded, [everybody], cohort(), SETTINGS)
    assert group.members.tolist() == everybody[:stay].tolist()


def test_a_profile_that_fits_too_many_makes_nobody_join():
    """Growth is bounded: at most three accounts may join for each that was tested."""
    rng = np.random.default_rng(3)
    cluster, crowd = np.arange(30), np.arange(500, 800)
    coded = carrying(rng, [np.concatenate([cluster, crowd])])
    (group,) = membership.settle(coded, [cluster], cohort(), SETTINGS)
    assert group.joined.size == 0
    few = crowd[:60]
    coded = carrying(rng, [np.concatenate([cluster, few])])
    (group,) = membership.settle(coded, [cluster], cohort(), SETTINGS)
    assert group.joined.tolist() == few.tolist()
    assert group.joined.size <= SETTINGS.growth * group.tested.size


def test_a_cluster_with_nothing_in_common_keeps_nobody():
    rng = np.random.default_rng(4)
    coded = carrying(rng, [])
    (group,) = membership.settle(coded, [np.arange(40)], cohort(), SETTINGS)
    assert group.members.size == 0


@pytest.mark.parametrize("seed", range(3))
def test_an_account_ends_in_one_group(seed):
    """Two views that see overlapping parts of three operations."""
    rng = np.random.default_rng(seed)
    operations = [np.arange(0, 50), np.arange(50, 90), np.arange(90, 120)]
    coded = carrying(rng, operations)
    first = [operations[0][:40], operations[1], operations[2][:10]]
    second = [operations[0][20:], np.concatenate([operations[2], operations[1][:8]])]
    settled = [
        group
        for clusters in (first, second)
        for group in membership.settle(coded, clusters, cohort(), SETTINGS)
    ]
    groups = membership.unite(coded, settled, cohort(), SETTINGS, smallest=5)
    members = np.concatenate([group.members for group in groups])
    assert np.unique(members).size == members.size
    assert sorted(group.members.tolist() for group in groups) == [o.tolist() for o in operations]


def test_pieces_of_one_operation_are_united_and_their_members_stay_tested():
    rng = np.random.default_rng(6)
    whole = np.arange(80)
    coded = carrying(rng, [whole])
    pieces = [whole[:40], whole[40:70]]
    settled = membership.settle(coded, pieces, cohort(), SETTINGS)
    (group,) = membership.unite(coded, settled, cohort(), SETTINGS, smallest=5)
    assert group.members.tolist() == whole.tolist()
    assert set(range(70)) <= set(group.tested.tolist()) | set(group.joined.tolist())
    assert not set(group.tested.tolist()) & set(group.joined.tolist())


def test_groups_below_the_smallest_size_are_dropped():
    rng = np.random.default_rng(7)
    coded = carrying(rng, [np.arange(8)])
    settled = membership.settle(coded, [np.arange(8)], cohort(), SETTINGS)
    found = membership.unite(coded, settled, cohort(), SETTINGS, smallest=9)
    assert found == []


def test_matching_counts_the_best_value_of_a_family_and_caps_it():
    rng = np.random.default_rng(9)
    members = np.arange(40)
    features = random_features(rng, ACCOUNTS)
    features[Family.TEMPLATE] = with_carriers(
        features[Family.TEMPLATE], {10**6 + k: members for k in range(5)}
    )
    coded = enrichment.code(features, ACCOUNTS)
    (group,) = membership.settle(coded, [members], cohort(), SETTINGS)
    assert group.rows.value.size >= 5
    assert group.nats.value.max() <= marks.FAMILY_NATS
