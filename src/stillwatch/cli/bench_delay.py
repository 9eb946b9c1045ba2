"""`stillwatch bench delay`: how late a watch flags campaigns."""

import sys
import tempfile
from pathlib import Path

import click

from stillwatch.cli import options
from stillwatch.cli.examples import Command
from stillwatch.cli.screen import Screen, show, table
from stillwatch.detect.wording import percent


@click.command(
    name="delay",
    cls=Command,
    examples=[
        "stillwatch bench delay --scenario mixed --scale small --seed 1",
        "stillwatch bench delay --scale small --seed 2 --hours 6 --json",
    ],
)
@click.option("--scenario", default="mixed", show_default=True, help="What happens.")
@click.option("--scale", default="small", show_default=True, help="How much: small, demo, medium.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Seed of the traffic."
)
@click.option(
    "--hours",
    type=click.FloatRange(min=0.1),
    default=3.0,
    show_default=True,
    help="Hours of event time between analyses.",
)
@click.option("--prompts", type=options.FOLDER, help="Folder of real prompts, read in place.")
@options.as_json
@options.quiet
def delay(
    scenario: str,
    scale: str,
    seed: int,
    hours: float,
    *,
    prompts: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Measure how late campaigns are flagged.

    Replays simulated traffic in the order of time through a watch: the share of each campaign's
    events that were served before it was announced, and the events saved.
    """
    import msgspec

    from stillwatch.bench.delay import measure_delay
    from stillwatch.bench.suite import Case

    screen = Screen(quiet=quiet)
    case = Case(id="delay", scenario=scenario, scale=scale, table="delay", about="delay")
    with tempfile.TemporaryDirectory(prefix="stillwatch-delay-") as folder:
        found = measure_delay(case, seed, hours, Path(folder), prompts=prompts, progress=screen.say)
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
        return
    rows = [
        (
            one.campaign,
            one.kind,
            f"{one.accounts:,}",
            f"{one.events:,}",
            percent(one.before_seen),
            percent(one.before_flag),
            f"{one.saved:,}",
        )
        for one in found.campaigns
    ]
    head = ("campaign", "kind", "accounts", "events", "before seen", "before flag", "saved")
    show(table(head, rows), sys.stdout)
    click.echo(
        f"In the median {percent(found.median)} of a campaign's events were served before its "
        f"flag; {found.saved:,} of {found.events:,} events were saved."
    )
