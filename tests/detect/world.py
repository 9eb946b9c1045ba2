"""A small world of its own, drawn without the simulator: strangers, and groups made by hand.

Everybody has an own subject, network, client, template and daily hours unless a group says
otherwise. Events are columns of arrays, so that a world of ten thousand events takes no time.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from stillwatch.detect.engines.gather import gather
from stillwatch.detect.engines.local import LocalEngine
from stillwatch.detect.population import Population
from stillwatch.detect.progress import Silent
from stillwatch.events.schema import ACCOUNTS, BANDS, FINGERPRINTS, PASSAGES, SKETCH

START = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = 14
HOUR = 3600

Array = NDArray[Any]


def sketch_words(
    rng: np.random.Generator, shape: tuple[int, ...], *, vocabulary: int, topic: int | Array
) -> Array:
    """Word hashes of a subject: `vocabulary` words from `topic` on, the first ones more often."""
    rank = (vocabulary * rng.random(shape) ** 1.5).astype(np.int64)
    return (np.asarray(topic) + rank + 1).astype(np.uint32)


class World:
    """Collects events by columns and accounts by rows."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self._parts: list[dict[str, Array]] = []
        self._accounts: list[dict[str, Any]] = []
        self._groups = 0

    def strangers(self, count: int, *, events: float, name: str = "stranger") -> None:
        """Add independent people with heavy-tailed use, about `events` each in the median."""
        self.people(name, count, events=events, spread=1.0)

    def people(
        self,
        name: str,
        count: int,
        *,
        events: float,
        spread: float = 0.1,
        hours: tuple[int, int] = (8, 22),
        account: Callable[[int], Mapping[str, Any]] = lambda _: {},
        **shared: Callable[[Array], Array],
    ) -> tuple[Array, Array]:
        """Add `count` accounts `name-0000`, ... and their events.

        Args:
            name: first part of the account ids.
            count: how many.
            events: median events per account.
            spread: standard deviation of the log of events per account.
            hours: hours of the day in which they are active.
            account: columns of the accounts table by number.
            shared: fingerprint columns, each from the account numbers of the events.

        Returns:
            The account number of each event, and whether the event lies in the forming half.
        """
        rng = self.rng
        self._groups += 1
        base = self._groups * 10**6
        sizes = np.maximum(4, np.exp(rng.normal(np.log(events), spread, count))).astype(int)
        who = np.repeat(np.arange(count), sizes)
        slot = rng.integers(0, DAYS, who.size) * 24 + rng.integers(*hours, who.size)
        seconds = slot * HOUR + rng.integers(0, HOUR, who.size)
        own = (base + who).astype(np.uint64)
        topic = base * 50 + who * 500
        columns: dict[str, Array] = {
            "account_id": np.char.add(f"{name}-", np.char.zfill(who.astype(str), 4)),
            "seconds": seconds,
            "network": own,
            "system": own,
            "address": own,
            "client": rng.integers(0, 9, count).astype(np.uint64)[who],
            "parameters": rng.integers(0, 6, count).astype(np.uint64)[who],
            "template": own * np.uint64(8) + rng.integers(0, 5, who.size).astype(np.uint64),
            "opening": own * np.uint64(8) + rng.integers(0, 5, who.size).astype(np.uint64),
            "closing": own * np.uint64(8) + rng.integers(0, 5, who.size).astype(np.uint64),
            "content": np.arange(who.size, dtype=np.uint64) + np.uint64(base),
            "sketch": sketch_words(rng, (who.size, SKETCH), vocabulary=60, topic=topic[:, None]),
            "markers": np.zeros(who.size, np.uint32),
            "words": rng.integers(5, 80, who.size).astype(np.uint32),
            "output_tokens": rng.integers(50, 900, who.size),
        }
        columns |= {column: make(who) for column, make in shared.items()}
        self._parts.append(columns)
        created = START - timedelta(days=200)
        for number in range(count):
            row = {
                "account_id": f"{name}-{number:04d}",
                "created_at": created + timedelta(hours=float(rng.uniform(0, 4000))),
                "plan": "pro",
                "payment_hash": f"card-{base + number}",
                "device_hash": f"device-{base + number}",
                "verified": False,
            }
            self._accounts.append(row | dict(account(number)))
        return who, slot % 2 == 0

    @property
    def last(self) -> dict[str, Array]:
        """Columns of the last group, to change."""
        return self._parts[-1]

    def drop(self, column: str) -> None:
        """Let the log lack a column."""
        for part in self._parts:
            del part[column]

    def speak(self, who: Array, events: Array, words: Array) -> None:
        """Let the last group say `words` in the events that `events` marks."""
        columns = self._parts[-1]
        assert who.size == columns["sketch"].shape[0]
        columns["sketch"] = np.where(events[:, None], words, columns["sketch"])

    def table(self) -> pa.Table:
        """All events as fingerprints."""
        names = [n for n in FINGERPRINTS.names if any(n in part for part in self._parts)]
        seconds = np.concatenate([part["seconds"] for part in self._parts])
        rows = seconds.size
        found: dict[str, pa.Array] = {
            "event_id": pa.array(np.arange(rows).astype(str)),
            "time": pa.array([START + timedelta(seconds=int(s)) for s in seconds]),
            "model": pa.array(["m"] * rows),
            "bands": _lists(np.zeros((rows, BANDS), np.uint64)),
            "passages": _lists(np.zeros((rows, PASSAGES), np.uint32)),
        }
        for name in names:
            column = np.concatenate([part[name] for part in self._parts])
            found[name] = _lists(column) if column.ndim == 2 else pa.array(column)
        columns = []
        for field in FINGERPRINTS:
            if field.name in found:
                columns.append(found[field.name].cast(field.type))
            elif field.nullable:
                columns.append(pa.nulls(rows, field.type))
            else:
                columns.append(pa.array(np.zeros(rows, np.int64)).cast(field.type))
        return pa.table(columns, schema=FINGERPRINTS)

    def accounts(self) -> pa.Table:
        """All accounts."""
        return pa.Table.from_pylist(self._accounts, schema=ACCOUNTS)

    def population(self, folder: Path, *, listed: bool = True) -> Population:
        """The population, with the accounts table or without."""
        path = folder / "fingerprints.parquet"
        pq.write_table(self.table(), path)
        with LocalEngine([path], folder, memory_limit="500MB", threads=1) as engine:
            return gather(engine, self.accounts() if listed else None, None, Silent())


def _lists(table: Array) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(pa.array(table.ravel()), table.shape[1])
