"""How fast a job is: each stage, the whole, and how it grows. Timings come from its progress."""

import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import numpy as np

from stillwatch.bench.measure import Cost, in_process, measured, peak_mib

_COLUMNS: Final = ("wall s", "CPU s", "events per CPU s", "peak MiB by its end", "growth")

Job = Callable[..., Any]
"""Called with what it works on and, as `progress`, a `StageClock`."""


class Stage(msgspec.Struct, frozen=True):
    """One stage of a job: seconds, seconds over all threads, and MiB at the peak up to its end."""

    name: str
    wall: float
    cpu: float
    peak_mib: float


class Speed(msgspec.Struct, frozen=True):
    """One timed run."""

    events: int
    cost: Cost
    stages: list[Stage]

    @property
    def other(self) -> float:
        """Processor seconds outside any stage."""
        return self.cost.cpu - sum(stage.cpu for stage in self.stages)


class StageClock:
    """A progress that takes the time of each stage; stages of one name add up."""

    def __init__(self) -> None:
        self._begun = ("", 0.0, 0.0)
        self._totals: dict[str, Stage] = {}

    def start(self, stage: str, total: int | None) -> None:  # noqa: ARG002 - the protocol's signature
        """Begin a stage."""
        self._begun = (stage, time.perf_counter(), time.process_time())

    def advance(self, amount: int) -> None:
        """Do nothing: only ends are timed."""

    def finish(self) -> None:
        """End the stage."""
        name, wall, cpu = self._begun
        earlier = self._totals.get(name, Stage(name, 0.0, 0.0, 0.0))
        self._totals[name] = Stage(
            name,
            earlier.wall + time.perf_counter() - wall,
            earlier.cpu + time.process_time() - cpu,
            peak_mib(),
        )

    def stages(self) -> list[Stage]:
        """All stages in the order in which they first ended."""
        return list(self._totals.values())


def measure_speed(job: Job, events: int, *args: Any, warm: bool = True) -> Speed:
    """Time a job in a process of its own.

    Args:
        job: Picklable; called as `job(*args, progress=clock)`.
        events: How many events the job handles.
        args: What the job works on.
        warm: Compile and load what is cached first, by running the job once on the same input; the
            first run is not timed. Compilation happens once per machine and says nothing of speed.
    """
    if warm:
        in_process(_timed, job, args)
    (cost, stages), _ = in_process(_timed, job, args)
    return Speed(events, cost, stages)


def growth(speeds: Sequence[Speed], stage: str | None = None) -> float:
    """Exponent of processor time over events: 1 is linear, 1.1 is 7 % more per doubling.

    Args:
        speeds: Runs of at least two sizes.
        stage: Of this stage, which every run has; of the whole where None.

    >>> linear = [Speed(n, Cost(n / 1e5, n / 1e5, 1.0), []) for n in (500_000, 2_000_000)]
    >>> round(growth(linear), 3)
    1.0
    """
    size = np.log([speed.events for speed in speeds])
    taken = [
        speed.cost.cpu if stage is None else sum(s.cpu for s in speed.stages if s.name == stage)
        for speed in speeds
    ]
    return float(np.polyfit(size, np.log(np.maximum(taken, 1e-3)), 1)[0])


def speed_tables(speeds: Sequence[Speed]) -> str:
    """Markdown: one row per size, the stages of the largest with their growth, and the growth."""
    rows = [
        f"| {s.events:,} | {s.cost.wall:.1f} | {s.cost.cpu:.1f} | {s.events / s.cost.cpu:,.0f} |"
        f" {s.cost.peak_mib:,.0f} |"
        for s in speeds
    ]
    largest = max(speeds, key=lambda speed: speed.events)
    stages = [
        f"| {stage.name} | {stage.wall:.1f} | {stage.cpu:.1f} |"
        f" {largest.events / max(stage.cpu, 1e-9):,.0f} | {stage.peak_mib:,.0f} |"
        f" {_exponent(speeds, stage.name)} |"
        for stage in largest.stages
    ]
    return "\n".join(
        [
            "| events | wall s | CPU s | events per CPU s | peak MiB |",
            "| --- | --- | --- | --- | --- |",
            *rows,
            "",
            f"| stage, {largest.events:,} events | {' | '.join(_COLUMNS)} |",
            "| --- | --- | --- | --- | --- | --- |",
            *stages,
            f"| outside stages | | {largest.other:.1f} | | | |",
            "",
            *(
                [f"Processor time grows as events to the power of {growth(speeds):.2f}.", ""]
                if len(speeds) > 1
                else []
            ),
        ]
    )


def _exponent(speeds: Sequence[Speed], stage: str) -> str:
    return f"{growth(speeds, stage):.2f}" if len(speeds) > 1 else ""


def _timed(job: Job, args: Sequence[Any]) -> tuple[Cost, list[Stage]]:
    clock = StageClock()
    _, cost = measured(job, *args, progress=clock)
    return cost, clock.stages()
