"""Stillwatch's links and whole scan beside coordination-network-toolkit, on the same events.

Each side starts from the events file. The toolkit loads its database and computes one network at a
time, on all processors, with its command line's own settings but the window. A step that exceeds
the limit is stopped, and larger sizes leave it out; growth is the exponent of wall seconds over
events between the two largest sizes that ended, and shows what a larger size would take.

    python benchmarks/speed/toolkit.py [--scale small] [--events 10000 50000] [--window 1 60]
        [--limit 120] [--seed 101]
"""

import argparse
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import numpy as np

from stillwatch.bench.baselines.toolkit import NETWORKS, compute, fill, messages
from stillwatch.bench.measure import in_process
from stillwatch.bench.method import Traffic
from stillwatch.bench.scan_speed import scan_once
from stillwatch.bench.speed import measure_speed
from stillwatch.bench.suite import Case
from stillwatch.bench.traffic import Simulated, fingerprint, share_of, simulated

WEIGHT: Final = 2
SIMILARITY: Final = 0.8
LINKS: Final = ("reading", "profiles", "features", "links and clusters")
"""Stages of a scan up to its links."""

Walls = list[tuple[int, float]]
"""Events and wall seconds of growing sizes; infinite where the limit was exceeded."""


def main() -> None:
    """Print wall seconds, ratios and growth."""
    if sys.argv[1:2] == ["--step"]:
        begun = time.perf_counter()
        compute(Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]), WEIGHT, SIMILARITY)
        print(time.perf_counter() - begun)
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--scale", default="small", help="of the simulator; at least as many events"
    )
    parser.add_argument("--events", type=int, nargs="+", default=[10_000, 25_000, 50_000])
    parser.add_argument("--window", type=int, nargs="+", default=[1, 60], help="seconds")
    parser.add_argument("--limit", type=float, default=120.0, help="wall seconds per step")
    parser.add_argument("--seed", type=int, default=101)
    options = parser.parse_args()
    taken = {(network, w): Walls() for w in options.window for network in NETWORKS}
    with tempfile.TemporaryDirectory(prefix="stillwatch-bench-") as folder:
        case = Case(id="speed", scenario="mixed", scale=options.scale, table="", about="")
        whole, _ = in_process(simulated, case, options.seed, None, Path(folder))
        for count in sorted(options.events):
            share = min(1.0, count / whole.events)
            part = share_of(whole, share, Path(folder) / str(count))
            fingerprint(part.events_path, part.fingerprints_path)
            beside(part, taken, options.limit)
    print("\ngrowth of the toolkit, exponent of wall seconds over events")
    for (network, window), walls in taken.items():
        print(f"  {network}, {window} s: {growth(walls)}")


def beside(part: Simulated, taken: dict[tuple[str, int], Walls], limit: float) -> None:
    """Time both sides on one size and add the toolkit's wall seconds to `taken`."""
    speed = measure_speed(scan_once, part.events, part)
    links = sum(stage.wall for stage in speed.stages if stage.name in LINKS)
    print(f"\n{part.events:,} events")
    print(f"  stillwatch, links: {links:.1f} s")
    print(f"  stillwatch, whole scan: {speed.cost.wall:.1f} s", flush=True)
    path = part.folder / "toolkit.db"
    loading = load(part, path)
    print(f"  toolkit, loading: {loading:.1f} s", flush=True)
    for (network, window), walls in taken.items():
        name = f"toolkit, {network}, {window} s"
        if walls and math.isinf(walls[-1][1]):
            print(f"  {name}: left out, a smaller size exceeded the limit")
            continue
        wall = loading + step(path, network, window, limit)
        walls.append((part.events, wall))
        if math.isinf(wall):
            print(f"  {name}: more than {limit:.0f} s", flush=True)
            continue
        against = f"{wall / links:.1f} x our links, {wall / speed.cost.wall:.1f} x our whole scan"
        print(f"  {name}: {wall:.1f} s with loading, {against}", flush=True)


def load(part: Simulated, path: Path) -> float:
    """Wall seconds of loading the events into the toolkit's database."""
    begun = time.perf_counter()
    nobody = np.empty(0, dtype=np.object_)
    traffic = Traffic(
        part.events_path, part.accounts_path, part.fingerprints_path, nobody, part.folder
    )
    fill(path, messages(traffic))
    return time.perf_counter() - begun


def step(path: Path, network: str, window: int, limit: float) -> float:
    """Wall seconds of one network, without the interpreter's start; infinite beyond the limit."""
    command = [sys.executable, __file__, "--step", str(path), network, str(window)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as child:  # noqa: S603 - this very file
        try:
            seconds, _ = child.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)  # its worker processes too
            return math.inf
    if child.returncode:
        raise SystemExit(f"{network} failed with status {child.returncode}")
    return float(seconds)


def growth(walls: Walls) -> str:
    """Exponent between the two largest sizes that ended."""
    ended = [(events, wall) for events, wall in walls if not math.isinf(wall)][-2:]
    if len(ended) < 2:
        return "–"
    (few, short), (many, long) = ended
    return f"{math.log(long / short) / math.log(many / few):.2f}"


if __name__ == "__main__":
    main()
