import numpy as np
import pytest

from stillwatch.detect.clusters import communities, leiden
from stillwatch.detect.links import Links
from stillwatch.detect.workers import Threads


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


def found(links, accounts, *, smallest=5, resolution=1.0):
    return communities(
        links, accounts, seed=1, resolution=resolution, smallest=smallest, workers=Threads()
    )


def modularity(links, label, resolution):
    """Modularity of a partition of the whole graph, straight from its definition."""
    degree = np.bincount(links.left, links.weight, label.size)
    degree += np.bincount(links.right, links.weight, label.size)
    total = links.weight.sum()
    inside = links.weight[label[links.left] == label[links.right]].sum()
    volumes = np.bincount(label, degree)
    return inside / total - resolution * float((volumes**2).sum()) / (2 * total) ** 2


def test_planted_groups_are_found_and_numbered_by_their_first_account():
    label = found(cliques(np.random.default_rng(2)), 95)
    assert label[:90].tolist() == np.repeat(np.arange(6), 15).tolist()
    assert (label[90:] == -1).all()


def test_the_same_links_give_the_same_communities():
    links = cliques(np.random.default_rng(5), groups=12, size=8, noise=300)
    first = found(links, 96)
    for _ in range(5):
        assert (found(links, 96) == first).all()


@pytest.mark.parametrize("resolution", [1.0, 3.0])
def test_components_apart_are_split_as_well_as_the_whole_graph(resolution):
    """Few strong links beside many weak ones: with the resolution unscaled they would differ."""
    parts = [
        cliques(np.random.default_rng(seed), groups=groups, noise=noise)
        for seed, groups, noise in ((2, 6, 40), (3, 2, 30), (4, 10, 90))
    ]
    shift = np.cumsum([0, 90, 30])
    links = Links(
        np.concatenate([p.left + s for p, s in zip(parts, shift, strict=True)]).astype(np.int32),
        np.concatenate([p.right + s for p, s in zip(parts, shift, strict=True)]).astype(np.int32),
        np.concatenate([p.weight * w for p, w in zip(parts, (1, 9, 0.2), strict=True)]),
    )
    apart = found(links, 270, smallest=1, resolution=resolution)
    _, leader = leiden(
        links.left,
        links.right,
        links.weight,
        seed=1,
        density=resolution / float(links.weight.sum()),
    )
    whole = np.unique(leader, return_inverse=True)[1]
    assert modularity(links, apart, resolution) >= modularity(links, whole, resolution) - 1e-9
    assert len(np.unique(apart)) == len(np.unique(whole))


def test_small_communities_are_dissolved():
    links = cliques(np.random.default_rng(2), groups=3, size=6, noise=0)
    assert (found(links, 18, smallest=7) == -1).all()


def test_no_links_no_communities():
    none = np.empty(0, np.int32)
    assert found(Links(none, none, np.empty(0)), 4, smallest=2).tolist() == [-1] * 4
