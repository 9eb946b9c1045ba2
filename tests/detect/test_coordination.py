import numpy as np
import pytest

from stillwatch.detect import coordination
from stillwatch.detect.features import Family
from stillwatch.detect.formation import FormationSettings, View, form
from stillwatch.detect.links import Links
from stillwatch.detect.workers import Threads
from tests.detect.build import family, random_family, random_features, with_carriers
from tests.detect.world import World, sketch_words

ACCOUNTS = 2000


def no_links():
    none = np.empty(0, np.int32)
    return Links(none, none, np.empty(0))


def view(cluster, features, name="content"):
    return View(name, np.asarray(cluster, np.int32), features, no_links())


def planted(rng, features, members):
    """Members who share a network and a template with most of their group."""
    features[Family.NETWORK] = with_carriers(
        features[Family.NETWORK], {10**6: members[rng.random(members.size) < 0.7]}
    )
    features[Family.TEMPLATE] = with_carriers(features[Family.TEMPLATE], {10**6: members})
    return features


def test_random_clusters_are_not_called():
    """Four hundred clusters of accounts drawn at random, in two views over the same evidence."""
    for seed in range(2):
        rng = np.random.default_rng(seed)
        features = random_features(rng, ACCOUNTS)
        views = [
            view(rng.permutation(ACCOUNTS) // 10, features),
            view(rng.permutation(ACCOUNTS) // 10, features, "infrastructure"),
        ]
        found = coordination.test(views, rng.integers(0, 4, ACCOUNTS))
        assert len(found) == 400
        assert min(candidate.q_value for candidate in found) > 0.05


def test_mean_e_value_of_random_clusters_is_at_most_one():
    """An e-value's mean under the null is at most 1; the largest few carry most of the error."""
    e_values = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        views = [view(rng.permutation(ACCOUNTS) // 25, random_features(rng, ACCOUNTS))]
        found = coordination.test(views, np.zeros(ACCOUNTS, np.int64))
        e_values += [candidate.e_value for candidate in found]
    assert len(e_values) == 800
    assert np.mean(e_values) < 1.0


def test_a_planted_cluster_among_random_ones_is_called_and_no_other():
    rng = np.random.default_rng(4)
    members = np.sort(rng.choice(ACCOUNTS, 40, replace=False))
    features = planted(rng, random_features(rng, ACCOUNTS), members)
    others = rng.permutation(np.setdiff1d(np.arange(ACCOUNTS), members))
    cluster = np.full(ACCOUNTS, -1)
    cluster[others] = np.arange(others.size) // 10
    cluster[members] = cluster.max() + 1
    found = coordination.test([view(cluster, features)], np.zeros(ACCOUNTS, np.int64))
    called = [candidate for candidate in found if candidate.q_value <= 0.01]
    assert [candidate.members.tolist() for candidate in called] == [members.tolist()]
    telling = called[0].tested
    assert {Family.NETWORK, Family.TEMPLATE} <= {
        Family(int(f)) for f in telling.family[telling.value == 10**6]
    }


def test_chance_is_judged_by_the_cluster_and_not_by_the_value_of_its_labels():
    """The same evidence under other account codes gives the same answer."""
    rng = np.random.default_rng(9)
    members = np.arange(30)
    features = planted(rng, random_features(rng, ACCOUNTS), members)
    cluster = np.full(ACCOUNTS, -1)
    cluster[members] = 0
    first = coordination.test([view(cluster, features)], np.zeros(ACCOUNTS, np.int64))[0]
    number = rng.permutation(ACCOUNTS)
    moved = {
        f: family(zip(number[c.account].tolist(), c.value.tolist(), strict=True))
        for f, c in features.items()
    }
    there = np.full(ACCOUNTS, -1)
    there[number[members]] = 0
    second = coordination.test([view(there, moved)], np.zeros(ACCOUNTS, np.int64))[0]
    assert second.e_value == pytest.approx(first.e_value)
    assert second.members.tolist() == np.sort(number[members]).tolist()


def test_no_cluster_or_nothing_held_out_calls_nothing():
    cohort = np.zeros(50, np.int64)
    assert coordination.test([], cohort) == []
    assert coordination.test([view(np.full(50, -1), {Family.TLS: family([])})], cohort) == []
    rng = np.random.default_rng(0)
    for features in ({Family.TLS: family([])}, {Family.TLS: random_family(rng, 50, 2)}):
        found = coordination.test([view(np.arange(50) // 10, features)], cohort)
        assert len(found) == 5
        assert all(candidate.q_value > 0.01 for candidate in found)


@pytest.fixture(scope="module")
def two_faced(tmp_path_factory):
    """Sixty accounts: thirty alike in even hours only, thirty alike in all hours."""
    world = World(np.random.default_rng(8))
    world.strangers(900, events=16)
    for name, odd_too in (("noise", False), ("plot", True)):
        accounts, even = world.people(name, 30, events=16)
        words = sketch_words(world.rng, (even.size, 16), vocabulary=40, topic=hash_of(name))
        alike = even if not odd_too else np.ones_like(even)
        world.speak(accounts, alike, words)
    return world.population(tmp_path_factory.mktemp("two-faced"))


def hash_of(name):
    return sum(map(ord, name)) * 100_000


def test_what_formed_on_noise_in_one_half_is_not_called_on_the_other(two_faced):
    content = form(two_faced, FormationSettings(), Threads())[0]
    noise = np.array([name.startswith("noise") for name in two_faced.account_ids])
    plot = np.array([name.startswith("plot") for name in two_faced.account_ids])
    found = coordination.test([content], np.zeros(two_faced.size, np.int64))
    of_noise = [c for c in found if noise[c.members].mean() > 0.8]
    of_plot = [c for c in found if plot[c.members].mean() > 0.8]
    assert of_noise
    assert sum(c.members.size for c in of_noise) >= 25  # the forming half shows them
    assert all(c.q_value > 0.01 for c in of_noise)
    assert of_plot
    assert all(c.q_value <= 0.01 for c in of_plot)
