"""`stillwatch completion`: a script for the shell's tab key."""

import click
from click.shell_completion import get_completion_class

from stillwatch.cli.examples import Command


@click.command(
    name="completion",
    cls=Command,
    examples=[
        "stillwatch completion bash >> ~/.bashrc",
        "stillwatch completion zsh >> ~/.zshrc",
        "stillwatch completion fish > ~/.config/fish/completions/stillwatch.fish",
    ],
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print a completion script for a shell."""
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"click knows no completion for {shell}", ctx)
    click.echo(kind(ctx.find_root().command, {}, "stillwatch", "_STILLWATCH_COMPLETE").source())
