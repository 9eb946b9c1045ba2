"""From fingerprints on disk to partials, which merge."""

import numpy as np
from numpy.typing import NDArray

from stillwatch.detect.engines.local import LocalEngine
from stillwatch.detect.partials import Gaps, Partial


class PartialEngine(LocalEngine):
    """Aggregates fingerprints into parts that merge; see `detect.partials`."""

    def partial(self) -> Partial:
        """Return every aggregate that merges."""
        profiles = self.profiles()
        return Partial(
            profiles=profiles,
            features=self.features(),
            sketches=self.sketches(),
            hourly=self.hourly(),
            models=self.models(),
            gaps=self._gaps(profiles.num_rows),
            readable=self.readable(),
        )

    def _gaps(self, accounts: int) -> Gaps:
        """Return the times between events; `pace` has the same sums for one window."""
        self._db.execute(
            """
            CREATE OR REPLACE TEMP TABLE gaps AS SELECT code, gap, ln(1 + gap) AS log FROM (
              SELECT code, (epoch_us(time) - lag(epoch_us(time))
                OVER (PARTITION BY code ORDER BY time)) / 1e6 AS gap FROM events)
            WHERE gap IS NOT NULL
            """
        )
        lengths = self._columns(
            "SELECT code, round(gap)::BIGINT AS seconds, count(*) AS n FROM gaps "
            "GROUP BY 1, 2 ORDER BY 1, 2"
        )
        sums = self._columns(
            "SELECT code, sum(round(1e6 * log)::BIGINT)::BIGINT AS logs, "
            "sum(round(1e6 * (log * log))::BIGINT)::BIGINT AS squares FROM gaps GROUP BY 1"
        )
        self._db.execute("DROP TABLE gaps")
        logs, squares = np.zeros(accounts, np.int64), np.zeros(accounts, np.int64)
        logs[np.asarray(sums["code"], np.int64)] = sums["logs"]
        squares[np.asarray(sums["code"], np.int64)] = sums["squares"]
        return Gaps(
            np.asarray(lengths["code"], np.int32),
            np.asarray(lengths["seconds"], np.int64),
            np.asarray(lengths["n"], np.int64),
            logs,
            squares,
        )

    def echoes(self) -> NDArray[np.int64]:
        """Return per account code how many prompts carry passages of earlier completions."""
        codes = self._columns("SELECT count(*) AS n FROM codes")
        counts = np.zeros(int(codes["n"][0]), np.int64)
        completions = self._columns("SELECT count(completion_passages) AS n FROM source")
        if completions["n"][0]:
            found = self._columns(f"WITH {self._ECHOES} SELECT code, echoes FROM by_echo")  # noqa: S608 - a constant
            counts[np.asarray(found["code"], np.int64)] = found["echoes"]
        return counts
