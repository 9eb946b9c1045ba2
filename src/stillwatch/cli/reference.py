"""docs/cli.md, written from the commands' own help: `make docs`."""

from collections.abc import Iterator

import click

from stillwatch.cli.main import cli

HEADER = """\
# The command line

Written by `make docs` from the commands' own help; a test fails when the two differ.
Exit codes: 0 done, 1 the input or settings are wrong, 2 usage, 3 `--fail-on` found something,
130 stopped by Ctrl-C. Results for machines (`--json`) go to stdout, everything else to stderr.
"""

WIDTH = 88


def commands(
    group: click.Group, parent: click.Context | None = None
) -> Iterator[tuple[click.Context, click.Command]]:
    """Walk a group depth first, in the order of its help, the group itself first."""
    name = "stillwatch" if parent is None else group.name
    context = click.Context(
        group,
        parent,
        name,
        terminal_width=WIDTH,
        max_content_width=WIDTH,
        **group.context_settings,
    )
    yield context, group
    for child in group.list_commands(context):
        command = group.get_command(context, child)
        if isinstance(command, click.Group):
            yield from commands(command, context)
        elif command is not None:
            yield click.Context(command, context, child, terminal_width=WIDTH), command


def render() -> str:
    """Write the whole page."""
    parts = [HEADER]
    for context, command in commands(cli):
        parts.append(f"## {context.command_path}\n\n```text\n{command.get_help(context)}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    click.echo(render(), nl=False)
