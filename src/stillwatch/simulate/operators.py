"""Operators who come back: what a later campaign of the same operator shares with an earlier one.

With `returning`, each campaign keeps or renews every part of what an operator has, one by one. How
often it keeps depends on the operator: some are disciplined, some are not. Some parts are not its
own: a public toolkit, or a supplier of cards, mailboxes and networks that serves several operators.
So two campaigns may share much and belong to two operators, or nothing and belong to one.

Some operators are an organisation. A few of its campaigns use its mailboxes or name it. Others name
an organisation that has nothing to do with it: a false flag.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from stillwatch.simulate.chat import entities
from stillwatch.simulate.crowd import Crowd
from stillwatch.simulate.disguise import each_harvest
from stillwatch.simulate.people import secrets
from stillwatch.simulate.stage import Own, Stage
from stillwatch.simulate.templates import Templates

KITS: Final = 5
"""Public toolkits for harvests: several operators take frames and work items from them."""
SUPPLIERS: Final = 6
"""Sellers of cards, devices, mailboxes and networks to whoever pays."""
FIRMS: Final = 30
"""Well-known organisations that false flags name."""
PARTS: Final = ("content", "client", "pace", "cards", "devices", "networks", "mail")
"""What a campaign keeps or renews."""
BORROWED: Final = {"cards": 0.15, "devices": 0.15, "networks": 0.4, "mail": 0.4}
"""Share of operators whose means of a sort are a supplier's."""
TOOLKIT: Final = 0.35
"""Share of operators who work with a public toolkit."""
COMPANY: Final = 0.5
"""Share of operators who are an organisation."""
OWN_MAIL: Final = 0.3
"""Share of the campaigns of an organisation that use its mailboxes."""
OWN_NAME: Final = 0.15
"""Share of them that name it, without mailboxes."""
FALSE_FLAG: Final = 0.2
"""Share of all campaigns that name an organisation that has nothing to do with them."""


@dataclass(frozen=True)
class Operator:
    """What is true of an operator at all times.

    Attributes:
        keeps: by part, how often a campaign keeps it.
        kit: the toolkit that it takes its frames from; None for its own.
        suppliers: by sort of means, whose these are; None for its own.
        organisation: the organisation that it is; None for none.
    """

    keeps: dict[str, float]
    kit: int | None
    suppliers: dict[str, int | None]
    organisation: str | None


def operator_of(seed: int) -> Operator:
    """The operator of a seed.

    >>> operator_of(3) == operator_of(3)
    True
    """
    rng = np.random.default_rng([seed, 6])
    loose = rng.uniform(0.2, 0.95)
    keeps = {part: float(np.clip(loose + rng.normal(0, 0.2), 0.02, 0.98)) for part in PARTS}
    kit = int(rng.integers(KITS)) if rng.random() < TOOLKIT else None
    suppliers = {
        sort: int(rng.integers(SUPPLIERS)) if rng.random() < odds else None
        for sort, odds in BORROWED.items()
    }
    name = f"{entities(1, rng)[0].as_py()}{rng.integers(10, 99)}"
    return Operator(keeps, kit, suppliers, name if rng.random() < COMPANY else None)


def firm(number: int) -> str:
    """A well-known organisation, one of `FIRMS`."""
    return f"{entities(1, np.random.default_rng([number, 9]))[0].as_py()}{number}"


def own_stages(stage: Stage, operator: int, *, returning: bool) -> Own:
    """The stages from which an operator's campaign draws its habits.

    Args:
        stage: World and generator of the traffic.
        operator: Its seed.
        returning: Whether each habit is kept or renewed; without, all are kept.
    """
    kept = replace(stage, rng=np.random.default_rng([operator, 4]))
    if not returning:
        return Own.all(kept)
    who, rng = operator_of(operator), stage.rng
    content = np.random.default_rng([operator, 4] if who.kit is None else [who.kit, 7])
    own = {
        "content": replace(stage, rng=content),
        "client": kept,
        "pace": replace(stage, rng=np.random.default_rng([operator, 10])),
    }
    return Own(**{part: s if rng.random() < who.keeps[part] else stage for part, s in own.items()})


def come_back(stage: Stage, crowd: Crowd, operator: int) -> None:
    """Give a drawn campaign of an operator some of its means, new frames, and names; in place.

    Args:
        stage: World, and a generator of this campaign alone.
        crowd: The campaign.
        operator: The operator's seed.
    """
    who, rng = operator_of(operator), stage.rng
    private = crowd.knobs["private_infrastructure"]
    for sort, step in (
        ("cards", _cards),
        ("devices", _devices),
        ("networks", _networks),
        ("mail", _mail),
    ):
        share = rng.beta(1.0, 1.2) * (1 - private)
        rows = np.flatnonzero(rng.random(len(crowd.people)) < share)
        if rng.random() < who.keeps[sort] and len(rows):
            supplier = who.suppliers[sort]
            name = [operator, 5] if supplier is None else [supplier, 11]
            step(stage, crowd, rows, np.random.default_rng([*name, len(sort)]))
    renewed = rng.beta(0.6, 1.0)
    crowd.content = each_harvest(crowd.content, lambda work: _renew(stage, work, renewed))
    _name(rng, crowd, operator, who)


def _cards(stage: Stage, crowd: Crowd, rows: np.ndarray, pool: np.random.Generator) -> None:
    paying = rows[crowd.people.payment[rows] != 0]
    crowd.people.payment[paying] = stage.rng.choice(secrets(pool, 12), len(paying))


def _devices(stage: Stage, crowd: Crowd, rows: np.ndarray, pool: np.random.Generator) -> None:
    crowd.people.device[rows] = stage.rng.choice(secrets(pool, 8), len(rows))


def _networks(stage: Stage, crowd: Crowd, rows: np.ndarray, pool: np.random.Generator) -> None:
    """Some /24 networks at hosters and access providers, for sign-ups too."""
    rng, world, people = stage.rng, stage.world, crowd.people
    systems = pool.choice(np.concatenate([world.hosts, world.isps.ravel()]), 6)
    base = world.networks.address(systems, pool) & np.uint32(0xFFFFFF00)
    which = rng.integers(0, len(systems), len(rows))
    for place in (0, 1):
        host = rng.integers(1, 255, len(rows), dtype=np.uint32)
        people.address[rows, place] = base[which] | host
        people.asn[rows, place] = world.networks.asn[systems][which]
        people.place[rows, place] = world.networks.country[systems][which]


def _mail(stage: Stage, crowd: Crowd, rows: np.ndarray, pool: np.random.Generator) -> None:
    domains = np.array([f"box{pool.integers(10_000, 99_999)}.example" for _ in range(3)], object)
    crowd.people.mail[rows] = stage.rng.choice(domains, len(rows))


def _renew(stage: Stage, work: Templates, share: float) -> Templates:
    """Replace a share of the frames by new ones of the same rule."""
    rng = stage.rng
    frames = []
    for given, rule, language in zip(work.frames, work.rule, work.language, strict=True):
        new = stage.bank.templates(rule, len(given), rng, int(language))
        pairs = zip(given, new, strict=True)
        frames.append([fresh if rng.random() < share else old for old, fresh in pairs])
    return replace(work, frames=frames)


def _name(rng: np.random.Generator, crowd: Crowd, operator: int, who: Operator) -> None:
    """Name the operator's organisation, or another; with its mailboxes or without."""
    people, size = crowd.people, len(crowd.people)
    claimed = np.full(size, None, object)
    own, only_named, flagged = rng.random(3) < (OWN_MAIL, OWN_NAME, FALSE_FLAG)
    rows = np.flatnonzero(rng.random(size) < rng.uniform(0.05, 0.7))
    fake = np.flatnonzero(rng.random(size) < rng.uniform(0.2, 1.0))
    if flagged:
        name = firm(int(rng.integers(FIRMS)))
        claimed[fake] = name
        people.org[fake] = secrets(rng, 1)
        # Most flags are only a name; some have a mailbox or papers to show.
        if rng.random() < 0.25:
            people.mail[rng.choice(fake, min(3, len(fake)))] = f"{name.lower()}.example"
        people.verified[fake] = rng.random(len(fake)) < (0.5 if rng.random() < 0.15 else 0.05)
    if who.organisation is not None and (own or only_named):
        claimed[rows] = who.organisation
        people.org[rows] = secrets(np.random.default_rng([operator, 12]), 1)
        if own:
            people.mail[rows] = f"{who.organisation.lower()}.example"
            people.verified[rows] = rng.random(len(rows)) < rng.choice([0.1, 0.9])
    if flagged or own or only_named:
        crowd.claimed = claimed
