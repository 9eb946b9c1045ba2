"""Adapt drawn operations to the detector: what their accounts are and when they work.

Tactics come after everything else is drawn, because they copy what benign users do. So an adaptive
scenario holds the operations and the benign accounts of the plain one, and the two can be compared.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from stillwatch.simulate.crowd import Crowd
from stillwatch.simulate.disguise import disguise
from stillwatch.simulate.people import FREE, NEVER, TEAM, heavy, secrets
from stillwatch.simulate.stage import Stage
from stillwatch.simulate.tactics import Tactics

CAMPUS: Final = 0.5
"""Share of accounts that a campus tactic puts on the campus."""
CAMPUSES: Final = 3
"""Most networks of a campus."""
COMPANY: Final = 0.7
"""Share of accounts that a front company owns."""
VOLUME_SPREAD: Final = 1.1
"""Standard deviation of log use per account, as of benign accounts over a window."""
TRIED: Final = 0.55
"""Share of accounts that ever go to a new model, as among people."""


@dataclass(frozen=True)
class Scene:
    """What a tactic may use: the stage, the benign crowds by cohort, and how strong it is."""

    stage: Stage
    benign: dict[str, Crowd]
    tactics: Tactics


def adapt(stage: Stage, crowds: Sequence[Crowd], tactics: Tactics) -> None:
    """Change the attacking crowds in place; without tactics nothing is drawn.

    Every operation sends as many events as before.

    Args:
        stage: World and generator.
        crowds: All crowds, attacking and benign.
        tactics: What the operators do.
    """
    used = tactics.used()
    if not used:
        return
    scene = Scene(stage, {crowd.cohort: crowd for crowd in crowds if not crowd.attack}, tactics)
    for crowd in crowds:
        if not crowd.attack:
            continue
        before = crowd.expected(stage.days)
        for name, step in STEPS.items():
            if name in used:
                step(scene, crowd)
        crowd.content = disguise(stage, crowd, scene.benign["popular-app"], tactics)
        crowd.people.rate *= before / crowd.expected(stage.days)


def _tongues(scene: Scene, crowd: Crowd) -> None:
    crowd.people.language = scene.stage.people(len(crowd.people)).language


def _pace(scene: Scene, crowd: Crowd) -> None:
    """People's days, hours, pauses and sessions instead of the operation's clock.

    An account that lives for a few days works on about two of them.
    """
    people, like = crowd.people, scene.stage.people(len(crowd.people))
    life = np.maximum(people.stop - people.start, 1.0)
    like.active = np.maximum(like.active, np.minimum(2.0 / life, 0.9))
    for trait in ("active", "weekend", "rhythm", "turns", "gap", "chat", "regular", "linked"):
        setattr(people, trait, getattr(like, trait))
    crowd.clock = None


def _volumes(scene: Scene, crowd: Crowd) -> None:
    people = crowd.people
    people.rate = heavy(scene.stage.rng, len(people), float(people.rate.mean()), VOLUME_SPREAD, 3e3)


def _moments(scene: Scene, crowd: Crowd) -> None:
    """Stretch the work over the window; begin, end and change models like strangers."""
    stage, people, size = scene.stage, crowd.people, len(crowd.people)
    life = people.stop - people.start
    longer = stage.rng.uniform(np.minimum(life, stage.days), stage.days)
    people.start = stage.rng.uniform(0, stage.days - longer)
    people.stop = people.start + longer
    people.rate *= life / longer
    people.created = np.minimum(people.created, people.start - 0.01)
    people.moves = np.where(
        stage.rng.random(size) < TRIED, stage.release + stage.rng.exponential(3.5, size), NEVER
    )
    crowd.volume = crowd.clock = None
    people.linked[:] = 0.0


def _promotions(scene: Scene, crowd: Crowd) -> None:
    """Sign up beside those who came for a promotion, the latest before an account is needed."""
    rng, people = scene.stage.rng, crowd.people
    offered = np.sort(scene.benign["promotion"].people.created)
    fit = np.searchsorted(offered, people.start)
    drawn = offered[np.minimum((rng.random(len(fit)) * fit).astype(int), len(offered) - 1)]
    people.created = np.where(fit > 0, drawn + rng.uniform(0, 0.2, len(fit)), people.created)
    people.created = np.minimum(people.created, people.start - 0.01)


def _handover(scene: Scene, crowd: Crowd) -> None:
    """Let days pass before a replacement starts; it comes from an old stock."""
    stage, people, size = scene.stage, crowd.people, len(crowd.people)
    life = people.stop - people.start
    delay = stage.rng.exponential(scene.tactics.handover, size)
    people.start = np.clip(people.start + delay, 0, stage.days - life)
    people.stop = people.start + life
    if crowd.endings is not None:
        crowd.endings = np.where(np.isfinite(crowd.endings), people.stop, np.nan)
    people.created = np.minimum(stage.people(size).created, people.start - 0.01)


def _means(scene: Scene, crowd: Crowd) -> None:
    rng, people = scene.stage.rng, crowd.people
    people.device = secrets(rng, len(people))
    people.payment = np.where(people.plan != FREE, secrets(rng, len(people)), 0).astype(np.uint64)


def _exits(scene: Scene, crowd: Crowd) -> None:
    people, benign = crowd.people, scene.benign["vpn"].people
    place = scene.stage.rng.integers(0, len(benign), len(people))
    for trait in ("address", "asn", "place", "roam", "churn"):
        setattr(people, trait, getattr(benign, trait)[place])


def _campus(scene: Scene, crowd: Crowd) -> None:
    """Put half of the accounts on a few networks of one university, the others at home."""
    stage, people, size = scene.stage, crowd.people, len(crowd.people)
    rng, networks = stage.rng, stage.world.networks
    home = stage.people(size)
    for trait in ("address", "asn", "place", "roam", "churn"):
        setattr(people, trait, getattr(home, trait))
    sites = rng.choice(stage.world.sites, min(1 + size // 150, CAMPUSES))
    base = networks.address(sites, rng) & np.uint32(0xFFFFFF00)
    which = rng.integers(0, len(sites), size)
    inside = rng.random(size) < CAMPUS
    host = rng.integers(1, 9, size, dtype=np.uint32)
    people.address[inside, 0] = (base[which] | host)[inside]
    people.asn[inside, 0] = networks.asn[sites[which]][inside]
    people.mail[:] = f"uni{rng.integers(0, 60)}.edu.example"


def _company(scene: Scene, crowd: Crowd) -> None:
    """Register a company: its accounts are verified and one card pays for them."""
    rng, people = scene.stage.rng, crowd.people
    own = rng.random(len(people)) < COMPANY
    people.org[own], people.payment[own] = secrets(rng, 1), secrets(rng, 1)
    people.mail[own] = f"firm{rng.integers(1000, 9999)}.example"
    people.plan[own], people.verified[own] = TEAM, True


STEPS: Final[dict[str, Callable[[Scene, Crowd], None]]] = {
    "tongues": _tongues,
    "moments": _moments,
    "pace": _pace,
    "volumes": _volumes,
    "handover": _handover,
    "promotions": _promotions,
    "means": _means,
    "exits": _exits,
    "campus": _campus,
    "company": _company,
}
"""Tactics of accounts in the order in which they are taken; `disguise` does those of content."""
