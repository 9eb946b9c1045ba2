"""`stillwatch bench attribution`: who ran simulated campaigns, beside the truth."""

import sys
import tempfile
from pathlib import Path
from typing import TypeVar

import click
import msgspec

from stillwatch.cli import options
from stillwatch.cli.examples import Command
from stillwatch.cli.files import check_files, replacing
from stillwatch.cli.screen import Screen
from stillwatch.errors import InputError

T = TypeVar("T")


def read(path: Path, kind: type[T]) -> T:
    """Read a JSON file.

    Raises:
        InputError: It cannot be read, or holds something else.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.MsgspecError) as error:
        raise InputError(f"{path} holds no weights ({error}): give a file of --fit") from error


def lines(path: Path, kind: type[T]) -> list[T]:
    """Read JSON lines.

    Raises:
        InputError: They cannot be read, or hold something else.
    """
    try:
        return msgspec.json.Decoder(kind).decode_lines(path.read_bytes())
    except (OSError, msgspec.MsgspecError) as error:
        raise InputError(f"{path} holds no questions ({error}): give a file of --out") from error


@click.command(
    name="attribution",
    cls=Command,
    examples=[
        "stillwatch bench attribution --world 101 --world 102 --world 103",
        "stillwatch bench attribution --world 1 --world 2 --world 3 --world 4 --fit weights.json",
        "stillwatch bench attribution --questions asked.jsonl --weights weights.json --json",
    ],
)
@click.option(
    "--world",
    "worlds",
    type=click.IntRange(0, 100_000),
    multiple=True,
    help="Seed of a world of eight operators; can be repeated.",
)
@click.option("--questions", type=options.FILE, help="Questions of an earlier run, to use again.")
@click.option("--out", type=options.FILE, help="JSON lines to write the questions to.")
@click.option("--weights", type=options.FILE, help="Weights to measure; those of this version.")
@click.option("--fit", type=options.FILE, help="Fit new weights and write them; measures nothing.")
@options.as_json
@options.quiet
def attribution(
    worlds: tuple[int, ...],
    questions: Path | None,
    out: Path | None,
    weights: Path | None,
    fit: Path | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Ask who ran campaigns whose operators are known.

    In each world operators come back to a provider four times, some renewed, some with borrowed
    means, some naming another. Says how often the operator is named, how often "unknown" is right,
    and whether stated confidence is what comes true. A world takes a minute or two.
    """
    from stillwatch.bench import attribution as bench
    from stillwatch.bench.attribution_fit import fit as fitted
    from stillwatch.bench.attribution_page import page, report
    from stillwatch.bench.revision import revision
    from stillwatch.share.attribution.weights import Weights, shipped

    if bool(worlds) == (questions is not None):
        raise click.UsageError("give either --world or --questions")
    screen = Screen(quiet=quiet)
    check_files(out, fit)
    model = None if fit else read(weights, Weights) if weights else shipped()
    if questions is not None:
        asked = lines(questions, bench.Question)
    else:
        seen = []
        for world in worlds:
            for place in range(bench.TRAFFICS):
                with tempfile.TemporaryDirectory(prefix="stillwatch-attribution-") as folder:
                    seen += bench.see(world, place, Path(folder))
            screen.say(f"world {world}: {len(seen)} campaigns in all")
        asked = bench.questions(seen)
    if not asked:
        raise InputError("no campaign was found in these worlds: give more of them")
    if out:
        with replacing(out) as path:
            path.write_bytes(b"".join(msgspec.json.encode(q) + b"\n" for q in asked))
    if model is None:
        used = ", ".join(str(world) for world in sorted({q.world for q in asked}))
        new = fitted(asked, {"worlds": used, "revision": revision()})
        with replacing(fit or Path()) as path:
            path.write_bytes(msgspec.json.format(msgspec.json.encode(new), indent=1) + b"\n")
        screen.say(f"wrote {fit}: fitted on {len(asked)} campaigns; measure it on other worlds")
        return
    found = report(asked, model)
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
    else:
        sys.stdout.write(page(found) + "\n")
