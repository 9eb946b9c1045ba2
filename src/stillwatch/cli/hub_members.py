"""`stillwatch hub member`: who takes part in a forum."""

import re
from dataclasses import replace
from pathlib import Path

import click
import msgspec

from stillwatch.cli import options
from stillwatch.cli.examples import Command, Group
from stillwatch.cli.hub_state import argument, member_of, open_hub
from stillwatch.cli.screen import Screen
from stillwatch.errors import InputError

_ID = re.compile(r"[a-z][a-z0-9-]{1,31}")


@click.group(
    name="member",
    cls=Group,
    examples=[
        "stillwatch hub member add hub/ example-labs --name 'Example Labs'",
        "stillwatch hub member list hub/",
        "stillwatch hub member revoke hub/ example-labs",
    ],
)
def member() -> None:
    """Add, list and revoke members."""


@member.command(
    cls=Command, examples=["stillwatch hub member add hub/ example-labs --name 'Example Labs'"]
)
@argument
@click.argument("identifier", metavar="ID")
@click.option("--name", required=True, help="Name of the provider.")
@options.quiet
def add(folder: Path, identifier: str, *, name: str, quiet: bool) -> None:
    """Add a member.

    ID is its short name: small letters, digits and hyphens.
    """
    from stillwatch.share.hub.model import Member

    if not _ID.fullmatch(identifier):
        raise InputError("a member's ID has 2 to 32 small letters, digits and hyphens")
    with open_hub(folder) as (_, store):
        if identifier in store.trust().members:
            raise InputError(f"the hub has a member {identifier} already: give another ID")
        store.put_member(Member(identifier, name))
    Screen(quiet=quiet).say(f"added {identifier}; give it credentials with `stillwatch hub "
                            f"credential new {folder} {identifier}`")  # fmt: skip


@member.command(
    name="list", cls=Command,
    examples=["stillwatch hub member list hub/", "stillwatch hub member list hub/ --json"],
)  # fmt: skip
@argument
@options.as_json
def list_(folder: Path, *, as_json: bool) -> None:
    """List members and their credentials."""
    with open_hub(folder) as (_, store):
        trust = store.trust()
    rows = [
        {
            "id": one.id,
            "name": one.name,
            "revoked": one.revoked,
            "credentials": [
                {
                    "id": c.id,
                    "holder": c.holder,
                    "roles": sorted(c.roles),
                    "expires": c.expires,
                    "revoked": c.revoked,
                }
                for c in trust.credentials.values()
                if c.member == one.id
            ],
        }
        for one in trust.members.values()
    ]
    if as_json:
        click.echo(msgspec.json.encode(rows).decode())
        return
    for one in trust.members.values():
        click.echo(f"{one.id}  {one.name}{'  revoked' if one.revoked else ''}")
        for c in trust.credentials.values():
            if c.member == one.id:
                state = "  revoked" if c.revoked else ""
                click.echo(f"  {c.id}  {c.holder}  {', '.join(sorted(c.roles))}{state}")


@member.command(cls=Command, examples=["stillwatch hub member revoke hub/ example-labs"])
@argument
@click.argument("identifier", metavar="ID")
@options.quiet
def revoke(folder: Path, identifier: str, *, quiet: bool) -> None:
    """End a member's access, with its next request.

    What it contributed stays.
    """
    with open_hub(folder) as (_, store):
        store.put_member(replace(member_of(store.trust(), identifier), revoked=True))
    Screen(quiet=quiet).say(f"{identifier} is revoked")
