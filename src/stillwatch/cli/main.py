"""Entry point: a group whose commands are imported only when they are asked for."""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final, NoReturn

import click

from stillwatch.cli.examples import Group
from stillwatch.cli.exits import DONE, guarded, leave
from stillwatch.settings import debugging
from stillwatch.version import __version__

COMMANDS: Final = (
    "scan",
    "watch",
    "judge",
    "purge",
    "ingest",
    "explain",
    "attribute",
    "share",
    "hub",
    "lists",
    "screen",
    "signature",
    "simulate",
    "bench",
    "demo",
    "doctor",
    "key",
    "completion",
)
"""Commands in the order in which help shows them; each lives in the module of its name."""

MODULES: Final = {"screen": "screening"}
"""Modules of commands that have another name than their command."""


class LazyGroup(Group):
    """A group that finds the command `NAME` as `stillwatch.cli.NAME.command`; see `MODULES`."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Name the commands in reading order."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import one command; None where there is no such command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(
            f"stillwatch.cli.{MODULES.get(cmd_name, cmd_name)}"
        ).command
        return command


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    examples=[
        "stillwatch scan logs/ --accounts accounts.parquet --out result",
        "stillwatch explain result#acct-1042",
        "stillwatch simulate --scenario mixed --scale small --out traffic",
    ],
)
@click.version_option(__version__, prog_name="stillwatch")
def cli() -> None:
    """Find coordinated extraction campaigns in the logs of language-model APIs."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: Words after the program's name; those of the process where None.

    Returns:
        The exit code; see `stillwatch.cli.exits`.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)

    def job() -> int:
        code = cli.main(args=words, prog_name="stillwatch", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else DONE

    return guarded(job, debug=debugging())


def run() -> NoReturn:
    """Run the command line of this process and end the process."""
    leave(main())
