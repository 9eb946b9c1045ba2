import numpy as np
import pytest

from stillwatch.detect import index, links, vectors
from stillwatch.detect.features import Family, FamilyCounts
from stillwatch.detect.workers import Threads
from tests.detect.build import family, random_features, with_carriers

ACCOUNTS = 1000


def test_the_index_holds_what_two_accounts_share():
    features = {
        Family.CLIENT: family([(0, 3), (1, 3), (2, 9), (3, 4), (4, 4), (5, 4)]),
        Family.TLS: family([(0, 3), (4, 8)]),
        Family.NETWORK: family([(2, 1), (5, 1)]),
    }
    found = index.build(features, (Family.NETWORK, Family.CLIENT), 6, held_out=None)
    assert found.accounts == 6
    assert found.value.tolist() == [3, 4, 1]
    assert found.family.tolist() == [Family.CLIENT, Family.CLIENT, Family.NETWORK]
    assert found.carriers.tolist() == [2, 3, 2]
    assert found.rows.toarray().tolist() == [
        [1, 0, 0],
        [1, 0, 0],
        [0, 0, 1],
        [0, 1, 0],
        [0, 1, 0],
        [0, 1, 1],
    ]
    np.testing.assert_allclose(found.rarity, np.log([3, 2, 3]), rtol=1e-6)


def test_the_index_of_one_half_does_not_see_the_other():
    counts = family([(0, 3), (1, 3)], held_out=True)
    assert index.build({Family.TLS: counts}, [Family.TLS], 2, held_out=True).value.tolist() == [3]
    assert index.build({Family.TLS: counts}, [Family.TLS], 2, held_out=False).value.size == 0


def infrastructure(features):
    found = index.build(features, links.INFRASTRUCTURE_FAMILIES, ACCOUNTS, held_out=None)
    return links.infrastructure_links(found, np.arange(ACCOUNTS), expected=0.1)


def among(found, members):
    return int((np.isin(found.left, members) & np.isin(found.right, members)).sum())


def test_accounts_that_share_rare_values_of_several_lines_are_linked_and_strangers_are_not():
    rng = np.random.default_rng(1)
    members = np.arange(100, 120)
    features = random_features(rng, ACCOUNTS)
    for of in (Family.ADDRESS, Family.DEVICE, Family.FIRST_SEEN):
        features[of] = family((int(account), 10**6) for account in members)
    found = infrastructure(features)
    assert (found.left < found.right).all()
    assert np.unique(np.column_stack([found.left, found.right]), axis=0).shape[0] == found.left.size
    # A circulant over 20 members with 8 neighbours on either side leaves out few pairs.
    assert among(found, members) >= 150
    assert found.left.size - among(found, members) <= 0.2 * ACCOUNTS


def test_one_line_of_evidence_links_nobody():
    rng = np.random.default_rng(2)
    members = np.arange(100, 110)
    features = random_features(rng, ACCOUNTS)
    before = among(infrastructure(features), members)
    features[Family.PAYMENT] = with_carriers(features[Family.PAYMENT], {10**6: members})
    features[Family.DEVICE] = family((int(a), 10**6) for a in members)
    assert among(infrastructure(features), members) == before


def same_words(accounts, words=8):
    cells = [(a, 7 + w) for a in range(accounts) for w in range(words)]
    account, token = (np.array(column) for column in zip(*cells, strict=True))
    one = np.ones(account.size, np.int32)
    return FamilyCounts.of(account.astype(np.int32), token.astype(np.uint32), one, one * 0)


def test_identical_accounts_without_strangers_are_not_linked():
    """Where the floor is 1, rounding of the cosine must not make a link of infinite weight."""
    rng = np.random.default_rng(3)
    script = np.zeros(40, np.int64)
    sketches = same_words(20)
    words = vectors.forming(sketches, [], script)
    for floor in (np.ones(40), np.full(40, 0.5)):
        found = links.content_links(
            words, rng.permutation(40), neighbours=5, floor=floor, workers=Threads()
        )
        assert np.isfinite(found.weight).all()
        assert ((found.weight > 0) & (found.weight <= 1)).all()
        assert (found.left.size == 0) == (floor[0] == 1.0)


def test_the_floor_is_a_quantile_of_strangers_of_the_same_script():
    rng = np.random.default_rng(4)
    script = np.repeat([0, 1, 2], [300, 200, 1])
    account = np.repeat(np.arange(501), 6)
    token = rng.integers(0, 60, account.size) + 100 * script[account]
    cells = np.unique(np.column_stack([account, token]), axis=0)
    one = np.ones(len(cells), np.int32)
    sketches = FamilyCounts.of(
        cells[:, 0].astype(np.int32), cells[:, 1].astype(np.uint32), one, one * 0
    )
    words = vectors.forming(sketches, [], script)
    floor = links.stranger_floor(words, script, rng, quantile=0.9)
    assert floor[500] == 1.0  # nobody to compare with
    for code in (0, 1):
        members = np.flatnonzero(script == code).astype(np.int32)
        assert np.unique(floor[members]).size == 1
        left, right = (np.array(x, np.int32) for x in np.triu_indices(members.size, 1))
        below = words.similarity(members[left], members[right]) < floor[members[0]]
        assert below.mean() == pytest.approx(0.9, abs=0.02)
