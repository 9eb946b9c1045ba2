"""What every engine does: the relational steps over fingerprints, by account code."""

from types import TracebackType
from typing import Protocol, Self

import pyarrow as pa

from stillwatch.detect.features import Family, Features
from stillwatch.detect.population import Hourly, ModelUse, Sketches


class Engine(Protocol):
    """Aggregates fingerprints; a context that frees what it holds.

    Account codes are positions in the sorted account ids, so that results do not depend on the
    order of the input nor on the engine. `tests/engines` holds every engine to the same numbers.
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

    def profiles(self) -> pa.Table:
        """Return `account_id` and `profiles.COLUMNS`, a row per account in order of code."""
        ...

    def pace(self) -> pa.Table:
        """Return `PACE_COLUMNS` in order of account code."""
        ...

    def features(self) -> Features:
        """Return the counts of every family that fingerprints carry."""
        ...

    def sketches(self) -> Sketches:
        """Return every account's kept word hashes."""
        ...

    def hourly(self) -> Hourly:
        """Return events per account and clock hour, sorted by account, then hour."""
        ...

    def models(self) -> ModelUse:
        """Return what each account asked of each model, sorted by account, then model."""
        ...

    def repeated(self) -> int:
        """Return how many events have an id that another event has too, but for one of each id."""
        ...

    def readable(self) -> dict[tuple[Family, int], str]:
        """Return texts of values that are harmless to show: clients and TLS fingerprints."""
        ...
