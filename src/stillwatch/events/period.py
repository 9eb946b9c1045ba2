"""The days that a job looks at."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.errors import ConfigError
from stillwatch.events.schema import TIMESTAMP


@dataclass(frozen=True)
class Period:
    """Days in UTC, the first and the last included; None is open.

    Raises:
        ConfigError: the last day is before the first.

    >>> Period(date(2026, 3, 1), date(2026, 3, 7)).near()
    (datetime.date(2026, 2, 28), datetime.date(2026, 3, 8))
    """

    since: date | None = None
    until: date | None = None

    def __post_init__(self) -> None:
        """Refuse a period without a day."""
        if self.since and self.until and self.until < self.since:
            raise ConfigError(
                f"the last day, {self.until}, is before the first, {self.since}: swap them"
            )

    @property
    def open(self) -> bool:
        """Whether every day is meant."""
        return self.since is None and self.until is None

    def keep(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the rows of a batch whose `time` lies in the period."""
        for day, inside in ((self.since, pc.greater_equal), (self._after, pc.less)):
            if day is not None:
                start = pa.scalar(datetime.combine(day, time(), UTC), TIMESTAMP)
                batch = batch.filter(inside(batch["time"], start))
        return batch

    def near(self) -> tuple[date | None, date | None]:
        """Return the days whose folders can hold events of the period.

        A day more on either side: a log may be filed by the local day or by the day of arrival.
        """
        day = timedelta(days=1)
        return self.since and self.since - day, self.until and self.until + day

    @property
    def words(self) -> str:
        """The days for a person; empty where every day is meant.

        >>> Period(until=date(2026, 3, 7)).words
        'until 2026-03-07'
        """
        bounds = (("since", self.since), ("until", self.until))
        return " and ".join(f"{name} {day}" for name, day in bounds if day)

    @property
    def _after(self) -> date | None:
        return self.until and self.until + timedelta(days=1)
