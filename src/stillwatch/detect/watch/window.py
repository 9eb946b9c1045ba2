"""The population of the events in the state, from two partials of which only the later one changes.

The partial of the days before yesterday is kept in memory and made anew only when one of their
segments changes: when a day begins, when a day leaves the window, and when a late event comes.
"""

from dataclasses import dataclass
from pathlib import Path

from stillwatch.detect.conclusion import Given
from stillwatch.detect.engines.gather import gather
from stillwatch.detect.engines.partial import PartialEngine
from stillwatch.detect.labels import Readable
from stillwatch.detect.partials import Merged, Partial, merge
from stillwatch.detect.population import Population
from stillwatch.detect.progress import Progress
from stillwatch.detect.scan import MEMORY_LIMIT, THREADS
from stillwatch.detect.watch.state import State

RECENT = 2
"""Days at the end of the window that are aggregated anew for each analysis."""


@dataclass
class Window:
    """Aggregates what a state holds.

    Attributes:
        state: The state.
        settled: Segments of the days that change seldom, and their partial.
    """

    state: State
    settled: tuple[frozenset[str], Partial] | None = None

    def population(
        self, given: Given, progress: Progress
    ) -> tuple[Population, Readable, int] | None:
        """Return all accounts of the window, texts to show and the number of events.

        None where the state holds no event.
        """
        days = self.state.segments()
        if not days:
            return None
        border = max(days) - RECENT + 1
        old = [name for day, names in days.items() if day < border for name in names]
        new = [name for day, names in days.items() if day >= border for name in names]
        with self.state.scratch() as scratch:
            partial = self._partial(new, scratch)
            if old:
                partial = merge(self._settled(old, scratch), partial)
            with self._engine([*old, *new], scratch) as engine:
                echoes = engine.echoes()
        merged = Merged(partial, echoes)
        found = gather(merged, given.listed, given.contain, progress)
        return found, merged.readable(), partial.events

    def _settled(self, names: list[str], scratch: Path) -> Partial:
        key = frozenset(names)
        if self.settled is None or self.settled[0] != key:
            self.settled = None  # its memory is needed for the next
            self.settled = (key, self._partial(names, scratch))
        return self.settled[1]

    def _partial(self, names: list[str], scratch: Path) -> Partial:
        with self._engine(names, scratch) as engine:
            return engine.partial()

    def _engine(self, names: list[str], scratch: Path) -> PartialEngine:
        return PartialEngine(
            self.state.paths(names), scratch, memory_limit=MEMORY_LIMIT, threads=THREADS
        )
