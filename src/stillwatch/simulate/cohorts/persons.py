"""People: on their own, in families, behind tunnels, in waves of attention."""

import numpy as np

from stillwatch.events.contracts import Kind
from stillwatch.simulate.chat import Phrases
from stillwatch.simulate.content import Content, Mixture
from stillwatch.simulate.crowd import Crowd
from stillwatch.simulate.people import (
    heavy,
)
from stillwatch.simulate.stage import (
    Stage,
    alike,
    burst,
    groups,
    kit,
    names,
)


def individuals(stage: Stage, count: int) -> Crowd:
    """Ordinary people and small API users with interests of their own."""
    people = stage.people(count)
    return Crowd("individual", people, stage.chat(people), names("individual", np.arange(count)))


def quickstarts(stage: Stage, count: int) -> Crowd:
    """Newcomers who run the documentation's examples, then try something of their own."""
    people = stage.people(count)
    kit(stage, people)
    people.created = stage.rng.uniform(-10, stage.days - 1, count)
    people.start = np.maximum(people.created, 0)
    people.rate = heavy(stage.rng, count, 4.0, 0.8, 60.0)
    chat = stage.chat(people)
    share = stage.rng.beta(2, 2, count)
    content = Mixture(
        [Phrases("quickstart", chat), chat], np.stack([share, 1 - share], axis=1), [0, 0]
    )
    return Crowd(
        "quickstart", people, content, names("quickstart", np.zeros(count, int)), Kind.SHARED_APP
    )


def viral(stage: Stage, count: int) -> Crowd:
    """Strangers who paste the same viral prompt in the same days, among their own questions."""
    people = stage.people(count)
    people.linked[:] = 0.0
    chat = stage.chat(people)
    share = stage.rng.beta(1.5, 3, count)
    volume = np.full(stage.days, 0.6)
    peak = int(stage.rng.integers(2, stage.days - 3))
    volume[peak : peak + 4] = 2.2
    content = Mixture([Phrases("viral", chat), chat], np.stack([share, 1 - share], axis=1), [0, 0])
    return Crowd("viral", people, content, names("viral", np.zeros(count, int)), volume=volume)


def tunnelled(stage: Stage, count: int) -> Crowd:
    """People behind VPN services: shared addresses, changing countries, sometimes a shared card."""
    rng, people = stage.rng, stage.people(count)
    systems = rng.choice(stage.world.tunnels, 30 + count // 20)
    exits = stage.world.networks.address(systems, rng)
    owner = rng.integers(0, len(exits), (count, 3))
    people.address = exits[owner]
    people.asn = stage.world.networks.asn[systems][owner]
    people.place = stage.world.networks.country[systems][owner]
    card = people.payment.copy()
    alike(people, groups(count, 3.0, 0.3, rng), "payment")
    people.payment = np.where(rng.random(count) < 0.15, people.payment, card)
    people.roam = rng.beta(3, 2, count)
    return Crowd("vpn", people, stage.chat(people), names("vpn", np.zeros(count, int)))


def promotions(stage: Stage, count: int) -> Crowd:
    """Strangers who sign up in one promotion."""
    people = stage.people(count)
    group = groups(count, 120.0, 0.6, stage.rng, 20)
    burst(stage, people, group, 0.4)
    return Crowd("promotion", people, stage.chat(people), names("promotion", group))


def families(stage: Stage, count: int) -> Crowd:
    """Families and flatmates: one card, network and sometimes device."""
    people = stage.people(count)
    group = groups(count, 3.2, 0.3, stage.rng)
    alike(people, group, "payment", "address", "asn", "country", "zone", "language", "place")
    same = stage.rng.random(count) < 0.4
    device = people.device.copy()
    alike(people, group, "device")
    people.device = np.where(same, people.device, device)
    return Crowd("family", people, stage.chat(people), names("family", group))


def early_adopters(stage: Stage, count: int) -> Crowd:
    """Everybody who moves to the new model on the day it comes out and tries it hard."""
    people = stage.people(count)
    people.moves = stage.release + stage.rng.exponential(0.4, count)
    people.rate *= 2
    people.stop[:] = stage.days
    questions = Phrases("question", stage.chat(people))
    share = np.full(count, 0.25)
    content: Content = Mixture(
        [questions, stage.chat(people)], np.stack([share, 1 - share], axis=1), [0, 0]
    )
    return Crowd("early-adopter", people, content, names("early-adopter", np.zeros(count, int)))
