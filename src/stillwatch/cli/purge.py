"""`stillwatch purge`: remove an account or a time from the state of a watch."""

from datetime import UTC, datetime
from pathlib import Path

import click

from stillwatch.cli import options
from stillwatch.cli.examples import Command
from stillwatch.cli.screen import Screen
from stillwatch.detect.wording import count
from stillwatch.errors import InputError


@click.command(
    name="purge",
    cls=Command,
    examples=[
        "stillwatch purge state --account acct-1042",
        "stillwatch purge state --before 2026-03-01",
        "stillwatch purge state --window",
    ],
)
@click.argument("state", metavar="STATE", type=options.FOLDER)
@click.option("--account", metavar="ID", help="Remove this account from every file.")
@click.option(
    "--before",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    help="Remove events before this moment, UTC.",
)
@click.option("--window", is_flag=True, help="Remove events that lie before the window.")
@options.quiet
def command(
    state: Path, *, account: str | None, before: datetime | None, window: bool, quiet: bool
) -> None:
    """Remove events from the state of a watch.

    The watch must not run meanwhile. The result is removed with them; the next watch writes it
    anew.
    """
    from stillwatch.detect.watch.purge import purge_account, purge_before, purge_window
    from stillwatch.detect.watch.state import open_state

    if (account is not None) + (before is not None) + window != 1:
        raise click.UsageError("give one of --account, --before and --window")
    held, facts = open_state(state, None)
    with held:
        if account is not None:
            purged = purge_account(held, account)
            if not purged.events and not purged.judgements:
                raise InputError(f"{state} holds nothing of {account}")
        elif before is not None:
            purged = purge_before(held, before.replace(tzinfo=UTC))
        else:
            purged = purge_window(held, facts.window)
    Screen(quiet=quiet).say(f"removed {count(purged.events, 'event')} from {state}")
