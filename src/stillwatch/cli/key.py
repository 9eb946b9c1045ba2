"""`stillwatch key`: keys of fingerprints."""

from pathlib import Path

import click

from stillwatch.cli.examples import Command, Group
from stillwatch.cli.keys import create_key


@click.group(
    name="key",
    cls=Group,
    examples=[
        "stillwatch key new provider.key",
        "stillwatch ingest logs/ --out fingerprints.parquet --key-file provider.key",
    ],
)
def command() -> None:
    """Make the key of fingerprints.

    Fingerprints and identities derived from API keys are computed with it. Fingerprints made with
    one key can be compared; without the key nobody can check a guess against them. Keep it as you
    keep a password.
    """


@command.command(cls=Command, examples=["stillwatch key new provider.key"])
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def new(file: Path) -> None:
    """Write a new random key to a file.

    FILE is readable by its owner only and never overwritten.
    """
    create_key(file)
    click.echo(f"wrote a new key to {file}; keep it secret and keep a copy", err=True)
