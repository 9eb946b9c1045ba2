"""Simulate a scenario: draw the accounts at once, then stream their events by day."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from stillwatch.errors import InputError
from stillwatch.events.contracts import Exemption
from stillwatch.events.schema import ACCOUNTS, EVENTS
from stillwatch.simulate.adapt import adapt
from stillwatch.simulate.bank import Bank
from stillwatch.simulate.campaign import campaign
from stillwatch.simulate.cohorts import COHORTS
from stillwatch.simulate.corpus import read_corpus
from stillwatch.simulate.crowd import (
    EPOCH,
    Crowd,
    addresses,
    concatenate,
    events,
    moments,
)
from stillwatch.simulate.grammar import LANGUAGES, hexadecimal
from stillwatch.simulate.knobs import KNOBS, SCALES, SCENARIOS, Evasion, Scale, Scenario, definition
from stillwatch.simulate.operators import come_back, own_stages
from stillwatch.simulate.stage import Own, Stage
from stillwatch.simulate.world import COUNTRIES, PLANS, Clients, build_clients, build_world

ROW_GROUP: Final = 50_000
"""Rows per batch and per Parquet row group."""

SEEDS: Final = 2**64
"""How many seeds there are: names of accounts hold one in 64 bits."""
_POOLED: Final = 8
"""With more campaigns than this, one of them is a relay pool for certain."""
_SMALLEST: Final = 12
"""Accounts of the smallest campaign."""

LABELS: Final = pa.schema(
    [
        pa.field("account_id", pa.string(), nullable=False),
        pa.field("label", pa.string(), nullable=False),  # benign or attack
        pa.field("cohort", pa.string(), nullable=False),
        pa.field("group", pa.string(), nullable=False),  # benign group or campaign
        ("campaign", pa.string()),
        ("kind", pa.string()),
        ("objective", pa.string()),
        pa.field("region", pa.string(), nullable=False),
        pa.field("language", pa.string(), nullable=False),
        *((name, pa.float64()) for name in KNOBS),
    ]
)
"""The truth, one row per account, sorted by `account_id`; knobs are null for benign accounts."""


@dataclass
class Traffic:
    """A drawn scenario: accounts and labels as tables, events as a stream that can be repeated."""

    scenario: str
    scale: str
    seed: int
    accounts: pa.Table
    labels: pa.Table
    exemptions: list[Exemption]
    crowds: list[Crowd]
    clients: Clients
    operators: tuple[int, ...] = ()
    returning: bool = False

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Events (contract 1) in the order of time within each stride of days."""
        plan = SCALES[self.scale]
        for low in range(0, plan.days, plan.stride):
            high = min(low + plan.stride, plan.days)
            tables = [
                events(
                    crowd,
                    low,
                    high,
                    np.random.default_rng([self.seed, 2, place, low]),
                    self.clients,
                )
                for place, crowd in enumerate(self.crowds)
            ]
            table = concatenate(tables, np.random.default_rng([self.seed, 3, low]))
            del tables
            yield from table.to_batches(max_chunksize=ROW_GROUP)

    def reader(self) -> pa.RecordBatchReader:
        """The same events as an Arrow stream."""
        return pa.RecordBatchReader.from_batches(EVENTS, self.batches())


def simulate(
    scenario: str,
    *,
    scale: str = "small",
    seed: int = 0,
    prompts: Path | None = None,
    operators: Sequence[int] = (),
    returning: bool = False,
) -> Traffic:
    """Draw a scenario.

    Args:
        scenario: One of `SCENARIOS`.
        scale: One of `SCALES`.
        seed: The same seed, scale, scenario and prompts give the same bytes.
        prompts: Directory of real prompts (docs/guide/simulate.md), or None for the grammar.
        operators: Seeds of operators, one for each of the first campaigns. What an operator takes
            from provider to provider follows from its seed alone; its accounts, infrastructure,
            days and size, and all benign traffic, follow from `seed`.
        returning: Operators come back to one provider, see `stillwatch.simulate.operators`: each
            campaign keeps some of its operator's habits and means and renews the others.

    Raises:
        InputError: The scenario, scale or a seed cannot be used, there are more operators than
            campaigns, or a prompt file is missing or malformed.
    """
    if scenario not in SCENARIOS:
        raise InputError(
            f"There is no scenario {scenario!r}; choose one of {', '.join(SCENARIOS)}."
        )
    if scale not in SCALES:
        raise InputError(f"There is no scale {scale!r}; choose one of {', '.join(SCALES)}.")
    for number in (seed, *operators):
        if not 0 <= number < SEEDS:
            raise InputError(
                f"The seed {number} cannot be used; give a whole number below {SEEDS}."
            )
    bank = Bank() if prompts is None else read_corpus(prompts)
    plan, clients = SCALES[scale], build_clients()
    rng = np.random.default_rng([seed, 1])
    release = float(rng.uniform(0.4, 0.7) * plan.days)
    stage = Stage(rng, build_world(), clients, bank, plan.days, release)
    crowds = _attack(stage, plan, definition(scenario), operators, returning=returning)
    attackers = sum(len(crowd.people) for crowd in crowds)
    crowds += _benign(stage, plan, attackers, sum(crowd.expected(plan.days) for crowd in crowds))
    adapt(stage, crowds, definition(scenario).tactics)
    if returning:
        for operator, crowd in zip(operators, crowds, strict=False):
            come_back(
                replace(stage, rng=np.random.default_rng([operator, 8, seed])), crowd, operator
            )
    names = rng.permutation(sum(len(crowd.people) for crowd in crowds)).astype(np.uint64)
    ids = hexadecimal(names * np.uint64(11400714819323198485) ^ np.uint64(seed), "acct_")
    base = 0
    for crowd in crowds:
        crowd.ids = ids.slice(base, len(crowd.people))
        base += len(crowd.people)
    order = [("account_id", "ascending")]
    return Traffic(
        scenario=scenario,
        scale=scale,
        seed=seed,
        accounts=pa.concat_tables(_accounts(crowd, rng) for crowd in crowds).sort_by(order),
        labels=pa.concat_tables(_labels(crowd) for crowd in crowds).sort_by(order),
        exemptions=_exemptions(crowds, plan),
        crowds=crowds,
        clients=clients,
        operators=tuple(operators),
        returning=returning,
    )


def _benign(stage: Stage, plan: Scale, attackers: int, harvested: float) -> list[Crowd]:
    """Every benign cohort, with rates scaled so that the scenario has the events of its scale."""
    share = np.array([entry[0] for entry in COHORTS.values()])
    share = share * np.exp(stage.rng.normal(0, 0.15, len(share)))
    counts = np.maximum(12, np.round((plan.accounts - attackers) * share / share.sum())).astype(int)
    crowds = [
        draw(stage, int(count)) for (_, draw), count in zip(COHORTS.values(), counts, strict=True)
    ]
    expected = sum(crowd.expected(plan.days) for crowd in crowds)
    for crowd in crowds:
        crowd.people.rate = crowd.people.rate * (plan.events - harvested) / expected
    return crowds


def _attack(
    stage: Stage, plan: Scale, chosen: Scenario, operators: Sequence[int], *, returning: bool
) -> list[Crowd]:
    """Campaigns of heavy-tailed sizes that share the scale's attackers and a part of its events."""
    rng = stage.rng
    if not chosen.attack:
        _enough(operators, 0)
        return []
    attackers = round(plan.attackers * rng.uniform(0.95, 1.1))
    evasion = chosen.evasion
    low, high = plan.campaigns
    number = chosen.campaigns or int(rng.integers(low, high + 1))
    if evasion is not None and evasion.small_campaigns:
        cell = (attackers / number) ** (1 - evasion.small_campaigns) * 20**evasion.small_campaigns
        number = max(number, round(attackers / (chosen.tactics.cell or cell)))
    _enough(operators, number)
    # Sizes are heavy-tailed, except where a scenario fixes how many or how small.
    even = chosen.campaigns is not None or (evasion is not None and evasion.small_campaigns > 0)
    weight = rng.uniform(0.5, 2.0, number) if even else rng.pareto(0.9, number) + 0.15
    smallest = min(_SMALLEST, chosen.tactics.cell or _SMALLEST)
    shared = max(attackers - smallest * number, 0)
    sizes = (smallest + np.round(shared * weight / weight.sum())).astype(int)
    events = plan.events * rng.uniform(0.06, 0.16)
    # Rates over the whole reported range; the fast operations also send more in all.
    rates = np.exp(rng.uniform(np.log(chosen.slowest), np.log(860.0), number))
    skew = 0.0 if even else 1.0
    each = sizes ** (1 - 0.2 * skew) * rates ** (0.6 * skew)
    each *= np.exp(rng.normal(0, 0.5 * skew, number))
    each *= events / each.sum()
    owns = [own_stages(stage, operator, returning=returning) for operator in operators]
    owns += [Own.all(stage)] * (number - len(owns))
    return [
        campaign(
            stage,
            f"campaign-{place + 1:02d}",
            int(sizes[place]),
            events=float(each[place]),
            rate=float(rates[place]),
            evasion=evasion or _mood(own.pace.rng, chosen, pool=place == 1 and number > _POOLED),
            own=own,
        )
        for place, own in enumerate(owns)
    ]


def _enough(operators: Sequence[int], campaigns: int) -> None:
    """Refuse operators without a campaign to run."""
    if len(operators) > campaigns:
        raise InputError(
            f"There are {len(operators)} operators and {campaigns} campaigns; name fewer operators."
        )


def _mood(rng: np.random.Generator, chosen: Scenario, *, pool: bool) -> Evasion:
    """Knobs of one operation: each off or at a random strength; `pool` is a relay for certain."""
    used = dict.fromkeys(KNOBS, 0.45) | {
        "relay_mix": 0.2,
        "few_events": 0.25,
        "replacement": 0.3,
        "many_buyers": 0.2,
        "small_campaigns": 0.0,
        "model_move": 0.35,
    }
    drawn = {
        name: float(np.round(rng.beta(1.2, 1.2), 3)) if rng.random() < odds else 0.0
        for name, odds in used.items()
        if name not in chosen.never
    }
    if pool:
        drawn["relay_mix"] = float(np.round(rng.uniform(0.65, 1.0), 3))
    return Evasion(**drawn)


def _accounts(crowd: Crowd, rng: np.random.Generator) -> pa.Table:
    people = crowd.people
    organised = people.org != 0
    named = np.where(organised, np.char.partition(people.mail.astype(str), ".")[:, 0], "")
    if crowd.claimed is not None:
        named = np.where(crowd.claimed == None, named, crowd.claimed)  # noqa: E711 - elementwise
    columns = {
        "account_id": crowd.ids,
        "org_id": hexadecimal(people.org, "org_", ~organised),
        "created_at": moments(people.created),
        "plan": pa.array(PLANS).take(pa.array(people.plan)),
        "country": pa.array([entry[0] for entry in COUNTRIES]).take(pa.array(people.country)),
        "email_domain": pa.array(people.mail, pa.string()),
        "payment_hash": hexadecimal(people.payment, "", people.payment == 0),
        "device_hash": hexadecimal(people.device, "", people.device == 0),
        # People sign up from the second network: where programs run is not where their owners sit.
        "signup_address": addresses(people.address[:, 1]),
        "signup_asn": pa.array(people.asn[:, 1]),
        "org_name": pa.array(named, pa.string(), mask=named == ""),
        "verified": pa.array(people.verified, mask=rng.random(len(people)) < 0.05),
    }
    return pa.table([columns[name] for name in ACCOUNTS.names], schema=ACCOUNTS)


def _labels(crowd: Crowd) -> pa.Table:
    count = len(crowd.people)
    groups = pa.array(crowd.group, pa.string())

    def same(value: str | float | None, kind: pa.DataType) -> pa.Array:
        return pa.nulls(count, kind) if value is None else pa.repeat(pa.scalar(value, kind), count)

    columns = {
        "account_id": crowd.ids,
        "label": same("attack" if crowd.attack else "benign", pa.string()),
        "cohort": same(crowd.cohort, pa.string()),
        "group": groups,
        "campaign": groups if crowd.attack else pa.nulls(count, pa.string()),
        "kind": same(crowd.kind, pa.string()),
        "objective": same(crowd.objective, pa.string()),
        "region": pa.array([entry[1] for entry in COUNTRIES]).take(pa.array(crowd.people.country)),
        "language": pa.array(LANGUAGES).take(pa.array(crowd.people.language)),
        **{name: same(crowd.knobs.get(name), pa.float64()) for name in KNOBS},
    }
    return pa.table([columns[name] for name in LABELS.names], schema=LABELS)


def _exemptions(crowds: list[Crowd], plan: Scale) -> list[Exemption]:
    """A register as a provider would keep it: organisations that make data under contract."""
    expires = EPOCH + timedelta(days=plan.days + 180)
    orgs = [np.unique(crowd.people.org) for crowd in crowds if crowd.cohort == "contractor"]
    return [
        Exemption(
            reason="synthetic data under contract", expires=expires, org_id=f"org_{int(org):016x}"
        )
        for entry in orgs
        for org in entry
    ]
