"""`stillwatch bench signatures`: the same operator at another provider."""

import sys
import tempfile
from pathlib import Path

import click

from stillwatch.cli import options
from stillwatch.cli.examples import Command
from stillwatch.cli.screen import Screen
from stillwatch.errors import InputError

SCENARIOS = (
    "naive",
    "paraphrase",
    "camouflage",
    "no-shared-infrastructure",
    "distinct-clients",
    "spread-signups",
    "ban-and-replace",
    "daily-rhythm",
    "private-pools",
    "conversations",
    "model-move",
    "many-buyers",
    "few-events",
    "small-campaigns",
    "relay-mix",
    "all-half",
    "mixed",
)
"""One knob at a time, then all."""


@click.command(
    name="signatures",
    cls=Command,
    examples=[
        "stillwatch bench signatures --seed 1 --scenario naive --scenario paraphrase",
        "stillwatch bench signatures --seed 1 --seed 2 --scale small --out outcomes.jsonl",
    ],
)
@click.option("--scenario", "scenarios", multiple=True, help="What happens; all knobs by default.")
@click.option(
    "--scale", default="small", show_default=True, help="How much: demo, small, medium, large."
)
@click.option(
    "--seed",
    "seeds",
    type=click.IntRange(min=0),
    multiple=True,
    required=True,
    help="Seed of provider A; can be repeated.",
)
@click.option("--out", type=options.FILE, help="JSON lines to add to; what it holds is not redone.")
@options.as_json
@options.quiet
def signatures(
    scenarios: tuple[str, ...],
    scale: str,
    seeds: tuple[int, ...],
    out: Path | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Find operators again at another provider.

    Two simulated providers have the same operators and nothing else in common. A scans, makes
    signatures of what it flags, and B matches them: recall and false positives per evasion knob. A
    second trial tells A the operator's accounts, so that detection does not count.
    """
    import msgspec

    from stillwatch.bench.signatures import Outcome, measure_signatures, page
    from stillwatch.bench.suite import Case

    screen = Screen(quiet=quiet)
    outcomes: list[Outcome] = []
    if out is not None and out.is_file():
        try:
            outcomes = [msgspec.json.decode(x, type=Outcome) for x in out.read_bytes().splitlines()]
        except msgspec.MsgspecError as error:
            raise InputError(f"{out} holds no outcomes: give another --out") from error
    done = {(outcome.scenario, outcome.seed) for outcome in outcomes}
    for scenario in scenarios or SCENARIOS:
        for seed in seeds:
            if (scenario, seed) in done:
                continue
            case = Case(id="s", scenario=scenario, scale=scale, table="signatures", about="s")
            with tempfile.TemporaryDirectory(prefix="stillwatch-signatures-") as folder:
                found = measure_signatures(case, seed, Path(folder))
            screen.say(
                f"{scenario} {seed}: {sum(o.flagged.found for o in found)} accounts found again"
            )
            outcomes += found
            if out is not None:
                with out.open("ab") as file:
                    file.write(b"".join(msgspec.json.encode(o) + b"\n" for o in found))
    if as_json:
        click.echo(msgspec.json.encode(outcomes).decode())
    else:
        sys.stdout.write(page(outcomes) + "\n")
