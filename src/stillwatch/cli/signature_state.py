"""`stillwatch signature state`: what happened to a signature."""

from pathlib import Path

import click
import msgspec

from stillwatch.cli import options, signature_logs
from stillwatch.cli.examples import Command
from stillwatch.cli.screen import Screen

ACTS = ("test", "publish", "report", "release", "revoke")
HITS = click.IntRange(0, 1_000_000)
"""Hits that people judged, in one report: a slip of the keyboard must not outweigh a life."""


@click.command(
    name="state",
    cls=Command,
    examples=[
        "stillwatch signature state 3fa9c1e2 publish --by Ada",
        "stillwatch signature state 3fa9c1e2 report --confirmed 12 --benign 1 --by Ada",
        "stillwatch signature state 3fa9c1e2 revoke --by Ada --note 'our own red team'",
    ],
)
@click.argument("name", metavar="ID")
@click.argument("act", type=click.Choice(ACTS))
@signature_logs.by
@click.option("--confirmed", type=HITS, default=0, help="Hits that were right.")
@click.option("--benign", type=HITS, default=0, help="Hits that were not.")
@click.option("--note", default="", help="Why.")
@signature_logs.store
@options.as_json
@options.quiet
def command(
    name: str,
    act: str,
    by: str,
    confirmed: int,
    benign: int,
    *,
    note: str,
    signatures: Path,
    as_json: bool,
    quiet: bool,
) -> None:
    """Say what happened to a signature.

    Lines are only added. A report with too many benign hits puts the signature into quarantine by
    itself; only `release`, by a person, takes it out.
    """
    from stillwatch.share.signatures.life import Act, Happening
    from stillwatch.share.signatures.store import SignatureStore

    if not by.strip():
        raise click.UsageError("--by is empty: name who does it")
    if (act == "report") != bool(confirmed or benign):
        raise click.UsageError("--confirmed and --benign go with report, and report needs one")
    store = SignatureStore(signatures)
    happening = Happening(
        signature_id=store.find(name).id,
        time=signature_logs.now(),
        act=Act(act),
        by=by,
        confirmed=confirmed,
        benign=benign,
        note=note,
    )
    life = store.record(happening)
    Screen(quiet=quiet).say(
        f"{name} is {life.state.value}, confidence {life.confidence}: {life.why}"
    )
    if as_json:
        click.echo(msgspec.json.encode(life).decode())


COMMANDS = (command,)
