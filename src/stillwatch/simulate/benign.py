"""Benign cohorts: everything that looks coordinated or automated without being theft."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from stillwatch.events.contracts import Kind
from stillwatch.simulate.bank import Bank
from stillwatch.simulate.content import (
    Chat,
    Content,
    Framed,
    Mixture,
    Phrases,
    Pool,
    Templates,
    entities,
    topics,
)
from stillwatch.simulate.crowd import Crowd
from stillwatch.simulate.grammar import LANGUAGES, grammar
from stillwatch.simulate.people import (
    ENTERPRISE,
    EVENING,
    FLAT,
    HUMAN,
    NEVER,
    OFFICE,
    TEAM,
    USAGE,
    People,
    heavy,
    ordinary,
    secrets,
)
from stillwatch.simulate.world import Clients, World


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
        return ordinary(count, self.rng, self.world, self.clients, self.days, self.release)

    def chat(self, people: People) -> Chat:
        """Personal talk for these accounts, with real human prompts where there are any."""
        return Chat.draw(people.language, self.rng, dict(self.bank.quotes))

    def speech(self, count: int, rule: str) -> np.ndarray:
        """A language per group, among those that have a rule, as common as in the population."""
        share = self.world.country_share @ self.world.speech
        share = share * np.array([rule in grammar(name) for name in LANGUAGES])
        return self.rng.choice(len(LANGUAGES), count, p=share / share.sum())

    def lines(self, rule: str, languages: np.ndarray) -> pa.Array:
        """One sentence of a rule per group, in the group's language."""
        drawn = np.empty(len(languages), object)
        for number in np.unique(languages):
            rows = np.flatnonzero(languages == number)
            words = grammar(LANGUAGES[number])
            place = pa.array(self.rng.integers(0, len(topics(words)), len(rows)))
            given = {"topic": topics(words).take(place), "own": entities(len(rows), self.rng)}
            drawn[rows] = words.expand(rule, len(rows), self.rng, given).to_pylist()
        return pa.array(drawn, pa.string())


def groups(count: int, typical: float, spread: float, rng: np.random.Generator, least: int = 2) -> np.ndarray:
    """Split accounts into consecutive groups of log-normal size; the number of each one's group."""
    sizes: list[int] = []
    while sum(sizes) < count:
        sizes.append(max(least, int(typical * np.exp(rng.normal(0, spread)))))
    return np.repeat(np.arange(len(sizes)), sizes)[:count]


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
    people.temperature = rng.choice([np.nan, 0.0, 0.2, 0.5, 0.7, 1.0], count, p=[0.3, 0.2, 0.15, 0.1, 0.2, 0.05])
    people.max_tokens = rng.choice([0, 512, 1024, 2000, 2048, 4096], count)
    people.stream = rng.choice([-1, 0, 1], count)
    people.choices[:] = np.where(rng.random(count) < 0.6, 1, 0)
    people.output = rng.choice([0, 1, 2], count, p=[0.5, 0.3, 0.2])


def machine(stage: Stage, people: People, rate: float, spread: float, turns: float, gap: float) -> None:
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
    """One organisation, mail domain and card per group; a common network for a share of sessions."""
    rng, count = stage.rng, int(group.max(initial=-1)) + 1
    people.org = secrets(rng, count)[group]
    people.mail = np.array(
        [f"{name.lower()}.example" for name in entities(count, rng).to_pylist()], object
    )[group]
    people.payment = np.where(rng.random(count) < 0.9, secrets(rng, count), 0).astype(np.uint64)[group]
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


def individuals(stage: Stage, count: int) -> Crowd:
    """Ordinary people and small API users with interests of their own."""
    people = stage.people(count)
    return Crowd("individual", people, stage.chat(people), names("individual", np.arange(count)))


def developers(stage: Stage, count: int) -> Crowd:
    """Developers: an application each, its own frames and system prompt, tests and real users."""
    people = stage.people(count)
    kit(stage, people)
    people.rate = heavy(stage.rng, count, 9.0, 1.2, 1500.0)
    own = np.arange(count)
    speech = np.zeros(count, np.int64)
    heads = stage.lines("app_head", np.repeat(speech, 2))
    framed = Framed(own, heads, stage.lines("app_tail", np.repeat(speech, 2)), 2, stage.chat(people), stage.lines("app_system", speech))
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
    alike(people, group, "client", "second_client", "temperature", "top_p", "max_tokens", "stream", "output", "choices", "model", "tools", "logprobs")
    speech = stage.speech(apps, "app_head")
    people.language = np.where(rng.random(count) < 0.7, speech[group], people.language)
    young = rng.random(count) < 0.4
    released = rng.uniform(-60, stage.days * 0.6, apps)[group]
    people.created = np.where(young, np.minimum(released + rng.exponential(8, count), stage.days - 1), people.created)
    people.start = np.maximum(people.created, 0)
    people.rate = heavy(rng, count, 7.0, 1.1, 600.0)
    tripled = np.repeat(speech, 3)
    content = Framed(group, stage.lines("app_head", tripled), stage.lines("app_tail", tripled), 3, stage.chat(people), stage.lines("app_system", speech))
    return Crowd("popular-app", people, content, names("popular-app", group), Kind.SHARED_APP)


def quickstarts(stage: Stage, count: int) -> Crowd:
    """Newcomers who run the documentation's examples, then try something of their own."""
    people = stage.people(count)
    kit(stage, people)
    people.created = stage.rng.uniform(-10, stage.days - 1, count)
    people.start = np.maximum(people.created, 0)
    people.rate = heavy(stage.rng, count, 4.0, 0.8, 60.0)
    chat = stage.chat(people)
    share = stage.rng.beta(2, 2, count)
    content = Mixture([Phrases("quickstart", chat), chat], np.stack([share, 1 - share], axis=1), [0, 0])
    return Crowd("quickstart", people, content, names("quickstart", np.zeros(count, int)), Kind.SHARED_APP)


def pings(stage: Stage, count: int) -> Crowd:
    """Smoke tests and keep-alives: a fixed prompt by the clock."""
    people = stage.people(count)
    machine(stage, people, 30.0, 0.9, 1.0, 5.0)
    people.turns[:] = 1.0
    people.regular[:] = True
    people.active[:] = 0.97
    people.answer[:] = 6.0
    return Crowd("ping", people, Phrases("ping", stage.chat(people)), names("ping", np.arange(count)))


def agents(stage: Stage, count: int) -> Crowd:
    """Agents: loops of tool calls with long observations."""
    people = stage.people(count)
    machine(stage, people, 90.0, 1.0, 14.0, 9.0)
    people.tools = stage.rng.integers(2, 24, count)
    people.active *= 0.8
    people.chat = stage.rng.random(count) < 0.7
    system = stage.lines("app_system", np.zeros(count, np.int64))
    return Crowd("agent", people, Phrases("agent_turn", stage.chat(people), system), names("agent", np.arange(count)))


def evaluators(stage: Stage, count: int) -> Crowd:
    """Evaluation harnesses: public frames, public questions, whole sweeps; judges among them."""
    rng, people = stage.rng, stage.people(count)
    machine(stage, people, 160.0, 1.0, 60.0, 2.0)
    group = groups(count, 2.5, 0.6, rng, 1)
    total = int(group.max()) + 1
    company(stage, people, group, 0.7)
    people.temperature[:] = np.where(rng.random(count) < 0.75, 0.0, people.temperature)
    people.active *= 0.45
    public = stage.bank.templates("harness", 8, rng, 0)
    judges = stage.bank.templates("judge", 6, rng, 0)
    frames = [
        list(rng.choice(judges if rng.random() < 0.35 else public, rng.integers(1, 4))) for _ in range(total)
    ]
    size = 6000
    items, answers = stage.bank.draw("question", size, rng, 0, np.arange(240))
    # Everybody runs the same few sets; each group a stretch of them.
    start = (rng.integers(0, 6, total) * (size // 6))[group]
    pool = Pool(items, answers, start, np.full(count, size // 6), sweep=True)
    content = Templates(group, frames, ["harness"] * total, np.zeros(total, int), pool, np.zeros(total))
    return Crowd("evaluator", people, content, names("evaluator", group), Kind.EVALUATION)


def companies(stage: Stage, count: int) -> Crowd:
    """Companies: colleagues behind one network and contract, with an internal assistant."""
    rng, people = stage.rng, stage.people(count)
    group = groups(count, 14.0, 0.8, rng)
    total = int(group.max()) + 1
    company(stage, people, group, 0.75)
    alike(people, group, "client", "model", "temperature", "max_tokens", "stream", "output")
    speech = people.language[np.unique(group, return_index=True)[1]]
    speech = np.where([("app_system" in grammar(LANGUAGES[n])) for n in speech], speech, 0)
    chat = stage.chat(people)
    framed = Framed(group, stage.lines("app_head", speech), stage.lines("app_tail", speech), 1, chat, stage.lines("app_system", speech))
    share = rng.beta(1, 2, count)
    content = Mixture([framed, chat], np.stack([share, 1 - share], axis=1), [0, 0])
    return Crowd("company", people, content, names("company", group), Kind.ORGANISATION)


def rag_companies(stage: Stage, count: int) -> Crowd:
    """Companies that call from several accounts with retrieved passages in the prompt."""
    rng, people = stage.rng, stage.people(count)
    machine(stage, people, 45.0, 0.9, 3.0, 40.0)
    group = groups(count, 9.0, 0.7, rng)
    total = int(group.max()) + 1
    company(stage, people, group, 0.95)
    alike(people, group, "client", "second_client", "model", "temperature", "max_tokens", "stream", "output")
    heads = stage.lines("rag_head", np.zeros(total, int)).to_pylist()
    frames = [[f"{head}[1] {{passage}}\n\nQuestion: {{item}}\nAnswer:"] for head in heads]
    content = Templates(group, frames, ["rag_head"] * total, np.zeros(total, int), stage.chat(people), np.zeros(total))
    return Crowd("rag-company", people, content, names("rag-company", group), Kind.ORGANISATION)


def _course(stage: Stage, count: int, cohort: str, size: float, width: float) -> Crowd:
    rng, people = stage.rng, stage.people(count)
    group = groups(count, size, 0.5, rng, 6)
    total = int(group.max()) + 1
    alike(people, group, "country", "language", "zone")
    burst(stage, people, group, width)
    people.mail = np.array([f"uni{place}.edu.example" for place in rng.integers(0, 60, total)], object)[group]
    site = rng.choice(stage.world.sites, total)
    campus = rng.random(len(people)) < 0.6
    near = stage.world.networks.address(site, rng)[group]
    people.address[campus, 0] = near[campus] & np.uint32(0xFFFFFF00) | rng.integers(1, 9, int(campus.sum()), dtype=np.uint32)
    people.asn[campus, 0] = stage.world.networks.asn[site][group][campus]
    people.stop = np.minimum(people.start + rng.uniform(2, 12, total)[group], stage.days)
    people.rate = heavy(rng, count, 10.0, 0.7, 120.0)
    people.active = rng.beta(3, 2, count)
    frames = [stage.lines("assignment", np.zeros(4, int)).to_pylist() for _ in range(total)]
    frames = [[f"{text} {{item}}" for text in entry] for entry in frames]
    work = Templates(group, frames, ["assignment"] * total, np.zeros(total, int), stage.chat(people), np.zeros(total), skew=1.0)
    share = rng.beta(4, 2, count)
    content = Mixture([work, stage.chat(people)], np.stack([share, 1 - share], axis=1), [0, 0])
    return Crowd(cohort, people, content, names(cohort, group), Kind.ORGANISATION)


def classrooms(stage: Stage, count: int) -> Crowd:
    """Classes: sign-ups in an hour, one assignment, one campus."""
    return _course(stage, count, "classroom", 32.0, 0.08)


def hackathons(stage: Stage, count: int) -> Crowd:
    """Hackathons: strangers who start together and work day and night for two days."""
    crowd = _course(stage, count, "hackathon", 60.0, 0.3)
    kit(stage, crowd.people)
    crowd.people.stop = np.minimum(crowd.people.start + 2.5, stage.days)
    crowd.people.rate *= 3
    return crowd


def resellers(stage: Stage, count: int) -> Crowd:
    """Resellers and routers: a pool of accounts whose sessions belong to unrelated customers."""
    rng, people = stage.rng, stage.people(count)
    machine(stage, people, 60.0, 0.7, 2.5, 60.0)
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
    content = Mixture([stage.chat(crowd)], np.ones((count, 1)), [users])
    return Crowd("reseller", people, content, names("reseller", group), Kind.RELAY)


def contractors(stage: Stage, count: int) -> Crowd:
    """Authorised makers of synthetic data: an organisation under contract, harvest-like prompts."""
    rng, people = stage.rng, stage.people(count)
    machine(stage, people, 120.0, 0.7, 20.0, 4.0)
    group = groups(count, 9.0, 0.5, rng, 3)
    total = int(group.max()) + 1
    company(stage, people, group, 0.9)
    alike(people, group, "client", "temperature", "max_tokens", "output", "model")
    rules = rng.choice(["synthesise", "rl_task", "grade", "reason"], total)
    frames = [stage.bank.templates(rule, 3, rng, 0) for rule in rules]
    size = 600 * total
    items, answers = stage.bank.draw("instruction", size, rng, 0, rng.integers(0, 240, 30))
    pool = Pool(items, answers, group * 600, np.full(count, 600), sweep=True)
    content = Templates(group, frames, list(rules), np.zeros(total, int), pool, np.zeros(total))
    return Crowd("contractor", people, content, names("contractor", group), Kind.ORGANISATION)


def hobbyists(stage: Stage, count: int) -> Crowd:
    """Hobby trainers and researchers: one account each, synthetic data from well-known recipes."""
    rng, people = stage.rng, stage.people(count)
    machine(stage, people, 40.0, 1.1, 20.0, 4.0)
    people.active *= 0.5
    alone = np.arange(count)
    rules = rng.choice(["synthesise", "reason", "rl_task", "grade", "rewrite"], count, p=[0.5, 0.25, 0.1, 0.1, 0.05])
    frames = [stage.bank.templates(rule, 2, rng, 0) for rule in rules]
    size = 200 * count
    items, answers = stage.bank.draw("instruction", size, rng, 0, np.arange(240))
    pool = Pool(items, answers, alone * 200, np.full(count, 200), sweep=False)
    work = Templates(alone, frames, list(rules), np.zeros(count, int), pool, np.full(count, 0.1))
    share = rng.beta(4, 2, count)
    content = Mixture([work, stage.chat(people)], np.stack([share, 1 - share], axis=1), [0, 0])
    return Crowd("hobbyist", people, content, names("hobbyist", alone))


def batches(stage: Stage, count: int) -> Crowd:
    """Batch jobs: classification, extraction, translation with one frame per job."""
    rng, people = stage.rng, stage.people(count)
    machine(stage, people, 120.0, 1.2, 80.0, 2.0)
    people.active *= 0.6
    people.answer = heavy(rng, count, 40.0, 0.9, 600.0)
    group = groups(count, 2.0, 0.5, rng, 1)
    total = int(group.max()) + 1
    company(stage, people, group, 0.6)
    people.rhythm = rng.choice([FLAT, OFFICE, EVENING], count)
    people.weekend[:] = 0.8
    heads = stage.lines("batch_head", np.zeros(total, int))
    inner = Phrases("review", stage.chat(people))
    content = Framed(group, heads, pa.array([""] * total), 1, inner)
    return Crowd("batch", people, content, names("batch", group))


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


def bots(stage: Stage, count: int) -> Crowd:
    """Support bots, language-learning and accessibility apps that call from servers of their own."""
    rng, people = stage.rng, stage.people(count)
    machine(stage, people, 35.0, 1.0, 5.0, 45.0)
    people.rhythm[:] = HUMAN
    people.chat[:] = True
    group = groups(count, 4.0, 0.7, rng, 1)
    total = int(group.max()) + 1
    alike(people, group, "client", "second_client", "temperature", "max_tokens", "address", "asn", "model", "payment", "language")
    speech = people.language[np.unique(group, return_index=True)[1]]
    speech = np.where([("app_head" in grammar(LANGUAGES[n])) for n in speech], speech, 0)
    content = Framed(group, stage.lines("app_head", speech), stage.lines("app_tail", speech), 1, stage.chat(people), stage.lines("app_system", speech))
    return Crowd("bot", people, content, names("bot", group), Kind.SHARED_APP)


def tunnelled(stage: Stage, count: int) -> Crowd:
    """People behind VPN services: shared addresses, changing countries, sometimes a shared card."""
    rng, people = stage.rng, stage.people(count)
    exits = stage.world.networks.address(rng.choice(stage.world.tunnels, 30 + count // 20), rng)
    owner = rng.integers(0, len(exits), (count, 3))
    people.address = exits[owner]
    system = rng.choice(stage.world.tunnels, (count, 3))
    people.asn, people.place = stage.world.networks.asn[system], stage.world.networks.country[system]
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
    content: Content = Mixture([questions, stage.chat(people)], np.stack([share, 1 - share], axis=1), [0, 0])
    return Crowd("early-adopter", people, content, names("early-adopter", np.zeros(count, int)))


COHORTS: Final[dict[str, tuple[float, Callable[[Stage, int], Crowd]]]] = {
    "individual": (51.0, individuals),
    "developer": (11.0, developers),
    "popular-app": (8.0, popular_apps),
    "quickstart": (2.5, quickstarts),
    "ping": (1.2, pings),
    "agent": (1.8, agents),
    "evaluator": (0.9, evaluators),
    "company": (4.5, companies),
    "rag-company": (1.4, rag_companies),
    "classroom": (3.5, classrooms),
    "hackathon": (1.2, hackathons),
    "reseller": (1.1, resellers),
    "contractor": (0.5, contractors),
    "hobbyist": (0.7, hobbyists),
    "batch": (1.6, batches),
    "viral": (2.0, viral),
    "bot": (1.4, bots),
    "vpn": (1.8, tunnelled),
    "promotion": (2.0, promotions),
    "family": (1.6, families),
    "early-adopter": (1.3, early_adopters),
}
"""Cohorts with their share of accounts (relative) and how they are drawn."""

__all__ = ["COHORTS", "NEVER", "Stage", "alike", "groups", "heavy", "kit", "names"]
