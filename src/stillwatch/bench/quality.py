"""Run cases, seeds and methods, one at a time, into a file of JSON lines.

Each step runs in a process of its own, so that its memory goes back and its peak is its own. The
file is appended to after every run: an interrupted benchmark continues with `resume`.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np

from stillwatch.bench.labels import detection_for, labels_from
from stillwatch.bench.measure import Cost, in_process
from stillwatch.bench.method import Method, Traffic
from stillwatch.bench.metrics import Quality, measure
from stillwatch.bench.revision import revision
from stillwatch.bench.suite import Case
from stillwatch.bench.traffic import Simulated, simulated
from stillwatch.errors import InputError
from stillwatch.version import __version__

T = TypeVar("T")
Isolate = Callable[..., tuple[Any, Cost]]
Make = Callable[[Case, int, Path | None, Path], Simulated]


class Run(msgspec.Struct, frozen=True):
    """One method on one seed of one case."""

    case: str
    seed: int
    method: str
    version: str
    commit: str
    """Short hash of the code that was measured; see `revision`."""
    real_prompts: bool
    events: int
    cost: Cost
    quality: Quality

    @property
    def key(self) -> tuple[str, int, str]:
        """What identifies a run within one file."""
        return self.case, self.seed, self.method


def run_quality(
    cases: Sequence[Case],
    seeds: Sequence[int],
    methods: Sequence[Method],
    out: Path,
    *,
    prompts: Path | None = None,
    resume: bool = False,
    progress: Callable[[str], None] = lambda _: None,
    isolate: Isolate = in_process,
    make: Make = simulated,
) -> list[Run]:
    """Measure every method on every seed of every case.

    Args:
        cases: What to simulate.
        seeds: Seeds of each case.
        methods: What to measure.
        out: JSON lines, one `Run` each; its folder is made.
        prompts: Folder of real prompts; the simulator's own grammar where None.
        resume: Keep the runs that `out` already holds and do only what is missing.
        progress: Called with one line before each step.
        isolate: How a step is called: in a fresh process, or in this one (`measure.measured`).
        make: Writes the traffic of a case and seed, from prompts, into a folder.

    Returns:
        All runs that `out` then holds.

    Raises:
        InputError: `out` exists and `resume` is false, or it holds runs of another version or with
            other prompts.
    """
    if out.exists() and not resume:
        raise InputError(f"{out} exists; continue it with --resume or give another file.")
    runs = read_runs(out) if out.exists() else []
    for run in runs:
        if (run.version, run.real_prompts) != (__version__, prompts is not None):
            raise InputError(f"{out} holds runs of another version or prompts; give another file.")
    done = {run.key for run in runs}
    commit = revision()

    def run_seed(case: Case, seed: int) -> Iterator[Run]:
        """Simulate once, then measure each missing method on the same traffic."""
        missing = [m for m in methods if (case.id, seed, m.name) not in done]
        if not missing:
            return
        with tempfile.TemporaryDirectory(prefix="stillwatch-bench-") as folder:
            progress(f"{case.id}, seed {seed}: simulating")
            made, _ = isolate(make, case, seed, prompts, Path(folder))
            for method in missing:
                progress(f"{case.id}, seed {seed}: {method.name}")
                quality, cost = isolate(_flag_and_measure, method, made)
                yield Run(
                    case=case.id,
                    seed=seed,
                    method=method.name,
                    version=__version__,
                    commit=commit,
                    real_prompts=prompts is not None,
                    events=made.events,
                    cost=cost,
                    quality=quality,
                )

    out.parent.mkdir(parents=True, exist_ok=True)
    for case, seed in product(cases, seeds):
        for run in run_seed(case, seed):
            with out.open("ab") as stream:
                stream.write(msgspec.json.encode(run) + b"\n")
            runs.append(run)
    return runs


def read_runs(path: Path) -> list[Run]:
    """Read the runs of a file; see `read_lines`."""
    return read_lines(path, Run)


def read_lines(path: Path, line: type[T]) -> list[T]:
    """Read JSON lines; a last line that an interruption cut off is dropped.

    Raises:
        InputError: The file cannot be read or another line is damaged; it is left as it is.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); check the path.") from error
    cut = lines.pop()
    try:
        found = [msgspec.json.decode(text, type=line) for text in lines]
    except msgspec.DecodeError as error:
        raise InputError(
            f"{path} is no file of benchmark runs ({error}): remove the damaged line, or give "
            "another file"
        ) from error
    if cut and not found and not cut.startswith(b"{"):
        raise InputError(f"{path} is no file of benchmark runs: give another file")
    if cut:
        path.write_bytes(b"".join(text + b"\n" for text in lines))
    return found


def _flag_and_measure(method: Method, made: Simulated) -> Quality:
    labels = labels_from(made.read_labels())
    with tempfile.TemporaryDirectory(dir=made.folder) as scratch:
        traffic = Traffic(
            events=made.events_path,
            accounts=made.accounts_path,
            fingerprints=made.fingerprints_path,
            benign=np.asarray(labels.account[~labels.attack], dtype=np.object_),
            scratch=Path(scratch),
        )
        return measure(labels, detection_for(labels, method.flag(traffic)))
