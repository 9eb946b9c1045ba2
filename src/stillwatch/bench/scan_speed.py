"""The speed benchmark: `scan` from events to result on growing traffic."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from stillwatch.bench.measure import in_process
from stillwatch.bench.speed import Speed, measure_speed, speed_tables
from stillwatch.bench.suite import Case
from stillwatch.bench.traffic import Simulated, share_of, simulated
from stillwatch.detect.progress import Progress
from stillwatch.detect.scan import scan


def run_speed(
    events: Sequence[int],
    out: Path,
    *,
    seed: int = 201,
    prompts: Path | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Speed]:
    """Time `scan` from events to result on several sizes of the same traffic.

    Args:
        events: How many events, about; at most what the simulator's scale `medium` holds.
        out: Markdown tables; its folder is made.
        seed: Of the simulation.
        prompts: Folder of real prompts; the simulator's own grammar where None.
        progress: Called with one line before each step.
    """
    case = Case(id="speed", scenario="mixed", scale="medium", table="", about="")
    speeds = []
    with tempfile.TemporaryDirectory(prefix="stillwatch-bench-") as folder:
        progress("simulating")
        whole, _ = in_process(simulated, case, seed, prompts, Path(folder))
        for count in sorted(events):
            part = share_of(whole, min(1.0, count / whole.events), Path(folder) / str(count))
            progress(f"scanning {part.events:,} events, twice: the first run warms up")
            speeds.append(measure_speed(scan_once, part.events, part))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(speed_tables(speeds), encoding="utf-8")
    return speeds


def scan_once(traffic: Simulated, *, progress: Progress) -> int:
    """Scan events; return how many campaigns were found."""
    result = scan([traffic.events_path], traffic.accounts_path, progress=progress)
    return len(result.campaigns)
