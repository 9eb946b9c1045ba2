"""`stillwatch hub credential`: what users and machines of members prove themselves with."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from stillwatch.cli import options
from stillwatch.cli.examples import Command, Group
from stillwatch.cli.hub_state import argument, member_of, open_hub
from stillwatch.cli.screen import Screen
from stillwatch.errors import InputError

if TYPE_CHECKING:
    from stillwatch.share.hub.credentials import Issued

ROLES = ("reader", "contributor", "approver", "auditor", "operator")


@click.group(
    name="credential",
    cls=Group,
    examples=[
        "stillwatch hub credential new hub/ example-labs --holder ada --role contributor",
        "stillwatch hub credential revoke hub/ 0123456789abcdef",
    ],
)
def credential() -> None:
    """Make and revoke credentials."""


@credential.command(
    cls=Command,
    examples=[
        "stillwatch hub credential new hub/ example-labs --holder poller --role reader",
        "stillwatch hub credential new hub/ example-labs --holder ada --role contributor --days 90",
    ],
)
@argument
@click.argument("identifier", metavar="MEMBER")
@click.option("--holder", required=True, help="The user or machine that it is for.")
@click.option(
    "--role",
    "roles",
    type=click.Choice(ROLES),
    multiple=True,
    required=True,
    help="What it may do; can be repeated.",
)
@click.option("--days", type=click.IntRange(1, 3_650), help="Days until it ends.")
@options.as_json
@options.quiet
def new(
    folder: Path,
    identifier: str,
    *,
    holder: str,
    roles: tuple[str, ...],
    days: int | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Make a credential; its secret is printed once and kept nowhere."""
    with open_hub(folder) as (_, store):
        from stillwatch.share.hub.credentials import issue
        from stillwatch.share.hub.model import Role

        if not holder.strip():
            raise InputError("--holder is empty: name the user or machine")
        found = member_of(store.trust(), identifier)
        if found.revoked:
            raise InputError(f"{identifier} is revoked: it gets no credentials")
        now = datetime.now(UTC)  # noqa: TID251 - the edge where the clock is read
        life = timedelta(days=days) if days else None
        issued = issue(found.id, holder, frozenset(Role(one) for one in roles), now, life=life)
        store.put_credential(issued.credential)
    say_issued(issued, as_json=as_json, screen=Screen(quiet=quiet))


@credential.command(
    cls=Command, examples=["stillwatch hub credential revoke hub/ 0123456789abcdef"]
)
@argument
@click.argument("identifier", metavar="CREDENTIAL")
@options.quiet
def revoke(folder: Path, identifier: str, *, quiet: bool) -> None:
    """End a credential, with the next request that brings it."""
    with open_hub(folder) as (_, store):
        found = store.trust().credentials.get(identifier)
        if found is None:
            raise InputError("the hub has no such credential: `stillwatch hub member list` names "
                             "them")  # fmt: skip
        store.put_credential(replace(found, revoked=True))
    Screen(quiet=quiet).say(f"{identifier} is revoked")


def say_issued(issued: "Issued", *, as_json: bool, screen: Screen) -> None:
    """Print a new credential on stdout: the only time that its secret is seen."""
    made = issued.credential
    shown = {
        "id": made.id,
        "member": made.member,
        "holder": made.holder,
        "roles": sorted(made.roles),
        "secret": issued.secret,
        "token": issued.token,
    }
    if as_json:
        click.echo(msgspec.json.encode(shown).decode())
    else:
        click.echo(f"user    {made.id}\nsecret  {issued.secret}\ntoken   {issued.token}")
    screen.say("the secret is shown this once and kept nowhere: store it now")
