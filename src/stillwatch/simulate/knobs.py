"""Scales, evasion knobs and the named scenarios."""

from dataclasses import dataclass, fields, replace
from typing import Final

from stillwatch.simulate.tactics import ADAPTIVE, NO_TACTICS, Tactics


@dataclass(frozen=True)
class Scale:
    """How much traffic: a window of days, accounts, events, attackers and campaigns."""

    accounts: int
    events: int
    days: int
    attackers: int
    campaigns: tuple[int, int]  # fewest and most
    stride: int  # days written at a time


SCALES: Final[dict[str, Scale]] = {
    "small": Scale(2_500, 50_000, 14, 150, (5, 7), 14),
    "demo": Scale(20_000, 400_000, 14, 700, (3, 3), 7),
    "medium": Scale(66_000, 2_200_000, 21, 2_200, (9, 13), 2),
    "large": Scale(500_000, 16_000_000, 28, 24_000, (22, 32), 1),
}
"""Scales by name."""


@dataclass(frozen=True)
class Evasion:
    """What an operation does to hide; knobs from 0 (nothing) to 1 (all it can), freely combined."""

    paraphrase: float = 0.0
    """Share of prompts whose frame is composed anew."""
    camouflage: float = 0.0
    """Ordinary traffic mixed in: half of all sessions at 1."""
    private_infrastructure: float = 0.0
    """Share of accounts with a network, device and card of their own."""
    distinct_clients: float = 0.0
    """Share of accounts with a client and parameters of their own."""
    spread_signups: float = 0.0
    """Share of accounts created at ordinary times rather than in a burst."""
    replacement: float = 0.0
    """Bans: at 1 an account lives for about a day and a fresh one takes its place."""
    daily_rhythm: float = 0.0
    """Share of sessions at human hours of the account's own zone."""
    private_pools: float = 0.0
    """Prompt pool divided among accounts, each with topics of its own at 1."""
    conversations: float = 0.0
    """Share of the work wrapped into conversations of several turns."""
    model_move: float = 0.0
    """Share of accounts that go to the new model within a day of its release, with new frames."""
    many_buyers: float = 0.0
    """Buyers with objectives of their own behind one pool: one at 0, five at 1."""
    few_events: float = 0.0
    """Work per account: as drawn at 0, a handful of events in all at 1."""
    small_campaigns: float = 0.0
    """Size: as drawn at 0, cells of about twenty accounts at 1."""
    relay_mix: float = 0.0
    """Genuine customers' traffic in the pool: four sessions in five at 1."""


KNOBS: Final = tuple(field.name for field in fields(Evasion))
"""Names of the knobs, which are also columns of the labels."""


@dataclass(frozen=True)
class Scenario:
    """What attacks: nothing, operations with knobs at random, or operations with these knobs."""

    description: str
    attack: bool = True
    evasion: Evasion | None = None
    campaigns: int | None = None
    never: tuple[str, ...] = ()
    """Knobs that operations at random leave at 0."""
    slowest: float = 2.0
    """Lowest rate of an operation, in events per account and day; the highest is 860."""
    tactics: Tactics = NO_TACTICS
    """What the operator does who knows the detector."""


def _alone(**knob: float) -> Evasion:
    return Evasion(**knob)


_TABLE: Final[dict[str, Scenario]] = {
    "mixed": Scenario("every benign cohort and campaigns of all sizes, rates and knobs"),
    "benign": Scenario("every benign cohort and no attack", attack=False),
    "demo": Scenario(
        "every benign cohort and three hidden campaigns",
        campaigns=3,
        never=("few_events", "relay_mix", "many_buyers"),
        slowest=15.0,
    ),
    "naive": Scenario("campaigns that hide nothing", evasion=Evasion()),
    "paraphrase": Scenario("every prompt in words of its own", evasion=_alone(paraphrase=1)),
    "camouflage": Scenario("half of the traffic is ordinary", evasion=_alone(camouflage=1)),
    "no-shared-infrastructure": Scenario(
        "networks, devices and cards never shared", evasion=_alone(private_infrastructure=1)
    ),
    "distinct-clients": Scenario("a client per account", evasion=_alone(distinct_clients=1)),
    "spread-signups": Scenario("accounts of every age", evasion=_alone(spread_signups=1)),
    "ban-and-replace": Scenario("short-lived accounts, replaced", evasion=_alone(replacement=1)),
    "daily-rhythm": Scenario("human hours and weekends", evasion=_alone(daily_rhythm=1)),
    "private-pools": Scenario("no prompt given to two accounts", evasion=_alone(private_pools=1)),
    "conversations": Scenario("work inside conversations", evasion=_alone(conversations=1)),
    "model-move": Scenario("a move to the new model within a day", evasion=_alone(model_move=1)),
    "many-buyers": Scenario("one pool for five buyers", evasion=_alone(many_buyers=1)),
    "few-events": Scenario("a handful of events per account", evasion=_alone(few_events=1)),
    "small-campaigns": Scenario("cells of twenty accounts", evasion=_alone(small_campaigns=1)),
    "relay-mix": Scenario("harvest among a reseller's customers", evasion=_alone(relay_mix=1)),
    "all-half": Scenario("every knob at one half", evasion=Evasion(**dict.fromkeys(KNOBS, 0.5))),
}
_TABLE.update(
    {
        f"{name}-adaptive": replace(_TABLE[name], description=description, tactics=tactics)
        for name, (description, tactics) in ADAPTIVE.items()
    }
)

SCENARIOS: Final[dict[str, str]] = {name: entry.description for name, entry in _TABLE.items()}
"""Scenario names and what each shows; names are permanent."""


def definition(name: str) -> Scenario:
    """The definition behind a name of `SCENARIOS`."""
    return _TABLE[name]
