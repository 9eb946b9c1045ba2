"""`stillwatch explain`: the evidence for or against one account."""

import sys
from pathlib import Path

import click
import msgspec

from stillwatch.cli import options
from stillwatch.cli.examples import Command
from stillwatch.cli.screen import show


@click.command(
    name="explain",
    cls=Command,
    examples=["stillwatch explain 'result#acct-1042'", "stillwatch explain 'result#acct-7' --json"],
)
@click.argument("target", metavar="DIR#ACCOUNT")
@options.as_json
def command(target: str, *, as_json: bool) -> None:
    """Show the evidence on one account.

    Says what the result in DIR holds for and against ACCOUNT, and what is not known.
    """
    from stillwatch.detect.explain import explain
    from stillwatch.detect.report import terminal
    from stillwatch.detect.store import read_result

    folder, _, account = target.partition("#")
    if not folder or not account:
        raise click.BadParameter("give the folder and the account, as in result#acct-1042")
    explanation = explain(read_result(Path(folder)), account)
    if as_json:
        click.echo(msgspec.json.encode(explanation).decode())
    else:
        show(terminal.explanation(explanation), sys.stdout)
