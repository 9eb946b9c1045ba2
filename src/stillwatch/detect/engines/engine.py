"""What every engine does: the relational steps over fingerprints, by account code."""

from types import TracebackType
from typing import Protocol, Self

import pyarrow as pa

from stillwatch.detect.features import Family, FamilyCounts, Features
from stillwatch.detect.population import Hourly, ModelUse


class Aggregates(Protocol):
    """What a population is made of: answered by an engine, or by partials that were merged.

    Account codes are positions in the sorted account ids, so that results do not depend on the
    order of the input nor on who answers.
    """

    def profiles(self) -> pa.Table:
        """Return `account_id` and `profiles.COLUMNS`, a row per account in order of code."""
        ...

    def pace(self) -> pa.Table:
        """Return `PACE_COLUMNS` in order of account code."""
        ...

    def features(self) -> Features:
        """Return the counts of every family that fingerprints carry."""
        ...

    def sketches(self) -> FamilyCounts:
        """Return every account's kept word hashes."""
        ...

    def hourly(self) -> Hourly:
        """Return events per account and clock hour, sorted by account, then hour."""
        ...

    def models(self) -> ModelUse:
        """Return what each account asked of each model, sorted by account, then model."""
        ...

    def readable(self) -> dict[tuple[Family, int], str]:
        """Return texts of values that are harmless to show: clients and TLS fingerprints."""
        ...


class Engine(Aggregates, Protocol):
    """Aggregates fingerprints; a context that frees what it holds.

    `tests/detect/test_engines.py` holds every engine to the same numbers.
    """

    def __enter__(self) -> Self:
        """Return the engine."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Free what the engine holds."""
        ...

    def repeated(self) -> int:
        """Return how many events have an id that another event has too, but for one of each id."""
        ...
