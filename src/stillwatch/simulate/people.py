"""Accounts as columns: who they are, how they connect, and how they use the service.

`ordinary` draws them from the population; cohorts and campaigns overwrite what makes them special.
Missing values are 0 for hashes and counts, -1 for flags, NaN for real parameters.
"""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from stillwatch.simulate.world import OLD_MODELS, Clients, World

HUMAN, OFFICE, EVENING, FLAT, NIGHT = range(5)
"""Daily rhythms: rows of `crowd.HOURS`."""
FREE, PLUS, TEAM, USAGE, ENTERPRISE = range(5)
"""Plans: places in `world.PLANS`."""
FREE_MAIL = (
    "gmail.com",
    "outlook.com",
    "yahoo.com",
    "icloud.com",
    "proton.me",
    "qq.com",
    "naver.com",
    "gmx.net",
)
FREE_MAIL_SHARE = np.array([0.55, 0.13, 0.08, 0.09, 0.04, 0.05, 0.03, 0.03])
NEVER = 1e9


@dataclass
class People:
    """One column per trait; every array has one row per account. Times are days from the start."""

    country: np.ndarray
    language: np.ndarray
    created: np.ndarray
    plan: np.ndarray
    mail: np.ndarray  # str
    payment: np.ndarray  # uint64
    device: np.ndarray
    org: np.ndarray
    verified: np.ndarray  # bool
    address: np.ndarray  # uint32 [n, 3]: home, mobile, elsewhere
    asn: np.ndarray  # int64 [n, 3]
    place: np.ndarray  # int64 [n, 3] country of each network
    roam: np.ndarray  # probability that a session is not at the first network
    churn: np.ndarray  # probability that the last octet is drawn anew per session
    client: np.ndarray
    second_client: np.ndarray
    model: np.ndarray
    moves: np.ndarray  # when the account goes to the new model; NEVER
    temperature: np.ndarray
    top_p: np.ndarray
    max_tokens: np.ndarray
    stream: np.ndarray
    choices: np.ndarray
    logprobs: np.ndarray
    output: np.ndarray  # 0 null, 1 text, 2 json
    tools: np.ndarray  # 0 null
    effort: np.ndarray  # -1 null
    answer: np.ndarray  # median of output tokens
    rate: np.ndarray  # events per active day
    active: np.ndarray  # probability of activity on a weekday
    weekend: np.ndarray  # its factor on a weekend
    start: np.ndarray
    stop: np.ndarray
    zone: np.ndarray
    rhythm: np.ndarray
    turns: np.ndarray  # mean requests per session
    gap: np.ndarray  # mean seconds between them
    chat: np.ndarray  # bool: a session is one conversation
    regular: np.ndarray  # bool: sessions evenly spaced over the day
    linked: np.ndarray  # probability that events follow the crowd's own clock

    def __len__(self) -> int:
        return len(self.country)

    def take(self, rows: np.ndarray) -> Self:
        """The accounts at `rows`, in that order."""
        return type(self)(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


def secrets(rng: np.random.Generator, count: int) -> np.ndarray:
    """Random non-zero 64-bit identifiers."""
    return rng.integers(1, 2**63, count, dtype=np.uint64)


def heavy(
    rng: np.random.Generator, count: int, median: float, spread: float, cap: float
) -> np.ndarray:
    """Log-normal values around a median, cut at `cap`."""
    return np.minimum(median * np.exp(rng.normal(0.0, spread, count)), cap)


def ordinary(
    count: int,
    rng: np.random.Generator,
    world: World,
    clients: Clients,
    *,
    days: int,
    release: float,
) -> People:
    """Draw accounts of the general population: people who chat and people who call the API.

    Args:
        count: Number of accounts.
        rng: Source of every draw.
        world: Countries and networks.
        clients: Client catalogue.
        days: Length of the window.
        release: Day on which the new model comes out.
    """
    country = rng.choice(len(world.country_share), count, p=world.country_share)
    odds = world.speech.cumsum(axis=1)[country]
    language = np.minimum((rng.random(count)[:, None] > odds).sum(axis=1), odds.shape[1] - 1)
    kit = rng.random(count) < 0.35
    systems, address = _networks(country, kit, rng, world)
    client = np.where(
        kit, _popular(clients.kits, count, rng), _popular(clients.browsers, count, rng)
    )
    plan = np.where(
        kit,
        rng.choice([USAGE, FREE], count, p=[0.8, 0.2]),
        rng.choice([FREE, PLUS], count, p=[0.6, 0.4]),
    )
    paying = plan != FREE
    age = np.where(rng.random(count) < 0.45, rng.exponential(25, count), rng.uniform(0, 800, count))
    created = np.minimum(days * rng.random(count) ** 0.7, days - 1.0) - age
    return People(
        country=country,
        language=language,
        created=created,
        plan=plan,
        mail=np.array(FREE_MAIL, object)[rng.choice(len(FREE_MAIL), count, p=FREE_MAIL_SHARE)],
        payment=np.where(paying, secrets(rng, count), 0).astype(np.uint64),
        device=np.where(rng.random(count) < 0.9, secrets(rng, count), 0).astype(np.uint64),
        org=np.zeros(count, np.uint64),
        verified=rng.random(count) < np.where(paying, 0.75, 0.45),
        address=address,
        asn=world.networks.asn[systems],
        place=world.networks.country[systems],
        roam=rng.beta(1.2, 4, count),
        churn=rng.beta(0.6, 2, count),
        client=client,
        second_client=np.where(
            rng.random(count) < 0.3, _popular(clients.browsers, count, rng), client
        ),
        start=np.maximum(created, 0.0),
        zone=world.zones[country] + rng.normal(0, 0.8, count),
        **_requests(kit, rng, days, release),
        **_habits(kit, rng),
    )


def _networks(
    country: np.ndarray, kit: np.ndarray, rng: np.random.Generator, world: World
) -> tuple[np.ndarray, np.ndarray]:
    """Systems [n, 3] and addresses [n, 3] of home, mobile and elsewhere; programs run in clouds."""
    count = len(country)
    home = world.isps[country, np.minimum(rng.geometric(0.4, count) - 1, 4)]
    home = np.where(kit & (rng.random(count) < 0.4), rng.choice(world.hosts, count), home)
    mobile = world.isps[country, rng.integers(0, 5, count)]
    elsewhere = world.isps[country, rng.integers(0, 5, count)]
    draw = rng.random(count)
    elsewhere = np.where(draw < 0.12, rng.choice(world.hosts, count), elsewhere)
    elsewhere = np.where(draw > 0.95, rng.choice(world.tunnels, count), elsewhere)
    systems = np.stack([home, mobile, elsewhere], axis=1)
    address = np.stack([world.networks.address(systems[:, k], rng) for k in range(3)], axis=1)
    return systems, address


def _popular(catalogue: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Entries of a catalogue with Zipf-like popularity in a fixed shuffled order."""
    weight = 1.0 / (1.0 + (np.arange(len(catalogue)) * 37 % len(catalogue))) ** 0.9
    return rng.choice(catalogue, count, p=weight / weight.sum())


def _requests(
    kit: np.ndarray, rng: np.random.Generator, days: int, release: float
) -> dict[str, np.ndarray]:
    count = len(kit)
    rush = release + rng.exponential(np.where(kit, 6.0, 2.5), count)
    moves = np.where(rng.random(count) < 0.55, rush, NEVER)
    warm = rng.choice(
        [np.nan, 0.0, 0.2, 0.3, 0.5, 0.7, 0.8, 1.0],
        count,
        p=[0.35, 0.14, 0.1, 0.06, 0.06, 0.18, 0.04, 0.07],
    )
    limit = rng.choice([0, 256, 512, 800, 1000, 1024, 2000, 2048, 4000, 4096, 8192], count)
    return {
        "stop": np.full(count, float(days)),
        "model": rng.choice(OLD_MODELS, count, p=[0.45, 0.4, 0.15]),
        "moves": moves,
        "temperature": np.where(kit, warm, np.nan),
        "top_p": np.where(
            kit & (rng.random(count) < 0.2), rng.choice([0.9, 0.95, 1.0], count), np.nan
        ),
        "max_tokens": np.where(kit, limit, 0),
        "stream": np.where(kit, rng.choice([-1, 0, 1], count, p=[0.3, 0.4, 0.3]), 1),
        "choices": np.where(
            kit & (rng.random(count) < 0.08), rng.integers(2, 6, count), np.where(kit, 1, 0)
        ),
        "logprobs": np.where(kit & (rng.random(count) < 0.03), 1, -1),
        "output": np.where(kit, rng.choice([0, 1, 2], count, p=[0.5, 0.3, 0.2]), 1),
        "tools": np.where(kit & (rng.random(count) < 0.3), rng.integers(1, 16, count), 0),
        "effort": np.where(rng.random(count) < 0.25, rng.integers(0, 3, count), -1),
        "answer": heavy(rng, count, 230.0, 0.8, 2000.0),
    }


def _habits(kit: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    count = len(kit)
    return {
        "rate": heavy(rng, count, 5.0, 0.9, 400.0),
        "active": rng.beta(1.1, 2.2, count) * 0.9 + 0.04,
        "weekend": np.where(
            kit, heavy(rng, count, 0.5, 0.6, 1.5), heavy(rng, count, 0.9, 0.4, 1.6)
        ),
        "rhythm": rng.choice(
            [HUMAN, OFFICE, EVENING, FLAT, NIGHT], count, p=[0.5, 0.25, 0.17, 0.05, 0.03]
        ),
        "turns": 1.0 + heavy(rng, count, 1.6, 0.7, 12.0),
        "gap": heavy(rng, count, 90.0, 0.8, 900.0),
        "chat": ~kit | (rng.random(count) < 0.4),
        "regular": np.zeros(count, bool),
        "linked": np.zeros(count),
    }
