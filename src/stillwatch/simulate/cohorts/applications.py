"""Applications: one frame and system prompt for many, and programs that run by themselves."""

import numpy as np

from stillwatch.events.contracts import Kind
from stillwatch.simulate.chat import Phrases
from stillwatch.simulate.content import Mixture
from stillwatch.simulate.crowd import Crowd
from stillwatch.simulate.grammar import LANGUAGES, grammar
from stillwatch.simulate.people import (
    HUMAN,
    heavy,
)
from stillwatch.simulate.stage import (
    APPLICATION,
    Stage,
    alike,
    english,
    groups,
    kit,
    machine,
    names,
    product,
)


def developers(stage: Stage, count: int) -> Crowd:
    """Developers: an application each, its own frames and system prompt, tests and real users."""
    people = stage.people(count)
    kit(stage, people)
    people.rate = heavy(stage.rng, count, 9.0, 1.2, 1500.0)
    own = np.arange(count)
    speech = np.zeros(count, np.int64)
    framed = product(stage, own, speech, 2, stage.chat(people))
    share = stage.rng.beta(1.5, 1.5, count)
    content = Mixture([framed, stage.chat(people)], np.stack([share, 1 - share], axis=1), [0, 0])
    return Crowd("developer", people, content, names("developer", own))


def popular_apps(stage: Stage, count: int) -> Crowd:
    """Open-source apps with a key from each user: one client, frame and system prompt for all."""
    people = stage.people(count)
    kit(stage, people)
    rng = stage.rng
    apps = max(3, int(count**0.5 / 1.6))
    weight = 1.0 / np.arange(1, apps + 1) ** 1.1
    group = np.sort(rng.choice(apps, count, p=weight / weight.sum()))
    alike(people, group, *APPLICATION)
    speech = stage.speech(apps, "app_head")
    people.language = np.where(rng.random(count) < 0.7, speech[group], people.language)
    young = rng.random(count) < 0.4
    released = rng.uniform(-60, stage.days * 0.6, apps)[group]
    people.created = np.where(
        young, np.minimum(released + rng.exponential(8, count), stage.days - 1), people.created
    )
    people.start = np.maximum(people.created, 0)
    people.rate = heavy(rng, count, 7.0, 1.1, 600.0)
    content = product(stage, group, speech, 3, stage.chat(people))
    return Crowd("popular-app", people, content, names("popular-app", group), Kind.SHARED_APP)


def bots(stage: Stage, count: int) -> Crowd:
    """Support bots, language-learning and accessibility apps on servers of their own."""
    rng, people = stage.rng, stage.people(count)
    machine(stage, people, rate=35.0, spread=1.0, turns=5.0, gap=45.0)
    people.rhythm[:] = HUMAN
    people.chat[:] = True
    group = groups(count, 4.0, 0.7, rng, 1)
    alike(
        people,
        group,
        "client",
        "second_client",
        "temperature",
        "max_tokens",
        "address",
        "asn",
        "model",
        "payment",
        "language",
    )
    speech = people.language[np.unique(group, return_index=True)[1]]
    speech = np.where([("app_head" in grammar(LANGUAGES[n])) for n in speech], speech, 0)
    content = product(stage, group, speech, 1, stage.chat(people))
    content.users = 400
    return Crowd("bot", people, content, names("bot", group), Kind.SHARED_APP)


def resellers(stage: Stage, count: int) -> Crowd:
    """Resellers and routers: a pool of accounts whose sessions belong to unrelated customers."""
    rng, people = stage.rng, stage.people(count)
    machine(stage, people, rate=60.0, spread=0.7, turns=2.5, gap=60.0)
    group = groups(count, 18.0, 0.7, rng, 4)
    alike(people, group, "client", "created", "start", "payment", "plan", "country")
    people.created = people.created + rng.exponential(2.0, count)
    people.start = np.maximum(people.created, 0)
    host = rng.choice(stage.world.hosts, int(group.max()) + 1)[group]
    people.asn[:, 0], people.roam[:] = stage.world.networks.asn[host], 0.05
    alike(people, group, "address")
    people.churn[:] = 0.5
    people.temperature[:] = np.nan
    people.rhythm[:] = HUMAN
    users = max(20, count * 6)
    crowd = stage.people(users)
    content = Mixture([stage.chat(crowd)], np.ones((count, 1)), [users], group, hops=True)
    return Crowd("reseller", people, content, names("reseller", group), Kind.RELAY)


def pings(stage: Stage, count: int) -> Crowd:
    """Smoke tests and keep-alives: a fixed prompt by the clock."""
    people = stage.people(count)
    machine(stage, people, rate=30.0, spread=0.9, turns=1.0, gap=5.0)
    people.turns[:] = 1.0
    people.regular[:] = True
    people.active[:] = 0.97
    people.answer[:] = 6.0
    return Crowd(
        "ping",
        people,
        Phrases("ping", stage.chat(people), reply="pong"),
        names("ping", np.arange(count)),
    )


def agents(stage: Stage, count: int) -> Crowd:
    """Agents: loops of tool calls with long observations."""
    people = stage.people(count)
    machine(stage, people, rate=90.0, spread=1.0, turns=14.0, gap=9.0)
    people.tools = stage.rng.integers(2, 24, count)
    people.active *= 0.8
    people.chat = stage.rng.random(count) < 0.7
    system = stage.lines("app_system", english(stage, count))
    return Crowd(
        "agent",
        people,
        Phrases("agent_turn", stage.chat(people), system),
        names("agent", np.arange(count)),
    )
