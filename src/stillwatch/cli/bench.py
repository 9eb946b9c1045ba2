"""`stillwatch bench`: how good a detection is, and how fast."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from stillwatch.cli import options
from stillwatch.cli.bench_attribution import attribution
from stillwatch.cli.bench_delay import delay
from stillwatch.cli.bench_signatures import signatures
from stillwatch.cli.examples import Command, Group
from stillwatch.cli.files import check_files
from stillwatch.cli.screen import Screen, show, table
from stillwatch.errors import InputError, IntegrityError

if TYPE_CHECKING:
    from stillwatch.bench.method import Method
    from stillwatch.bench.quality import Run
    from stillwatch.bench.suite import Case, Suite

SUITE: Final = Path("benchmarks/quality/scenarios.toml")
SIZES: Final = (500_000, 1_000_000, 2_000_000)
"""Events of the speed benchmark."""


@click.group(
    name="bench",
    cls=Group,
    examples=[
        "stillwatch bench quality --case naive --seeds 1,2 --out runs.jsonl",
        "stillwatch bench speed --out speed.md",
    ],
)
def command() -> None:
    """Measure quality and speed.

    On simulated traffic; benchmarks/README.md says what is measured.
    """


@command.command(
    cls=Command,
    examples=[
        "stillwatch bench quality --seeds development --case mixed-small --out runs.jsonl",
        "stillwatch bench quality --seeds report --out runs.jsonl --resume",
        "stillwatch bench quality --seeds report --out runs.jsonl --resume --leaderboard board.md",
    ],
)
@click.option(
    "--suite",
    "suite_file",
    type=options.FILE,
    default=SUITE,
    show_default=True,
    help="Cases and seeds.",
)
@click.option("--case", "cases", multiple=True, help="Case to run; can be repeated; default: all.")
@click.option(
    "--seeds",
    default="development",
    show_default=True,
    help="development, report (the seeds of each case's table), or numbers such as 1,2,3.",
)
@click.option("--method", "methods", multiple=True, help="Method; can be repeated; default: all.")
@click.option("--prompts", type=options.FOLDER, help="Folder of real prompts, read in place.")
@click.option("--out", type=options.FILE, required=True, help="File of runs, JSON lines.")
@click.option("--resume", is_flag=True, help="Keep the runs that OUT holds; do what is missing.")
@click.option("--leaderboard", type=options.FILE, help="Write the Markdown tables here.")
@options.quiet
def quality(
    suite_file: Path,
    *,
    cases: tuple[str, ...],
    seeds: str,
    methods: tuple[str, ...],
    prompts: Path | None,
    out: Path,
    resume: bool,
    leaderboard: Path | None,
    quiet: bool,
) -> None:
    """Measure detections against the truth.

    Runs every method on every seed of every case, one at a time.
    """
    from stillwatch.bench.leaderboard import write_leaderboard
    from stillwatch.bench.quality import run_quality
    from stillwatch.bench.suite import load_suite

    screen = Screen(quiet=quiet)
    check_files(out, leaderboard)
    suite = load_suite(suite_file)
    chosen = suite.cases(*cases) if cases else suite.case
    used = methods_called(methods)
    runs: list[Run] = []
    for case in chosen:
        runs = run_quality(
            [case],
            seeds_of(case, seeds, suite),
            used,
            out,
            prompts=prompts,
            resume=resume or bool(runs),
            progress=screen.say,
        )
    if leaderboard is not None:
        write_leaderboard(runs, suite, leaderboard)
    show(table(*summary_table(runs)), sys.stdout)


@command.command(
    cls=Command,
    examples=[
        "stillwatch bench frozen",
        "stillwatch bench frozen --write",
    ],
)
@click.option(
    "--suite", "suite_file", type=options.FILE, default=SUITE, show_default=True, help="The cases."
)
@click.option(
    "--file",
    "frozen_file",
    type=options.FILE,
    default=Path("benchmarks/quality/frozen.jsonl"),
    show_default=True,
    help="The committed figures.",
)
@click.option(
    "--tolerances",
    type=options.FILE,
    default=Path("benchmarks/quality/tolerances.toml"),
    show_default=True,
    help="By how much each figure may get worse.",
)
@click.option("--write", is_flag=True, help="Put today's figures into the file.")
@options.quiet
def frozen(
    suite_file: Path, frozen_file: Path, tolerances: Path, *, write: bool, quiet: bool
) -> None:
    """Compare with the committed run.

    Runs its cases anew and shows each figure that differs. Fails where one got worse by more than
    is tolerated, unless the file is written.
    """
    from stillwatch.bench import frozen as committed
    from stillwatch.bench.suite import load_suite

    screen = Screen(quiet=quiet)
    suite = load_suite(suite_file)
    chosen = suite.frozen
    committed.load_tolerances(tolerances)  # before minutes are spent
    before = committed.read_frozen(frozen_file) if frozen_file.exists() or not write else []
    now = committed.run_frozen(
        suite.cases(*chosen.cases),
        chosen.seeds,
        methods_called(chosen.methods),
        progress=screen.say,
    )
    limits = committed.load_tolerances(tolerances, now[0].figures)
    known = {row.key for row in before}
    found = committed.compare(before, [row for row in now if row.key in known or not write], limits)
    if found:
        rows = [
            (d.case, str(d.seed), d.method, d.figure, _figure(d.was), _figure(d.now)) for d in found
        ]
        told = [(*row, d.judgement) for row, d in zip(rows, found, strict=True)]
        show(table(("case", "seed", "method", "figure", "frozen", "now", ""), told), sys.stdout)
    if write:
        committed.write_frozen(now, frozen_file)
        screen.say(f"wrote {frozen_file}")
    elif failed := sum(d.fails for d in found):
        raise IntegrityError(
            f"{failed} figures are too much worse than {frozen_file} says; mend the detection, or "
            "accept them with stillwatch bench frozen --write and say why"
        )


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:g}"


@command.command(
    cls=Command,
    examples=[
        "stillwatch bench calibration --runs 20 --first-seed 9001 --out calibration.jsonl",
        "stillwatch bench calibration --out calibration.jsonl --page docs/calibration.md",
    ],
)
@click.option(
    "--suite", "suite_file", type=options.FILE, default=SUITE, show_default=True, help="The cases."
)
@click.option(
    "--runs",
    type=click.IntRange(min=1),
    default=400,
    show_default=True,
    help="How many; every other one has no attack.",
)
@click.option(
    "--first-seed",
    type=click.IntRange(min=0),
    default=4001,
    show_default=True,
    help="Seed of the first run; the default is for reports, nobody tunes on it.",
)
@click.option("--out", type=options.FILE, required=True, help="File of runs, JSON lines.")
@click.option("--resume", is_flag=True, help="Keep the runs that OUT holds; do what is missing.")
@click.option("--page", type=options.FILE, help="Write the Markdown page and its picture here.")
@options.quiet
def calibration(
    suite_file: Path,
    *,
    runs: int,
    first_seed: int,
    out: Path,
    resume: bool,
    page: Path | None,
    quiet: bool,
) -> None:
    """Compare claimed with realised error rates.

    Of account p-values and campaign q-values, over many small runs.
    """
    from stillwatch.bench.calibration import CASES, run_calibration
    from stillwatch.bench.calibration_page import calibration_page, write_page
    from stillwatch.bench.suite import load_suite

    check_files(out, page)
    found = run_calibration(
        load_suite(suite_file).cases(*CASES),
        range(first_seed, first_seed + runs),
        out,
        resume=resume,
        progress=Screen(quiet=quiet).say,
    )
    if page is not None:
        write_page(found, page)
    click.echo(calibration_page(found), nl=False)


@command.command(
    cls=Command,
    examples=[
        "stillwatch bench speed --out speed.md",
        "stillwatch bench speed --events 1000000 --events 16000000 --out speed.md",
    ],
)
@click.option(
    "--events",
    type=click.IntRange(min=1000),
    multiple=True,
    default=SIZES,
    show_default=True,
    help="About how many events; can be repeated.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=101,
    show_default=True,
    help="Seed of the traffic.",
)
@click.option("--prompts", type=options.FOLDER, help="Folder of real prompts, read in place.")
@click.option(
    "--traffic", type=options.FOLDER, help="Simulated traffic to take instead of simulating."
)
@click.option("--out", type=options.FILE, required=True, help="Markdown tables.")
@options.quiet
def speed(
    events: tuple[int, ...],
    *,
    seed: int,
    prompts: Path | None,
    traffic: Path | None,
    out: Path,
    quiet: bool,
) -> None:
    """Time scans of growing traffic.

    Each runs from events to result in a process of its own.
    """
    from stillwatch.bench.scan_speed import run_speed

    screen = Screen(quiet=quiet)
    check_files(out)
    run_speed(events, out, seed=seed, prompts=prompts, traffic=traffic, progress=screen.say)
    click.echo(out.read_text(encoding="utf-8"), nl=False)


command.add_command(attribution)
command.add_command(delay)
command.add_command(signatures)


def seeds_of(case: "Case", seeds: str, suite: "Suite") -> list[int]:
    """Say which seeds a case is run with.

    Raises:
        InputError: `seeds` is neither a purpose nor numbers.
    """
    if seeds == "development":
        return suite.seeds.development
    if seeds == "report":
        return suite.seeds.null if case.table == "null" else suite.seeds.report
    numbers = seeds.split(",")
    if not all(number.strip().isdecimal() for number in numbers):
        raise InputError(f"--seeds {seeds} is not understood: use development, report or 1,2,3")
    return [int(number) for number in numbers]


def methods_called(names: Sequence[str]) -> "list[Method]":
    """Find methods by name; all where none is named.

    Raises:
        InputError: There is no such method.
        ConfigError: A method needs a library that is not installed.
    """
    from stillwatch.bench.extra import require_all
    from stillwatch.bench.methods import known_methods

    known = known_methods()
    if unknown := [name for name in names if name not in known]:
        raise InputError(f"there is no method {unknown[0]!r}: use one of {', '.join(known)}")
    chosen = [known[name] for name in names or known]
    for method in chosen:
        require_all(method)
    return chosen


def summary_table(runs: "Sequence[Run]") -> tuple[Sequence[str], list[Sequence[str]]]:
    """Pool runs by case and method, as head and rows of a table."""
    import numpy as np

    from stillwatch.bench.summary import summarise

    grouped: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        grouped.setdefault((run.case, run.method), []).append(run)
    rows: list[Sequence[str]] = []
    for (case, method), group in grouped.items():
        pooled = summarise(group, np.random.default_rng(0))
        recall, false = pooled.recall_either, pooled.false_positives
        found = f"{pooled.found} of {pooled.asked}"
        rows.append(
            (case, method, str(len(group)), f"{recall.value:.4f}", f"{false.value:.1e}", found)
        )
    return ("case", "method", "seeds", "recall, either", "FPR", "found"), rows
