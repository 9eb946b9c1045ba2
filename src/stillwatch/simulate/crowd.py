"""From accounts and content to events: sessions, clocks, and the columns of the contract."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.events.schema import EVENTS, TIMESTAMP
from stillwatch.simulate.content import Batch, Content, Text
from stillwatch.simulate.grammar import hexadecimal
from stillwatch.simulate.people import TEAM, People
from stillwatch.simulate.world import COUNTRIES, EFFORTS, MODELS, NEW_MODEL, Clients

EPOCH: Final = datetime(2026, 3, 2, tzinfo=UTC)
"""Start of every window, a Monday."""
DAY_US: Final = 86_400_000_000
LOGGED: Final = 0.2
"""Share of events whose completion the log keeps."""

HOURS: Final = np.array(
    [
        [3, 2, 1, 1, 1, 1, 2, 3, 5, 6, 7, 7, 6, 6, 7, 7, 7, 6, 6, 7, 8, 8, 7, 5],
        [
            0.3,
            0.2,
            0.1,
            0.1,
            0.1,
            0.2,
            0.5,
            2,
            6,
            9,
            10,
            9,
            6,
            8,
            10,
            10,
            9,
            7,
            3,
            2,
            1.5,
            1,
            1,
            0.6,
        ],
        [5, 3, 1, 0.5, 0.3, 0.3, 0.5, 1, 1, 1, 1, 1, 2, 2, 2, 3, 4, 6, 8, 10, 11, 11, 10, 8],
        [1] * 24,
        [
            9,
            9,
            9,
            9,
            8,
            6,
            3,
            1,
            0.5,
            0.5,
            0.5,
            0.5,
            0.5,
            0.5,
            0.5,
            0.5,
            0.5,
            0.5,
            0.5,
            1,
            2,
            4,
            6,
            8,
        ],
    ],
    dtype=float,
)
"""Relative traffic per local hour: human, office, evening, flat, night."""


@dataclass
class Crowd:
    """Accounts of one cohort or campaign, with what they write and how they are labelled."""

    cohort: str
    people: People
    content: Content
    group: np.ndarray  # str per account: the benign group or the campaign
    kind: str | None = None
    objective: str | None = None
    attack: bool = False
    knobs: dict[str, float] = field(default_factory=dict)
    volume: np.ndarray | None = None  # factor per day on the rate
    clock: np.ndarray | None = None  # [days, 24] the crowd's own traffic per hour, UTC
    endings: np.ndarray | None = None  # per account, day of a ban; NaN for none
    claimed: np.ndarray | None = None  # per account, an organisation that it names; None for none
    ids: pa.Array = field(default_factory=lambda: pa.array([], pa.string()))

    def expected(self, days: int) -> float:
        """Expected number of events over the window."""
        people = self.people
        span = np.clip(people.stop, 0, days) - np.clip(people.start, 0, days)
        scale = 1.0 if self.volume is None else float(self.volume.mean())
        week = (5 + 2 * np.minimum(people.weekend, 1 / people.active)) / 7
        return float((people.rate * people.active * week * np.maximum(span, 0)).sum() * scale)


def sessions(
    crowd: Crowd, low: int, high: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Sessions that start on days `low` to `high`: (account, start in days), by account and day."""
    people = crowd.people
    day = np.arange(low, high)
    weekend = np.where(day % 7 >= 5, people.weekend[:, None], 1.0)
    present = np.clip(
        np.minimum(people.stop[:, None], day + 1) - np.maximum(people.start[:, None], day), 0, 1
    )
    works = rng.random(present.shape) < people.active[:, None] * weekend
    volume = np.ones(len(day)) if crowd.volume is None else crowd.volume[low:high]
    mean = (people.rate / people.turns)[:, None] * present * works * volume
    noise = np.where(people.regular[:, None], 1.0, rng.gamma(2.0, 0.5, present.shape))
    count = rng.poisson(mean * noise)
    cells = np.flatnonzero(count.ravel())
    repeat = count.ravel()[cells]
    account = np.repeat(cells // len(day), repeat)
    start_day = np.repeat(day[cells % len(day)], repeat)
    rank = np.arange(len(account)) - np.repeat(np.cumsum(repeat) - repeat, repeat)
    uniform = rng.random(len(account))
    spaced = (rank + uniform) / np.repeat(repeat, repeat)
    uniform = np.where(people.regular[account], spaced, uniform)
    start = start_day + _hour(crowd, account, start_day, uniform, rng)
    return account, np.clip(start, people.start[account], None)


def _hour(
    crowd: Crowd,
    account: np.ndarray,
    day: np.ndarray,
    uniform: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Fraction of the day (UTC) at which sessions start."""
    people = crowd.people
    local = _invert(HOURS[people.rhythm[account]], uniform) - people.zone[account] / 24
    hour: np.ndarray = local % 1.0
    if crowd.clock is None:
        return hour
    follows = rng.random(len(account)) < people.linked[account]
    return np.where(follows, _invert(crowd.clock[day] + 1e-9, uniform), hour)


def _invert(weights: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """Inverse of the cumulative distribution over 24 hours, as a fraction of a day."""
    cumulative = weights.cumsum(axis=1)
    target = uniform * cumulative[:, -1]
    hour = np.minimum((cumulative < target[:, None]).sum(axis=1), 23)
    rows = np.arange(len(hour))
    inside = 1.0 - (cumulative[rows, hour] - target) / weights[rows, hour]
    fraction: np.ndarray = (hour + np.clip(inside, 0, 1)) / 24
    return fraction


def batch_of(crowd: Crowd, low: int, high: int, rng: np.random.Generator) -> Batch:
    """Draw sessions and spread their requests in time."""
    people = crowd.people
    account, start = sessions(crowd, low, high, rng)
    length = rng.geometric(1.0 / people.turns[account])
    number = np.repeat(np.arange(len(account)), length)
    who = account[number]
    first = np.cumsum(length) - length
    turn = np.arange(len(number)) - first[number] + 1
    gap = rng.exponential(people.gap[who]) * (turn > 1) / 86_400
    elapsed = gap.cumsum()
    time = start[number] + elapsed - elapsed[first][number] if len(number) else start[number]
    logged = rng.random(len(number)) < LOGGED
    inside = np.flatnonzero(time < people.stop[who] + 0.02)
    return Batch(rng, who, number, turn, time, logged).take(inside)


def events(
    crowd: Crowd, low: int, high: int, rng: np.random.Generator, clients: Clients
) -> pa.Table:
    """The events of one crowd on days `low` to `high`; `event_id` is empty until ordering."""
    batch = batch_of(crowd, low, high, rng)
    text = crowd.content.compose(batch)
    people = crowd.people
    who = batch.account
    conversation = people.chat[who]
    columns: dict[str, pa.Array] = {
        "event_id": pa.repeat(pa.scalar(""), len(batch)),
        "time": pa.array(_microseconds(batch.time), pa.int64()).cast(TIMESTAMP),
        "account_id": crowd.ids.take(pa.array(who)),
        "operation": pa.repeat(pa.scalar("chat"), len(batch)),
        "conversation_id": _identifiers("conv_", batch, conversation),
        "system": text.system,
        "prompt": text.prompt,
        "completion": text.completion,
        "turn": pa.array(np.where(conversation, batch.turn, 1), pa.int32()),
        "end_user_id": pa.nulls(len(batch), pa.string()),
        "api_key_id": _keys(people, who),
    }
    columns |= _model(people, batch)
    columns |= _parameters(people, who)
    columns |= _network(people, batch, clients)
    columns |= _usage(people, batch, text, columns)
    columns |= _outcome(crowd, batch, columns)
    columns |= text.columns
    return pa.table([columns[name] for name in EVENTS.names], schema=EVENTS)


def _microseconds(days: np.ndarray) -> np.ndarray:
    return int(EPOCH.timestamp()) * 1_000_000 + np.round(days * DAY_US).astype(np.int64)


def moments(days: np.ndarray) -> pa.Array:
    """Days from the start of the window as timestamps."""
    return pa.array(_microseconds(days)).cast(TIMESTAMP)


def _identifiers(prefix: str, batch: Batch, present: np.ndarray) -> pa.Array:
    numbers = batch.rng.integers(0, 2**63, int(batch.session.max(initial=0)) + 1, dtype=np.uint64)
    return hexadecimal(numbers[batch.session], prefix, ~present)


def _keys(people: People, who: np.ndarray) -> pa.Array:
    mixed = (
        people.address[who, 0].astype(np.uint64) * np.uint64(11400714819323198485)
    ) ^ who.astype(np.uint64)
    return hexadecimal(mixed, "key_", people.plan[who] < TEAM)


def _model(people: People, batch: Batch) -> dict[str, pa.Array]:
    moved = batch.time >= people.moves[batch.account]
    # Moving takes a few days: each request goes to the new model with growing probability.
    ramp = np.clip((batch.time - people.moves[batch.account]) * 2 + 0.3, 0, 0.95)
    model = np.where(
        moved & (batch.rng.random(len(batch)) < ramp), NEW_MODEL, people.model[batch.account]
    )
    return {"model": pa.array(MODELS).take(pa.array(model))}


def _parameters(people: People, who: np.ndarray) -> dict[str, pa.Array]:
    real = {name: getattr(people, name)[who] for name in ("temperature", "top_p")}
    count = {name: getattr(people, name)[who] for name in ("max_tokens", "choices", "tools")}
    flag = {name: getattr(people, name)[who] for name in ("stream", "logprobs")}
    columns = {name: pa.array(v, pa.float64(), mask=np.isnan(v)) for name, v in real.items()}
    columns |= {
        name: pa.array(v, EVENTS.field(name).type, mask=v == 0) for name, v in count.items()
    }
    columns |= {name: pa.array(v > 0, mask=v < 0) for name, v in flag.items()}
    output, effort = people.output[who], people.effort[who]
    columns["output_type"] = pa.array(["text", "json"]).take(pa.array(output - 1, mask=output == 0))
    columns["reasoning_effort"] = pa.array(EFFORTS).take(pa.array(effort, mask=effort < 0))
    return columns


def _network(people: People, batch: Batch, clients: Clients) -> dict[str, pa.Array]:
    rng, who = batch.rng, batch.account
    count = int(batch.session.max(initial=0)) + 1
    draw, wander, fresh = (rng.random(count)[batch.session] for _ in range(3))
    roam = people.roam[who]
    which = np.where(draw < roam * 0.6, 1, np.where(draw < roam, 2, 0))
    address = people.address[who, which]
    host = rng.integers(1, 255, count, dtype=np.uint32)[batch.session]
    address = np.where(fresh < people.churn[who], address & np.uint32(0xFFFFFF00) | host, address)
    client = np.where(wander < 0.7, people.client[who], people.second_client[who])
    return {
        "client_address": addresses(address),
        "asn": pa.array(people.asn[who, which]),
        "country": pa.array([entry[0] for entry in COUNTRIES]).take(
            pa.array(people.place[who, which])
        ),
        "user_agent": pa.array(clients.agents).take(pa.array(client)),
        "tls_fingerprint": pa.array(clients.tls).take(pa.array(client)),
    }


def addresses(values: np.ndarray) -> pa.Array:
    """IPv4 addresses as dotted text."""
    octets = pa.array([str(value) for value in range(256)])
    parts = [
        octets.take(pa.array((values >> np.uint32(shift)) & np.uint32(255)))
        for shift in (24, 16, 8, 0)
    ]
    return pc.binary_join_element_wise(*parts, ".")


def _usage(
    people: People, batch: Batch, text: Text, columns: dict[str, pa.Array]
) -> dict[str, pa.Array]:
    """Token counts: about four bytes a token, the history of the conversation included."""
    rng, who = batch.rng, batch.account

    def tokens(column: pa.Array) -> np.ndarray:
        size = pc.fill_null(pc.binary_length(column), 0).to_numpy(zero_copy_only=False)
        return np.asarray(size / 4.0)

    turn = columns["turn"].to_numpy()
    answer = people.answer[who] * np.exp(rng.normal(0, 0.7, len(batch)))
    said = tokens(text.completion)
    output = np.where(batch.logged, said * rng.uniform(0.9, 1.1, len(batch)), answer)
    limit = people.max_tokens[who]
    cut = (limit > 0) & (output > limit)
    output = np.where(cut, limit, output)
    given = (
        tokens(text.prompt)
        + tokens(text.system)
        + people.tools[who] * 90
        + (turn - 1) * answer * 0.8
    )
    thinks = (people.effort[who] >= 0) | (people.model[who] == 2)
    thought = np.where(
        thinks, rng.lognormal(6.0, 0.9, len(batch)) * (1 + people.effort[who] / 2), 0
    )
    return {
        "input_tokens": pa.array(
            (given * rng.uniform(0.92, 1.08, len(batch)) + 4).astype(np.int64)
        ),
        "output_tokens": pa.array(np.maximum(output, 1).astype(np.int64)),
        "reasoning_tokens": pa.array(thought.astype(np.int64), mask=~thinks),
        "finish_reason": pa.array(["stop", "length"]).take(pa.array(cut.astype(np.int8))),
    }


def _outcome(crowd: Crowd, batch: Batch, columns: dict[str, pa.Array]) -> dict[str, pa.Array]:
    """Status codes: a few errors and rate limits for all, refusals around a ban."""
    draw = batch.rng.random(len(batch))
    busy = np.clip(crowd.people.rate[batch.account] / 20_000, 0.002, 0.03)
    status = np.where(draw < 0.003, 500, np.where(draw < 0.003 + busy, 429, 200))
    if crowd.endings is not None:
        status = np.where(batch.time > crowd.endings[batch.account], 403, status)
    failed = pa.array(status != 200)
    blank = {
        name: pc.if_else(failed, pa.scalar(None, EVENTS.field(name).type), columns[name])
        for name in ("output_tokens", "reasoning_tokens", "finish_reason", "completion")
    }
    return {"status": pa.array(status, pa.int32()), **blank}


def concatenate(tables: Sequence[pa.Table], rng: np.random.Generator) -> pa.Table:
    """Put events of all crowds in the order of time and number them."""
    table = pa.concat_tables(tables)
    order = np.argsort(table.column("time").cast(pa.int64()).to_numpy(), kind="stable")
    table = table.combine_chunks().take(pa.array(order))
    names = hexadecimal(rng.integers(0, 2**63, len(order), dtype=np.uint64), "evt_")
    return table.set_column(0, EVENTS.field("event_id"), names)
