"""What every cohort is built from: the stage, groups, and common ways to be an account."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from stillwatch.simulate.bank import Bank
from stillwatch.simulate.chat import Chat, entities, topics
from stillwatch.simulate.content import Content, scatter
from stillwatch.simulate.grammar import LANGUAGES, grammar
from stillwatch.simulate.people import (
    ENTERPRISE,
    FLAT,
    HUMAN,
    OFFICE,
    TEAM,
    USAGE,
    People,
    heavy,
    ordinary,
    secrets,
)
from stillwatch.simulate.templates import Framed
from stillwatch.simulate.world import Clients, World


@dataclass(frozen=True)
class Brands:
    """What the products of groups are called and about: language, name, place in `topics`."""

    language: np.ndarray
    own: pa.Array
    topic: np.ndarray


@dataclass
class Stage:
    """What a cohort needs to be drawn."""

    rng: np.random.Generator
    world: World
    clients: Clients
    bank: Bank
    days: int
    release: float

    def people(self, count: int) -> People:
        """Ordinary accounts to start from."""
        drawn = ordinary(
            count, self.rng, self.world, self.clients, days=self.days, release=self.release
        )
        if len(self.bank.answers):
            drawn.answer = self.rng.choice(self.bank.answers, count)
        return drawn

    def chat(self, people: People) -> Chat:
        """Personal talk for these accounts, with real human prompts where there are any."""
        return Chat.draw(people.language, self.rng, dict(self.bank.quotes))

    def speech(self, count: int, rule: str) -> np.ndarray:
        """A language per group, among those that have a rule, as common as in the population."""
        share = self.world.country_share @ self.world.speech
        share = share * np.array([rule in grammar(name) for name in LANGUAGES])
        return self.rng.choice(len(LANGUAGES), count, p=share / share.sum())

    def brands(self, languages: np.ndarray) -> Brands:
        """A name and a topic for each of the groups with these languages."""
        sizes = np.array([len(topics(grammar(name))) for name in LANGUAGES])[languages]
        return Brands(languages, entities(len(languages), self.rng), self.rng.integers(0, sizes))

    def lines(self, rule: str, brands: Brands, times: int = 1) -> pa.Array:
        """`times` sentences of a rule per brand, in its language: [brands x times], one column."""
        spread = np.repeat(np.arange(len(brands.language)), times)
        languages, parts = brands.language[spread], []
        for number in np.unique(languages):
            rows = np.flatnonzero(languages == number)
            words = grammar(LANGUAGES[number])
            given = {
                "topic": topics(words).take(pa.array(brands.topic[spread][rows])),
                "own": brands.own.take(pa.array(spread[rows])),
            }
            parts.append((rows, words.expand(rule, len(rows), self.rng, given)))
        return scatter(parts, len(spread))


@dataclass(frozen=True)
class Own:
    """Stages with generators of an operator, for what it takes with it; all may be the same.

    Attributes:
        content: objectives, frames and the common pool of work items.
        client: client and request settings.
        pace: knobs, rates and the clock.
    """

    content: Stage
    client: Stage
    pace: Stage

    @classmethod
    def all(cls, stage: Stage) -> "Own":
        """One stage for everything."""
        return cls(stage, stage, stage)


def groups(
    count: int, typical: float, spread: float, rng: np.random.Generator, least: int = 2
) -> np.ndarray:
    """Split accounts into consecutive groups of log-normal size; the number of each one's group."""
    sizes: list[int] = []
    while sum(sizes) < count:
        sizes.append(max(least, int(typical * np.exp(rng.normal(0, spread)))))
    return np.repeat(np.arange(len(sizes)), sizes)[:count]


APPLICATION: Final = (
    "client",
    "second_client",
    "temperature",
    "top_p",
    "max_tokens",
    "stream",
    "output",
    "choices",
    "model",
    "tools",
    "logprobs",
)
"""Traits that an application decides for whoever uses it."""


def alike(people: People, group: np.ndarray, *traits: str) -> None:
    """Give every member of a group the named traits of the group's first member."""
    _, first, back = np.unique(group, return_index=True, return_inverse=True)
    for trait in traits:
        values = getattr(people, trait)
        values[:] = values[first[back]]


def names(cohort: str, group: np.ndarray) -> np.ndarray:
    """Labels of benign groups."""
    return np.char.add(f"{cohort}-", group.astype(str)).astype(object)


def kit(stage: Stage, people: People) -> None:
    """Turn accounts into API users that pay by use."""
    count, rng = len(people), stage.rng
    people.client = rng.choice(stage.clients.kits, count)
    people.second_client = people.client.copy()
    people.plan[:] = np.where(rng.random(count) < 0.85, USAGE, people.plan)
    people.payment = np.where(people.payment == 0, secrets(rng, count), people.payment)
    people.temperature = rng.choice(
        [np.nan, 0.0, 0.2, 0.5, 0.7, 1.0], count, p=[0.3, 0.2, 0.15, 0.1, 0.2, 0.05]
    )
    people.max_tokens = rng.choice([0, 512, 1024, 2000, 2048, 4096], count)
    people.stream = rng.choice([-1, 0, 1], count)
    people.choices[:] = np.where(rng.random(count) < 0.6, 1, 0)
    people.output = rng.choice([0, 1, 2], count, p=[0.5, 0.3, 0.2])


def machine(
    stage: Stage, people: People, *, rate: float, spread: float, turns: float, gap: float
) -> None:
    """Turn accounts into programs: runs of requests at all hours."""
    kit(stage, people)
    count, rng = len(people), stage.rng
    people.rate = heavy(rng, count, rate, spread, 3000.0)
    people.turns = np.maximum(heavy(rng, count, turns, 0.5, 400.0), 1.0)
    people.gap = heavy(rng, count, gap, 0.7, 600.0)
    people.rhythm = rng.choice([FLAT, OFFICE, HUMAN], count, p=[0.6, 0.25, 0.15])
    people.chat[:] = False
    people.weekend = heavy(rng, count, 0.8, 0.4, 1.2)


def company(stage: Stage, people: People, group: np.ndarray, nat: float) -> None:
    """One organisation, mail domain and card per group; a common network for a share of people."""
    rng, count = stage.rng, int(group.max(initial=-1)) + 1
    people.org = secrets(rng, count)[group]
    people.mail = np.array(
        [f"{name.lower()}.example" for name in entities(count, rng).to_pylist()], object
    )[group]
    people.payment = np.where(rng.random(count) < 0.9, secrets(rng, count), 0).astype(np.uint64)[
        group
    ]
    people.plan = rng.choice([TEAM, USAGE, ENTERPRISE], count, p=[0.4, 0.3, 0.3])[group]
    people.verified[:] = (rng.random(count) < 0.85)[group]
    site = rng.choice(stage.world.sites, count)
    inside = rng.random(len(people)) < nat
    at = stage.world.networks.address(site, rng)[group]
    people.address[inside, 0] = at[inside]
    people.asn[inside, 0] = stage.world.networks.asn[site][group][inside]
    alike(people, group, "country", "language", "zone", "rhythm")
    people.place[inside, 0] = people.country[inside]
    people.rhythm[:] = np.where(rng.random(len(people)) < 0.8, OFFICE, people.rhythm)
    people.weekend *= 0.25


def burst(stage: Stage, people: People, group: np.ndarray, width: float) -> None:
    """Sign-ups of a group within `width` days, some day before or inside the window."""
    count = int(group.max(initial=-1)) + 1
    day = stage.rng.uniform(-25.0, stage.days * 0.75, count)
    people.created = day[group] + stage.rng.exponential(width, len(people))
    people.created = np.minimum(people.created, stage.days - 0.5)
    people.start = np.maximum(people.created, 0.0)


def english(stage: Stage, count: int) -> Brands:
    """Brands of English-speaking groups."""
    return stage.brands(np.zeros(count, np.int64))


def product(
    stage: Stage, group: np.ndarray, speech: np.ndarray, frames: int, inner: Content
) -> Framed:
    """An application per group: one name and topic in its system prompt, heads and tails."""
    brands = stage.brands(speech)
    return Framed(
        group,
        stage.lines("app_head", brands, frames),
        stage.lines("app_tail", brands, frames),
        frames,
        inner,
        stage.lines("app_system", brands),
    )
