"""Wall time, processor time and peak memory of a call in a process of its own."""

import multiprocessing
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

T = TypeVar("T")

_STATUS: Final = Path("/proc/self/status")


class Cost(msgspec.Struct, frozen=True):
    """What a call took: seconds, seconds over all threads, and MiB at the peak."""

    wall: float
    cpu: float
    peak_mib: float


def in_process(call: Callable[..., T], *args: Any, **kwargs: Any) -> tuple[T, Cost]:
    """Run a picklable call in a fresh process, so that its memory is its own and goes back after.

    The time to start the interpreter and to import is part of the cost of no call.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(measured, call, *args, **kwargs).result()


def measured(call: Callable[..., T], *args: Any, **kwargs: Any) -> tuple[T, Cost]:
    """Run a call here and say what it took; the peak is that of the whole process so far."""
    wall, cpu = time.perf_counter(), time.process_time()
    value = call(*args, **kwargs)
    cost = Cost(time.perf_counter() - wall, time.process_time() - cpu, peak_mib())
    return value, cost


def peak_mib() -> float:
    """Peak resident memory of this process in MiB."""
    # getrusage would include the parent's memory at the time of the fork; Linux knows better.
    if _STATUS.exists():
        for line in _STATUS.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
