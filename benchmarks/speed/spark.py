"""Processor time of each step of a scan on a Spark cluster, for docs/spark-cost.md.

    python benchmarks/speed/spark.py part-0.parquet part-1.parquet --master spark://127.0.0.1:7077

The workers must run on this machine: processor seconds are those of their executors and of the
Python workers below these. The first file is measured alone, which also starts and warms up
everything, then all files. `--option NAME=VALUE` sets a Spark property.
"""

import argparse
import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from stillwatch.detect.engines.gather import gather
from stillwatch.detect.engines.job import Job, Opened
from stillwatch.detect.engines.spark.reading import open_spark
from stillwatch.detect.engines.spark.session import session
from stillwatch.detect.formation import FormationSettings, form
from stillwatch.detect.population import Population
from stillwatch.detect.progress import Silent
from stillwatch.events.key import Key
from stillwatch.events.period import Period
from stillwatch.events.readers import Rejects

EXECUTOR = b"CoarseGrainedExecutorBackend"
TICKS = os.sysconf("SC_CLK_TCK")


def processor_seconds() -> float:
    """Processor seconds so far of the executors on this machine and of their Python workers."""
    parents: dict[int, int] = {}
    seconds: dict[int, float] = {}
    executors = set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if EXECUTOR in (entry / "cmdline").read_bytes():
                executors.add(int(entry.name))
        except OSError:  # it has just ended
            continue
        parents[int(entry.name)] = int(fields[1])
        seconds[int(entry.name)] = sum(map(int, fields[11:15])) / TICKS
    return sum(seconds[pid] for pid in parents if _under(pid, executors, parents))


def _under(pid: int, roots: set[int], parents: dict[int, int]) -> bool:
    while pid not in roots and pid in parents:
        pid = parents[pid]
    return pid in roots


def measure(name: str, events: int, step: Callable[[], Any]) -> Any:
    """Run a step and print its line."""
    start, before = time.perf_counter(), processor_seconds()
    result = step()
    wall, taken = time.perf_counter() - start, processor_seconds() - before
    rate = f"{events / taken:,.0f}" if taken and events else "-"
    print(f"{name:24} {wall:8.1f} {taken:8.1f} {rate:>12}", flush=True)
    return result


def weigh(value: object) -> int:
    """Bytes of the arrays and tables of a population."""
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, pa.Table):
        return int(value.nbytes)
    if isinstance(value, dict):
        return sum(map(weigh, value.values()))
    return sum(map(weigh, vars(value).values())) if hasattr(value, "__dict__") else 0


def run(opened: Opened) -> Population:
    """Measure every step over a log that has been read."""
    with opened.engine as engine:
        for name in ("profiles", "pace", "features", "sketches", "hourly", "models", "repeated"):
            measure(name, opened.events, getattr(engine, name))
        population = gather(engine, None, None, Silent())
    measure(
        "links and communities",
        opened.events,
        lambda: form(population, FormationSettings(), opened.workers),
    )
    return population


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description="Time of each step of a scan on Spark.")
    parser.add_argument("events", nargs="+")
    parser.add_argument("--master", required=True)
    parser.add_argument("--option", action="append", default=[])
    given = parser.parse_args()
    options = dict(option.split("=", 1) for option in given.option)
    job = Job(given.events, "auto", Key.public(), None, None, Period(), Rejects(), Silent())
    with session(given.master, options):
        for events in ([given.events[0]], given.events):
            print(f"{'step':24} {'wall s':>8} {'cpu s':>8} {'events/cpu s':>12}")
            opening = open_spark(replace(job, events=events), given.master, {})
            with contextlib.ExitStack() as stack:
                opened = measure("read and fingerprint", 0, partial(stack.enter_context, opening))
                population = run(opened)
            size = weigh(population)
            print(
                f"{opened.events:,} events, {population.size:,} accounts; population "
                f"{size / 1e6:.1f} MB: {size / population.size:,.0f} bytes an account, "
                f"{size / opened.events:,.0f} an event"
            )


if __name__ == "__main__":
    main()
