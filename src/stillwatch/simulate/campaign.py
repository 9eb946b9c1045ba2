"""Attacks: operations that harvest a model through many accounts, with evasion by degrees."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from stillwatch.events.contracts import Kind
from stillwatch.simulate.chat import Chat, topics
from stillwatch.simulate.content import Content, Mixture, Switch
from stillwatch.simulate.crowd import Crowd
from stillwatch.simulate.grammar import LANGUAGES, grammar
from stillwatch.simulate.knobs import Evasion
from stillwatch.simulate.people import FREE, NEVER, PLUS, TEAM, USAGE, People, heavy, secrets
from stillwatch.simulate.stage import Own, Stage
from stillwatch.simulate.templates import FORMS, Pool, Templates

OBJECTIVES: Final = {
    # objective: frame rules of which an operation takes one, and the work item
    "reasoning": (("reason", "exfiltrate"), "question"),
    "grading": (("grade",), "instruction"),
    "rewriting": (("rewrite",), "question"),
    "tasks": (("rl_task",), "instruction"),
    "general": (("synthesise",), "instruction"),
    "coding": (("code", "reason"), "code_task"),
    "tool-use": (("tool",), "tool_task"),
}
"""The five reported methods, and the coding and tool-use harvests."""

LARGEST_POOL: Final = 40_000
"""Work items of one buyer that are kept in memory."""


@dataclass(frozen=True)
class Operation:
    """What one operator decided before starting; times in days, rates in events per account-day."""

    name: str
    objectives: tuple[str, ...]
    language: int
    rate: float
    start: float
    length: float
    evasion: Evasion


def draw_operation(
    stage: Stage,
    name: str,
    size: int,
    *,
    events: float,
    rate: float,
    evasion: Evasion,
    own: Stage,
) -> Operation:
    """Draw objectives, rate and timing.

    Args:
        stage: World and generator.
        own: The stage of what the operator takes with it, see `campaign`.
        name: Campaign id.
        size: Accounts.
        events: Events that the operation may send in all.
        rate: Events per account and day that it aims at.
        evasion: Knobs.
    """
    rng = stage.rng
    each = max(events / size, 2.0)
    each = each ** (1 - evasion.few_events) * rng.uniform(3.0, 8.0) ** evasion.few_events
    longest = stage.days * rng.uniform(0.35, 0.95)
    length = float(np.clip(each / rate, rng.uniform(0.5, 2.0), longest))
    rate = each / length
    start = float(rng.uniform(0.0, max(stage.days - length, 0.01)))
    if evasion.model_move > 0:
        # An operation can only move if it is at work when the new model comes out.
        length = max(length, 3.0)
        start = float(
            np.clip(stage.release - length * rng.uniform(0.3, 0.7), 0, stage.days - length)
        )
        rate = each / length
    buyers = 1 + round(4 * evasion.many_buyers)
    chosen = own.rng.permutation(list(OBJECTIVES))[:buyers]
    speech = own.speech(1, "reason")[0] if own.rng.random() < 0.35 else 0
    return Operation(name, tuple(str(o) for o in chosen), int(speech), rate, start, length, evasion)


def campaign(
    stage: Stage,
    name: str,
    size: int,
    *,
    events: float,
    rate: float,
    evasion: Evasion,
    own: Own | None = None,
) -> Crowd:
    """Draw one attacking campaign of `size` accounts that sends about `events` events.

    Args:
        stage: World and generator.
        name: Campaign id.
        size: Accounts.
        events: Events that it sends in all.
        rate: Events per account and day that it aims at.
        evasion: Knobs.
        own: The same stage with the operator's own generators: what an operator takes from provider
            to provider is drawn from them, never a number of draws that depends on accounts or
            days. None draws all from `stage`.
    """
    rng, own = stage.rng, own or Own.all(stage)
    operation = draw_operation(
        stage, name, size, events=events, rate=rate, evasion=evasion, own=own.content
    )
    people = stage.people(size)
    natives = rng.random(size) < 0.8
    people.language = np.where(natives, operation.language, people.language)
    endings = _lives(stage, people, operation)
    _signups(stage, people, operation)
    _infrastructure(stage, people, evasion)
    _clients(stage, people, evasion, own.client)
    _schedule(stage, people, operation, own.pace)
    if evasion.model_move:
        moved = rng.random(size) < 0.5 + evasion.model_move / 2
        people.moves = np.where(moved, stage.release + rng.exponential(0.35, size), NEVER)
    else:
        people.moves[:] = stage.release if rng.random() < 0.3 else NEVER
    relay = 0.8 * evasion.relay_mix
    return Crowd(
        cohort="campaign",
        people=people,
        content=_content(stage, people, operation, own.content),
        group=np.full(size, name, object),
        kind=Kind.RELAY if relay >= 0.5 else Kind.EXTRACTION,
        objective=operation.objectives[0] if len(operation.objectives) == 1 else "general",
        attack=True,
        knobs={field: getattr(evasion, field) for field in evasion.__dataclass_fields__},
        volume=_volume(stage, operation),
        clock=_clock(stage, own.pace),
        endings=endings,
    )


def _lives(stage: Stage, people: People, operation: Operation) -> np.ndarray:
    """Set when accounts work; with replacement, chains of short lives. Returns days of bans."""
    rng, size, knob = stage.rng, len(people), operation.evasion.replacement
    start, length = operation.start, operation.length
    if knob == 0:
        # Accounts come in over the first tenth; a few are a hot standby that joins late.
        people.start = start + rng.random(size) * 0.1 * length
        late = rng.random(size) < 0.08
        people.start = np.where(late, start + rng.uniform(0.3, 0.9, size) * length, people.start)
        people.stop[:] = min(start + length, stage.days)
        return np.full(size, np.nan)
    life = length * (1 - knob) + min(1.0, length / 3) * knob
    slots = max(2, round(size / max(1.0, length / life)))
    chain = np.arange(size) // slots
    lives = rng.exponential(life, (int(chain.max()) + 1, slots)) + 0.05
    lives *= length / np.maximum(lives.sum(axis=0), length)
    ends = lives.cumsum(axis=0).ravel()[:size]
    people.start = start + ends - lives.ravel()[:size]
    people.stop = np.minimum(start + ends, stage.days)
    return np.where(rng.random(size) < 0.9, people.stop, np.nan)


def _signups(stage: Stage, people: People, operation: Operation) -> None:
    """Create accounts in bursts before the start, one by one before use, or at ordinary times."""
    rng, size = stage.rng, len(people)
    spread = rng.random(size) < operation.evasion.spread_signups
    waves = rng.integers(1, 4)
    # Some operators use accounts at once, others keep a stock for months.
    lead = np.exp(rng.uniform(np.log(2.0), np.log(90.0)))
    wave = operation.start - rng.exponential(lead, waves) - 0.1
    created = wave[rng.integers(0, waves, size)] - rng.exponential(rng.uniform(0.05, 1.5), size)
    if operation.evasion.replacement and rng.random() < 0.5:
        created = people.start - rng.uniform(0.02, 1.5, size)
    people.created = np.where(spread, np.minimum(people.created, people.start - 0.01), created)
    shared = ~spread
    domains = np.array(
        [f"mail{rng.integers(1000, 9999)}.example" for _ in range(rng.integers(1, 6))], object
    )
    if rng.random() < 0.45:
        people.mail[shared] = rng.choice(domains, int(shared.sum()))
    path = rng.random()
    if path < 0.15:
        people.mail[shared] = f"uni{rng.integers(0, 60)}.edu.example"
    plan = rng.choice([FREE, PLUS, TEAM, USAGE], p=[0.25, 0.3, 0.1, 0.35])
    people.plan[shared] = plan
    people.verified[shared] = rng.random(int(shared.sum())) < rng.uniform(0.15, 0.9)
    if rng.random() < 0.2:
        people.org[shared] = secrets(rng, 1 + size // 40)[
            rng.integers(0, 1 + size // 40, int(shared.sum()))
        ]


def _infrastructure(stage: Stage, people: People, evasion: Evasion) -> None:
    """Put accounts without private infrastructure on common networks, cards and devices."""
    rng, size, networks = stage.rng, len(people), stage.world.networks
    private = rng.random(size) < evasion.private_infrastructure
    shared = np.flatnonzero(~private)
    kind = rng.choice(["host", "isp", "tunnel"], p=[0.5, 0.35, 0.15])
    isps = stage.world.isps[rng.integers(0, len(stage.world.isps), 3)].ravel()
    catalogue = {"host": stage.world.hosts, "isp": isps, "tunnel": stage.world.tunnels}[str(kind)]
    systems = rng.choice(catalogue, rng.integers(2, 9))
    nets = rng.choice(systems, 1 + size // int(rng.integers(8, 40)))
    base = networks.address(nets, rng) & np.uint32(0xFFFFFF00)
    owner = rng.integers(0, len(nets), (size, 3))
    address = base[owner] | rng.integers(1, 255, (size, 3), dtype=np.uint32)
    people.address[shared] = address[shared]
    people.asn[shared] = networks.asn[nets][owner][shared]
    people.place[shared] = networks.country[nets][owner][shared]
    if rng.random() < 0.5:
        # Signed up by hand or through proxies at home networks; the second network is theirs.
        proxies = rng.choice(stage.world.isps.ravel(), rng.integers(3, 30))
        owners = rng.choice(proxies, len(shared))
        people.address[shared, 1] = networks.address(owners, rng)
        people.asn[shared, 1] = networks.asn[owners]
        people.place[shared, 1] = networks.country[owners]
    people.churn[shared] = rng.beta(0.6, 1.5)
    paying = people.plan != FREE
    cards = secrets(rng, 1 + size // int(rng.integers(3, 13)))
    people.payment = np.where(people.payment == 0, secrets(rng, size), people.payment)
    people.payment[shared] = rng.choice(cards, len(shared))
    people.payment = np.where(paying, people.payment, 0).astype(np.uint64)
    devices = secrets(rng, 1 + size // int(rng.integers(4, 30)))
    people.device[shared] = rng.choice(devices, len(shared)) if rng.random() < 0.8 else 0
    away = stage.people(size)
    abroad = shared[rng.random(len(shared)) < 0.6]
    people.country[abroad] = rng.choice(away.country[:3], len(abroad))


def _clients(stage: Stage, people: People, evasion: Evasion, own: Stage) -> None:
    """One or a few clients and request settings for accounts without a client of their own."""
    rng, size = stage.rng, len(people)
    shared = np.flatnonzero(rng.random(size) >= evasion.distinct_clients)
    web = own.rng.random() < 0.3
    catalogue = stage.clients.browsers if web else stage.clients.kits
    kinds = own.rng.choice(catalogue, own.rng.integers(1, 4))
    people.client[shared] = rng.choice(kinds, len(shared))
    people.second_client[shared] = people.client[shared]
    model_settings = own.people(200)
    is_kit = np.isin(model_settings.client, stage.clients.browsers, invert=not web)
    setting = int(np.flatnonzero(is_kit)[0])
    for trait in (
        "temperature",
        "top_p",
        "max_tokens",
        "stream",
        "choices",
        "logprobs",
        "output",
        "tools",
        "effort",
        "model",
    ):
        values = getattr(people, trait)
        values[shared] = getattr(model_settings, trait)[setting]
    typical = float(np.median(people.answer)) * np.exp(rng.uniform(-0.6, 1.1))
    people.answer = heavy(rng, size, typical, 0.3, 3000.0)


def _schedule(stage: Stage, people: People, operation: Operation, own: Stage) -> None:
    """Load balancing: equal shares by the operation's clock, less so with a daily rhythm."""
    rng, size, evasion = stage.rng, len(people), operation.evasion
    human = rng.random(size) < evasion.daily_rhythm
    balance = own.rng.uniform(0.05, 0.8)
    # Where lives are short fewer accounts work at a time, each harder: the work stays the same.
    shorter = operation.length / max(float(np.mean(people.stop - people.start)), 0.05)
    rate = operation.rate * shorter * np.exp(rng.normal(0, balance, size))
    people.active = np.where(human, np.clip(people.active + 0.25, 0.3, 0.9), 0.97)
    people.rate = np.minimum(rate / people.active, 3000.0)
    people.weekend = np.where(human, people.weekend, 1.0)
    people.linked = np.where(human, 0.1, rng.uniform(0.7, 1.0))
    people.regular = ~human & (rng.random(size) < own.rng.choice([0.0, 1.0]))
    talks = rng.random(size) < evasion.conversations
    run = float(own.rng.choice([1.0, 4.0, 15.0]))
    people.turns = np.where(
        talks, rng.uniform(2.0, 6.0, size), np.minimum(run, 1 + people.rate / 3)
    )
    people.gap = np.where(talks, heavy(rng, size, 50.0, 0.5, 600.0), own.rng.uniform(2.0, 40.0))
    people.chat = talks | (own.rng.random() < 0.25)


def _volume(stage: Stage, operation: Operation) -> np.ndarray:
    """Factor per day: a probing phase, then full scale, with pauses."""
    rng, day = stage.rng, np.arange(stage.days)
    age = (day + 1 - operation.start) / max(operation.length, 1e-6)
    volume = np.where(age < rng.uniform(0.0, 0.25), rng.uniform(0.2, 0.9), 1.0)
    pause = (rng.random(stage.days) < rng.uniform(0, 0.12)) & (operation.length > 5)
    return np.where(pause, 0.1, volume) * np.exp(rng.normal(0, 0.15, stage.days))


def _clock(stage: Stage, own: Stage) -> np.ndarray:
    """The operation's jobs by day and hour: runs at full speed with idle hours between."""
    rng = stage.rng
    hours = stage.days * 24
    edges = np.flatnonzero(rng.random(hours) < own.rng.uniform(0.05, 0.4))
    level = rng.choice([0.05, 0.4, 1.0], len(edges) + 1, p=[0.3, 0.2, 0.5])
    steps = np.searchsorted(edges, np.arange(hours), side="right")
    return level[steps].reshape(stage.days, 24)


def _content(stage: Stage, people: People, operation: Operation, own: Stage) -> Content:
    """Everything the pool sends: the buyers' harvests, ordinary cover, relayed customers."""
    rng, size, evasion = stage.rng, len(people), operation.evasion
    sources: list[Content] = []
    users: list[int] = []
    private = rng.random(size) < evasion.private_pools
    for objective in operation.objectives:
        before = _harvest(stage, operation, objective, private, own)
        if evasion.model_move > 0:
            after = _harvest(stage, operation, objective, private, own)
            sources.append(Switch(before, after, stage.release + 0.2))
        else:
            sources.append(before)
        users.append(0)
    cover, relay = 0.5 * evasion.camouflage, 0.8 * evasion.relay_mix
    shares = [
        np.full((size, 1), (1 - cover) * (1 - relay))
        * rng.dirichlet(np.full(len(sources), 4.0), size)
    ]
    if cover:
        sources.append(Chat.draw(people.language, rng, dict(stage.bank.quotes)))
        users.append(0)
        shares.append(np.full((size, 1), cover * (1 - relay)))
    if relay:
        customers = stage.people(max(30, size * 5))
        sources.append(stage.chat(customers))
        users.append(len(customers))
        shares.append(np.full((size, 1), relay))
    if len(sources) == 1:
        return sources[0]
    hops = bool(rng.random() < 0.5)
    return Mixture(sources, np.concatenate(shares, axis=1), users, hops=hops)


def _harvest(
    stage: Stage, operation: Operation, objective: str, private: np.ndarray, own: Stage
) -> Templates:
    """One buyer's frames around one buyer's pool of work items."""
    taken, size = own.rng, len(private)
    rules, item = OBJECTIVES[objective]
    known = [rule for rule in rules if rule in grammar(LANGUAGES[operation.language])]
    language = operation.language if known else 0
    rule = str(taken.choice(known or list(rules)))
    frames = stage.bank.templates(rule, int(taken.integers(1, 7)), taken, language)
    if rule == "rewrite":
        # What is cleaned was harvested before: the first stage runs beside the second.
        frames += stage.bank.templates("reason", int(taken.integers(1, 4)), taken, language)
    common = int(np.exp(taken.uniform(np.log(300), np.log(12_000))))
    span = max(8, min(300, LARGEST_POOL // max(size, 1)))
    shards = np.flatnonzero(private)
    everything = len(topics(grammar(LANGUAGES[language])))
    centre = int(taken.integers(0, everything))
    narrow = (centre + np.arange(int(taken.integers(4, 25)))) % everything
    parts = [stage.bank.draw(item, common, taken, language, narrow)]
    if len(shards):
        parts.append(
            stage.bank.draw(item, span * len(shards), stage.rng, language, np.arange(everything))
        )
    first, spans = np.zeros(size, np.int64), np.full(size, common)
    first[shards], spans[shards] = common + np.arange(len(shards)) * span, span
    if taken.random() < 0.4:
        # A scheduler deals the common pool out in stretches that overlap a little.
        stretch = max(20, 3 * common // max(size, 1))
        dealt = ~private
        first[dealt] = (np.arange(size) * max(1, common // size))[dealt] % common
        spans[dealt] = min(stretch, common)
    pool = Pool(
        pa.concat_arrays([part[0] for part in parts]),
        pa.concat_arrays([part[1] for part in parts]),
        first,
        spans,
        sweep=bool(taken.random() < 0.5),
    )
    return Templates(
        group=np.zeros(size, np.int64),
        frames=[frames],
        rule=[rule],
        language=np.array([language]),
        source=pool,
        paraphrase=np.array([operation.evasion.paraphrase]),
        system=_system(own, language),
        forms=[str(taken.choice(FORMS))],
        skew=float(taken.uniform(0, 2)),
        follow="probe_turn" if "probe_turn" in grammar(LANGUAGES[language]) else "follow",
        followed=operation.evasion.conversations,
    )


def _system(stage: Stage, language: int) -> pa.Array | None:
    """A system prompt for the whole operation, in half of the cases."""
    if stage.rng.random() < 0.5:
        return None
    return stage.lines("app_system", stage.brands(np.array([language])))
