"""`stillwatch simulate`: benign and attacking traffic to test on, with the truth beside it."""

import sys
from pathlib import Path

import click
import msgspec

from stillwatch.cli import options
from stillwatch.cli.examples import Command
from stillwatch.cli.screen import Screen, show, table
from stillwatch.detect.wording import count


def list_scenarios(ctx: click.Context, _option: click.Parameter, asked: bool) -> None:  # noqa: FBT001 - click's signature
    """Print the scenarios and stop, where that was asked for."""
    if not asked or ctx.resilient_parsing:
        return
    from stillwatch.simulate import SCENARIOS

    show(table(("scenario", "what it shows"), list(SCENARIOS.items())), sys.stdout)
    ctx.exit()


@click.command(
    name="simulate",
    cls=Command,
    examples=[
        "stillwatch simulate --scenario mixed --scale small --out traffic",
        "stillwatch simulate --scenario paraphrase --scale medium --seed 7 --out traffic",
        "stillwatch simulate --list",
    ],
)
@click.option("--scenario", default="mixed", show_default=True, help="What happens; see --list.")
@click.option(
    "--scale", default="small", show_default=True, help="How much: small, demo, medium or large."
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="The same seed gives the same bytes.",
)
@click.option(
    "--operator",
    "operators",
    type=click.IntRange(min=0),
    multiple=True,
    metavar="SEED",
    help="Operator of the next campaign, the same at any provider; can be repeated.",
)
@click.option(
    "--returning",
    is_flag=True,
    help="Operators come back to one provider: cards, networks, names; some of it borrowed.",
)
@click.option("--prompts", type=options.FOLDER, help="Folder of real prompts, read in place.")
@click.option("--out", type=options.FOLDER, required=True, help="Folder to write to.")
@click.option(
    "--list",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=list_scenarios,
    help="List the scenarios and stop.",
)
@options.as_json
@options.quiet
def command(
    scenario: str,
    scale: str,
    seed: int,
    prompts: Path | None,
    out: Path,
    *,
    operators: tuple[int, ...],
    returning: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Write traffic with the truth beside it.

    Events, accounts, labels and a register of exemptions. Benign cohorts of every sort that looks
    coordinated without being theft, and attacks with evasion. labels.parquet holds the truth, one
    row per account.
    """
    from stillwatch.simulate import SCALES, check_folder, describe, simulate, write_traffic

    screen = Screen(quiet=quiet)
    check_folder(out)
    traffic = simulate(
        scenario, scale=scale, seed=seed, prompts=prompts, operators=operators, returning=returning
    )
    with screen.bars({"simulating": 1.0}) as progress:
        progress.start("simulating", SCALES[scale].events)
        events = write_traffic(traffic, out, progress.advance)
        progress.finish()
    accounts = count(traffic.accounts.num_rows, "account")
    screen.say(f"wrote {count(events, 'event')} of {accounts} to {out}")
    if as_json:
        click.echo(msgspec.json.encode(describe(traffic, events)).decode())
