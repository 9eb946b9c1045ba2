"""`stillwatch signature lint`: faults that a program can find."""

from pathlib import Path
from typing import Any

import click
import msgspec

from stillwatch.cli import options, signature_logs
from stillwatch.cli.examples import Command
from stillwatch.cli.exits import DONE, FAULT
from stillwatch.cli.screen import Screen, table
from stillwatch.cli.signature_extract import warned
from stillwatch.settings import load_settings


@click.command(
    name="lint",
    cls=Command,
    examples=[
        "stillwatch signature lint",
        "stillwatch signature lint --signatures received/ --lists lists/ --json",
    ],
)
@signature_logs.store
@click.option("--k", default=5, show_default=True, help="Accounts that must have carried each.")
@options.lists
@options.as_json
@options.quiet
@click.pass_context
def command(
    ctx: click.Context, /, signatures: Path, *, k: int, as_json: bool, quiet: bool, **given: Any
) -> None:
    """Check signatures without traffic.

    Values that no fingerprint has or that are on a warning list, too few carriers, rates that were
    never measured, words that hold an address or a price. Exits 1 where there is a fault.
    """
    from stillwatch.share.signatures.lint import lint
    from stillwatch.share.signatures.store import SignatureStore

    settings = load_settings().with_options(**given)
    screen = Screen(quiet=quiet)
    held = SignatureStore(signatures).signatures()
    named = given["lists"] is not None
    keys = sorted({s.key_id for s in held})
    listed = {key: warned(settings, key, screen, named=named) for key in keys}
    faults = {s.id: lint(s, warned=listed[s.key_id], k=k) for s in held}
    rows = [(name[11:19], fault) for name, found in faults.items() for fault in found]
    screen.show(table(("signature", "fault"), rows or [("all", "none")]))
    if as_json:
        click.echo(msgspec.json.encode(faults).decode())
    ctx.exit(FAULT if rows else DONE)


COMMANDS = (command,)
