import numpy as np

from stillwatch.detect.clusters import communities
from stillwatch.detect.links import Links


def cliques(rng, groups=6, size=15, noise=40):
    pairs = {
        (g * size + a, g * size + b): rng.uniform(5, 9)
        for g in range(groups)
        for a in range(size)
        for b in range(a + 1, size)
        if rng.random() < 0.6
    }
    for _ in range(noise):
        a, b = sorted(rng.choice(groups * size, 2, replace=False).tolist())
        pairs.setdefault((a, b), 0.3)
    keys = sorted(pairs)
    return Links(
        np.array([a for a, _ in keys], np.int32),
        np.array([b for _, b in keys], np.int32),
        np.array([pairs[key] for key in keys]),
    )


def test_planted_groups_are_found_and_numbered_by_their_first_account():
    links = cliques(np.random.default_rng(2))
    label = communities(links, 95, seed=1, resolution=1.0, smallest=5)
    assert label[:90].tolist() == np.repeat(np.arange(6), 15).tolist()
    assert (label[90:] == -1).all()


def test_the_same_links_give_the_same_communities():
    links = cliques(np.random.default_rng(5), groups=12, size=8, noise=300)
    first = communities(links, 96, seed=1, resolution=1.0, smallest=5)
    for _ in range(5):
        again = communities(links, 96, seed=1, resolution=1.0, smallest=5)
        assert (again == first).all()


def test_small_communities_are_dissolved():
    links = cliques(np.random.default_rng(2), groups=3, size=6, noise=0)
    assert (communities(links, 18, seed=1, resolution=1.0, smallest=7) == -1).all()


def test_no_links_no_communities():
    none = np.empty(0, np.int32)
    label = communities(Links(none, none, np.empty(0)), 4, seed=1, resolution=1.0, smallest=2)
    assert label.tolist() == [-1] * 4
