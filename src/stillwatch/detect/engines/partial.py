"""From fingerprints on disk to partials, which merge."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stillwatch.detect.engines.local import LocalEngine
from stillwatch.detect.engines.sql import CODE
from stillwatch.detect.partials import Gaps, Partial
from stillwatch.detect.profiles import millionths


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
            gaps=self._lengths(profiles.num_rows),
            readable=self.readable(),
        )

    def _lengths(self, accounts: int) -> Gaps:
        """Return how often each account has gaps of each length; `pace` has the same sums."""
        numbers = ("seconds", "n", "logs", "squares")
        rows = self._arrays(
            f"WITH {self._gaps()} SELECT code, round(gap)::BIGINT AS seconds, "  # noqa: S608 - ours
            f"sum(n)::BIGINT AS n, {millionths('ln(1 + gap)', 'n')}::BIGINT AS logs, "
            f"{millionths('ln(1 + gap) * ln(1 + gap)', 'n')}::BIGINT AS squares "
            "FROM gaps GROUP BY 1, 2",
            pa.schema([CODE, *((name, pa.int64()) for name in numbers)]),
            ["code", "seconds"],
        )
        logs, squares = np.zeros(accounts, np.int64), np.zeros(accounts, np.int64)
        np.add.at(logs, rows["code"], rows["logs"])
        np.add.at(squares, rows["code"], rows["squares"])
        return Gaps(rows["code"], rows["seconds"], rows["n"], logs, squares)

    def echoes(self) -> NDArray[np.int64]:
        """Return per account code how many prompts carry passages of earlier completions."""
        count = pa.schema([("n", pa.int64())])
        (completions,) = self._arrays(
            "SELECT count(completion_passages) AS n FROM source", count, []
        )["n"]
        if not completions:  # no need to look at every passage of every prompt
            (accounts,) = self._arrays("SELECT count(*) AS n FROM codes", count, [])["n"]
            return np.zeros(accounts, np.int64)
        found = self._arrays(
            f"WITH {self._echoes()} SELECT code, coalesce(echoes, 0) AS echoes "  # noqa: S608 - ours
            "FROM codes LEFT JOIN by_echo USING (code)",
            pa.schema([CODE, ("echoes", pa.int64())]),
            ["code"],
        )
        return np.asarray(found["echoes"], np.int64)
