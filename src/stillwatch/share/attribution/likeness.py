"""How alike a campaign and the recorded ones are, trace by trace."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from stillwatch.share.attribution.trace import (
    OF_ACCOUNTS,
    Carried,
    Pace,
    Record,
    Trace,
    Traces,
    U64s,
    rarity,
)


class Likeness(msgspec.Struct, frozen=True):
    """How much a campaign and a candidate share of one trace.

    Attributes:
        trace: of what.
        share: 0..1; share of the campaign's accounts with the trace that carry something of the
            candidate's, each counted by how rare the rarest such value is; 1 is alike.
        carrying: accounts that carry something of the candidate's.
        accounts: accounts with the trace.
        values: distinct values in common.
        benign: most benign accounts that carry one of them.
        others: most other recorded operators that carry one of them.
        examples: some of the values, under a key, in hexadecimal.
    """

    trace: Trace
    share: float
    carrying: int
    accounts: int
    values: int = 0
    benign: int = 0
    others: int = 0
    examples: tuple[str, ...] = ()


MOST_EXAMPLES: Final = 3
_SPREAD: Final = Pace(gap=0.7, busy=0.7, talk=0.2)
"""Differences of pace that halve likeness, about."""


@dataclass(frozen=True)
class Known:
    """A record, its values as numbers, and how many other operators carry each of them."""

    record: Record
    values: dict[Trace, U64s]
    others: dict[Trace, NDArray[np.int64]]


def known(records: Sequence[Record]) -> list[Known]:
    """Prepare records for comparison.

    A value that campaigns of several operators carry may be a supplier's or a public toolkit's: it
    is divided among them.
    """
    values = [
        {
            trace: np.array([int(v, 16) for v in found], np.uint64)
            for trace, found in r.values.items()
        }
        for r in records
    ]
    carriers: Counter[tuple[Trace, int]] = Counter()
    for operator in dict.fromkeys(r.operator for r in records):
        mine = [v for r, v in zip(records, values, strict=True) if r.operator == operator]
        carriers.update(
            {
                (trace, n)
                for found in mine
                for trace, numbers in found.items()
                for n in numbers.tolist()
            }
        )
    return [
        Known(
            each,
            found,
            {
                trace: np.array([carriers[trace, n] - 1 for n in numbers.tolist()], np.int64)
                for trace, numbers in found.items()
            },
        )
        for each, found in zip(records, values, strict=True)
    ]


def likenesses(traces: Traces, other: Known) -> list[Likeness]:
    """Compare a campaign with a recorded one; only traces that both have, under one key.

    Args:
        traces: of the campaign.
        other: a recorded campaign.
    """
    found = []
    for trace, carried in sorted(traces.carried.items()):
        key = "own" if trace in OF_ACCOUNTS else "log"
        if other.record.keys.get(key) != traces.keys.get(key):
            continue
        theirs = other.values.get(trace)
        if theirs is not None and theirs.size:
            found.append(_shared(trace, carried, traces.benign, theirs, other.others[trace]))
    if traces.pace is not None and other.record.pace is not None:
        alike = _alike(traces.pace, other.record.pace)
        found.append(Likeness(Trace.PACE, alike, traces.accounts, traces.accounts))
    return found


def _shared(
    trace: Trace,
    carried: Carried,
    benign: int,
    theirs: U64s,
    others: NDArray[np.int64],
) -> Likeness:
    at = np.minimum(np.searchsorted(theirs, carried.values), theirs.size - 1)
    common = theirs[at] == carried.values
    weight = rarity(carried.benign, benign) / (1 + others[at]) * common
    said = np.zeros(carried.accounts)
    np.maximum.at(said, carried.account, weight[carried.number])
    told = np.flatnonzero(weight > 0)
    shown = told[np.argsort(-weight[told], kind="stable")][:MOST_EXAMPLES]
    return Likeness(
        trace=trace,
        share=float(said.mean()),
        carrying=int((said > 0).sum()),
        accounts=carried.accounts,
        values=int(told.size),
        benign=int(carried.benign[told].max(initial=0)),
        others=int(others[at[told]].max(initial=0)),
        examples=tuple(f"{carried.values[n]:016x}" for n in shown),
    )


def _alike(one: Pace, other: Pace) -> float:
    fields = msgspec.structs.asdict(_SPREAD).items()
    apart = [abs(getattr(one, name) - getattr(other, name)) / spread for name, spread in fields]
    return float(0.5 ** np.mean(apart))
