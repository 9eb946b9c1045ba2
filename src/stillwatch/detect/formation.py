"""Candidate clusters from two views, and which families are left to test each.

The content view forms clusters from the words of one half of the hours; the other half of the
content and every other family are left to test them. The infrastructure view forms clusters from
networks, clients, identity and moments; content is left to test them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from stillwatch.detect import clusters, index, links, vectors
from stillwatch.detect.features import Family, FamilyCounts
from stillwatch.detect.population import Population
from stillwatch.detect.profiles import main_script
from stillwatch.detect.workers import Workers

FRAMES = (Family.TEMPLATE, Family.OPENING, Family.CLOSING, Family.SYSTEM)
"""What stays the same around what a prompt asks."""


@dataclass(frozen=True)
class FormationSettings:
    """How candidate clusters form.

    Attributes:
        smallest: fewest accounts of a cluster.
        neighbours: most similar accounts that each account is linked to in the content view.
        stranger_quantile: share of random pairs whose similarity makes no link.
        expected: chance partners per account tolerated in the infrastructure view.
        crowd: accounts per unit of resolution of the communities: modularity merges small
            communities in large graphs (Fortunato & Barthelemy 2007), so resolution grows with the
            number of accounts and communities of one size are seen at every scale.
        seed: of random draws and of the community search.
    """

    smallest: int = 5
    neighbours: int = 12
    stranger_quantile: float = 0.995
    expected: float = 0.1
    crowd: int = 6000
    seed: int = 1


@dataclass(frozen=True)
class HeldOut(Mapping[Family, FamilyCounts]):
    """Families that are made anew whenever they are asked for.

    Each takes a lot of memory, and is needed for the moment of its test only.

    Attributes:
        made: what makes each family.
    """

    made: Mapping[Family, Callable[[], FamilyCounts]]

    def __getitem__(self, family: Family) -> FamilyCounts:
        """Make a family."""
        return self.made[family]()

    def __iter__(self) -> Iterator[Family]:
        """Name the families."""
        return iter(self.made)

    def __len__(self) -> int:
        """Count the families."""
        return len(self.made)


@dataclass(frozen=True)
class View:
    """Candidate clusters of one view and what is left to test them on.

    Attributes:
        name: `content` or `infrastructure`.
        cluster: cluster per account, -1 for none.
        held_out: families and halves that took no part in forming the clusters.
        links: the pruned links, for the picture of the graph.
    """

    name: str
    cluster: NDArray[np.int32]
    held_out: Mapping[Family, FamilyCounts]
    links: links.Links


def form(population: Population, settings: FormationSettings, workers: Workers) -> list[View]:
    """Form candidate clusters in both views."""
    order = locality(population)
    return [
        _content(population, order, settings, workers),
        _infrastructure(population, order, settings, workers),
    ]


def locality(population: Population) -> NDArray[np.int64]:
    """Rank accounts so that those that may belong together stand close.

    Long postings are searched in this order: by most common opening, then parameters, then moment.
    """
    opening = _dominant(population.features[Family.OPENING], population.size)
    parameters = _dominant(population.features[Family.PARAMETERS], population.size)
    ranked = np.lexsort((population.seconds("first_seen"), parameters, opening))
    rank = np.empty(population.size, np.int64)
    rank[ranked] = np.arange(population.size)
    return rank


def word_counts(sketches: FamilyCounts, accounts: int) -> FamilyCounts:
    """Return kept word hashes as a family, without those that very many accounts use.

    Words that more than 1 in 20 accounts use say little, and are most of the rows. In a small log a
    single group can be that large, so words of up to 200 accounts stay unless 3 in 10 use them.
    """
    carriers = sketches.carriers
    most = max(0.05 * accounts, min(0.3 * accounts, 200), 3)
    return sketches.only((carriers >= 3) & (carriers <= most))


def _content(
    population: Population,
    order: NDArray[np.int64],
    settings: FormationSettings,
    workers: Workers,
) -> View:
    script = main_script(population.profiles)
    rng = np.random.default_rng(settings.seed)
    frames = [population.features[family] for family in FRAMES]
    said = vectors.forming(population.sketches, frames, script)
    floor = links.stranger_floor(said, script, rng, quantile=settings.stranger_quantile)
    found = links.content_links(
        said, order, neighbours=settings.neighbours, floor=floor, workers=workers
    )
    cluster = clusters.communities(
        found,
        population.size,
        seed=settings.seed,
        resolution=max(1.0, population.size / settings.crowd),
        smallest=settings.smallest,
        workers=workers,
    )

    def held_out(family: Family) -> FamilyCounts:
        if family is Family.WORDS:
            return word_counts(population.sketches, population.size).half(held_out=True)
        counts = population.features[family]
        return counts.half(held_out=True) if family in links.CONTENT_FAMILIES else counts

    families = [*population.features, Family.WORDS]
    return View("content", cluster, _made(held_out, families), found)


def _infrastructure(
    population: Population,
    order: NDArray[np.int64],
    settings: FormationSettings,
    workers: Workers,
) -> View:
    incidence = index.build(
        population.features, links.INFRASTRUCTURE_FAMILIES, population.size, held_out=None
    )
    found = links.infrastructure_links(incidence, order, expected=settings.expected)
    cluster = clusters.communities(
        found,
        population.size,
        seed=settings.seed,
        resolution=max(1.0, population.size / settings.crowd),
        smallest=settings.smallest,
        workers=workers,
    )

    def held_out(family: Family) -> FamilyCounts:
        if family is Family.WORDS:
            return word_counts(population.sketches, population.size)
        return population.features[family]

    content = [family for family in population.features if family in links.CONTENT_FAMILIES]
    families = [*content, Family.PARAMETERS, Family.WORDS]
    return View("infrastructure", cluster, _made(held_out, families), found)


def _made(make: Callable[[Family], FamilyCounts], families: list[Family]) -> HeldOut:
    return HeldOut({family: partial(make, family) for family in families})


def _dominant(counts: FamilyCounts, accounts: int) -> NDArray[np.uint64]:
    """Return each account's most frequent value of a family, 0 where it has none."""
    best = np.zeros(accounts, np.uint64)
    if counts.account.size:
        # The most events and of equal ones the largest value, as one key.
        key = counts.count * np.int64(counts.values.size) + counts.number
        owners, starts = np.unique(counts.account, return_index=True)
        best[owners] = counts.values[np.maximum.reduceat(key, starts) % counts.values.size]
    return best
