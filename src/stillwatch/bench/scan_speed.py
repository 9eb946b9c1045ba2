"""The speed benchmark: `scan` from events to a result on disk, on growing traffic."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.bench.measure import in_process
from stillwatch.bench.speed import Speed, measure_speed, speed_tables
from stillwatch.bench.traffic import Simulated, share_of
from stillwatch.detect import store
from stillwatch.detect.progress import Progress
from stillwatch.detect.scan import scan
from stillwatch.errors import InputError
from stillwatch.simulate import SCALES, simulate, write_traffic


def run_speed(
    events: Sequence[int],
    out: Path,
    *,
    seed: int = 201,
    prompts: Path | None = None,
    traffic: Path | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Speed]:
    """Time `scan` from events to result on several sizes of the same traffic.

    Args:
        events: How many events, about; at most what the largest scale of the simulator holds.
        out: Markdown tables, written anew after each size; its folder is made.
        seed: Of the simulation.
        prompts: Folder of real prompts; the simulator's own grammar where None.
        traffic: Folder of simulated traffic to take instead of simulating.
        progress: Called with one line before each step.

    Raises:
        InputError: No scale holds as many events, or `traffic` is no simulated traffic.
    """
    sizes = sorted(events)
    scale = scale_for(sizes[-1])
    speeds: list[Speed] = []
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="stillwatch-bench-") as folder:
        if traffic is None:
            progress(f"simulating, scale {scale}")
            in_process(_simulate, scale, seed, prompts, Path(folder))
        whole = opened(traffic or Path(folder))
        for count in sizes:
            part = _part(whole, count, Path(folder) / str(count))
            twice = "" if speeds else ", twice: the first run compiles"
            progress(f"scanning {part.events:,} events{twice}")
            speeds.append(measure_speed(scan_once, part.events, part, warm=not speeds))
            out.write_text(speed_tables(speeds), encoding="utf-8")
    return speeds


def scale_for(events: int) -> str:
    """Name the smallest scale of the simulator that holds as many events.

    Raises:
        InputError: None does.

    >>> scale_for(2_000_000), scale_for(16_000_000)
    ('medium', 'large')
    """
    fitting = [name for name, scale in SCALES.items() if scale.events >= events]
    if not fitting:
        most = max(scale.events for scale in SCALES.values())
        raise InputError(f"the simulator has no {events:,} events: ask for at most {most:,}")
    return min(fitting, key=lambda name: SCALES[name].events)


def opened(folder: Path) -> Simulated:
    """Take simulated traffic that is there.

    Raises:
        InputError: There is none.
    """
    try:
        return Simulated(folder, pq.read_metadata(folder / "events.parquet").num_rows)
    except (OSError, pa.ArrowException) as error:
        raise InputError(
            f"{folder} holds no traffic (events.parquet cannot be read): give the folder that "
            "stillwatch simulate wrote"
        ) from error


def scan_once(traffic: Simulated, *, progress: Progress) -> int:
    """Scan events and write the result; return how many campaigns were found."""
    result = scan([traffic.events_path], traffic.accounts_path, progress=progress)
    progress.start("writing", None)
    store.write_result(result, traffic.folder / "result")
    progress.finish()
    return len(result.campaigns)


def _part(whole: Simulated, events: int, folder: Path) -> Simulated:
    """Draw so many events into a folder; links to all of them where no fewer are wanted."""
    if events < whole.events:
        return share_of(whole, events / whole.events, folder)
    folder.mkdir()
    part = Simulated(folder, whole.events)
    part.events_path.symlink_to(whole.events_path.resolve())
    part.accounts_path.symlink_to(whole.accounts_path.resolve())
    return part


def _simulate(scale: str, seed: int, prompts: Path | None, folder: Path) -> int:
    return write_traffic(simulate("mixed", scale=scale, seed=seed, prompts=prompts), folder)
