"""`stillwatch signature`: what a campaign leaves in other providers' logs."""

import click

from stillwatch.cli import (
    signature_convert,
    signature_extract,
    signature_lint,
    signature_match,
    signature_show,
    signature_state,
    signature_test,
)
from stillwatch.cli.examples import Group


@click.group(
    name="signature",
    cls=Group,
    examples=[
        "stillwatch signature extract 'result#sw-3fe2b914' --events logs/ --forum-key forum.key",
        "stillwatch signature match logs/ --forum-key forum.key",
        "stillwatch signature match events.parquet --pack",
    ],
)
def command() -> None:
    """Make, test, match and convert signatures.

    A signature says what an operation carries from provider to provider: as fingerprints under a
    key that the members of a forum share, or as a Sigma rule (.yml) on behaviour, which needs the
    extra share. It holds no account, no prompt and no address.
    """


for module in (
    signature_extract,
    signature_match,
    signature_test,
    signature_lint,
    signature_convert,
    signature_show,
    signature_state,
):
    for made in module.COMMANDS:
        command.add_command(made)
