"""`stillwatch hub`: the server of a forum."""

import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stillwatch.cli import options
from stillwatch.cli.examples import Command, Group
from stillwatch.cli.hub_credentials import credential, say_issued
from stillwatch.cli.hub_members import member
from stillwatch.cli.hub_state import argument, check_extra, open_hub
from stillwatch.cli.keys import create_key, read_key
from stillwatch.cli.screen import Screen
from stillwatch.errors import ConfigError, InputError

if TYPE_CHECKING:
    from stillwatch.share.hub.store import Store

ROOT = "forum"


@click.group(
    name="hub",
    cls=Group,
    examples=[
        "stillwatch hub init hub/ --title 'Example Forum'",
        "stillwatch hub member add hub/ example-labs --name 'Example Labs'",
        "stillwatch hub credential new hub/ example-labs --holder poller --role reader",
        "stillwatch hub serve hub/",
    ],
)
def command() -> None:
    """Run the server over which the members of a forum share (TAXII 2.1).

    DIR is the folder of a hub. docs/guide/run-a-hub.md leads from nothing to members who exchange.
    """


command.add_command(member)
command.add_command(credential)


@command.command(
    cls=Command,
    examples=[
        "stillwatch hub init hub/ --title 'Example Forum'",
        "stillwatch hub init hub/ --collection Campaigns --collection Signatures",
        "stillwatch hub init hub/ --database postgresql://hub@db.example/hub",
    ],
)
@argument
@click.option("--title", default="Stillwatch hub", show_default=True, help="Name of the forum.")
@click.option("--contact", default="", help="Whom members ask.")
@click.option(
    "--database", metavar="URL", help="postgresql://… ; a SQLite file in DIR where not given."
)
@click.option(
    "--collection",
    "collections",
    multiple=True,
    default=["Campaigns"],
    show_default=True,
    help="Title of a collection; can be repeated.",
)
@options.as_json
@options.quiet
def init(
    folder: Path,
    *,
    title: str,
    contact: str,
    database: str | None,
    collections: tuple[str, ...],
    as_json: bool,
    quiet: bool,
) -> None:
    """Make a hub: its folder, database, secret and first credential.

    The credential is the operator's. It is printed once and kept nowhere; there is no default
    password. It manages the hub and reads nothing that members share.
    """
    check_extra()
    from stillwatch.share.hub import folder as folders
    from stillwatch.share.hub.credentials import issue
    from stillwatch.share.hub.database import open_engine
    from stillwatch.share.hub.database import upgrade as bring_up
    from stillwatch.share.hub.model import Member, Role
    from stillwatch.share.hub.sql import SqlStore

    if len(set(collections)) < len(collections) or not all(one.strip() for one in collections):
        raise InputError("--collection is empty or stands twice: give each title once")
    state = folders.Folder(folder, title, ROOT, database or "", contact=contact)
    engine = open_engine(state.url)
    try:
        if not database:
            folders.create(state)  # the database goes into it
        bring_up(engine)
        store = SqlStore(engine)
        if store.trust().members:
            raise ConfigError("the database holds a hub already: give another one")
        if database:
            folders.create(state)
        create_key(state.key_file)
        _fill(store, title, collections)
        store.put_member(Member("operator", title))
        now = datetime.now(UTC)  # noqa: TID251 - the edge where the clock is read
        issued = issue("operator", "operator", frozenset({Role.OPERATOR}), now)
        store.put_credential(issued.credential)
    finally:
        engine.dispose()
    if not database:
        (folder / folders.DATABASE).chmod(0o600)
    screen = Screen(quiet=quiet)
    screen.say(f"made a hub in {folder}; start it with `stillwatch hub serve {folder}`")
    say_issued(issued, as_json=as_json, screen=screen)


def _fill(store: "Store", title: str, collections: tuple[str, ...]) -> None:
    from stillwatch.share.hub.model import Collection, Root

    store.put_root(Root(ROOT, title))
    for name in collections:
        store.put_collection(Collection(str(uuid.uuid4()), ROOT, name))


@command.command(
    cls=Command,
    examples=[
        "stillwatch hub serve hub/",
        "stillwatch hub serve hub/ --host 0.0.0.0 --certificate hub.pem --key hub-key.pem",
        "stillwatch hub serve hub/ --port 8080 --behind-proxy",
    ],
)
@argument
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address; other than loopback needs TLS."
)
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8443,
    show_default=True,
    help="Port; 0 takes a free one.",
)
@click.option("--certificate", type=options.FILE, help="TLS certificate chain, PEM.")
@click.option("--key", type=options.FILE, help="Key of the certificate, PEM.")
@click.option(
    "--behind-proxy", is_flag=True, help="A proxy on this machine names clients' addresses."
)
@options.quiet
def serve(
    folder: Path,
    *,
    host: str,
    port: int,
    certificate: Path | None,
    key: Path | None,
    behind_proxy: bool,
    quiet: bool,
) -> None:
    """Serve a hub until it is stopped.

    It listens over TLS, or on loopback for a proxy that speaks TLS. Several processes may serve
    one PostgreSQL database with one folder's key.
    """
    with open_hub(folder) as (state, store):
        from stillwatch.share.hub.app import application
        from stillwatch.share.hub.serve import Listening, bind, check_listening
        from stillwatch.share.hub.serve import serve as run
        from stillwatch.share.hub.settings import PURPOSE, HubSettings

        where = Listening(
            host=host,
            port=port,
            certificate=certificate,
            private_key=key,
            behind_proxy=behind_proxy,
        )
        check_listening(where)
        settings = HubSettings(
            key=read_key(state.key_file),
            title=state.title,
            contact=state.contact or None,
            default_root=state.default_root,
            description=state.description or PURPOSE,
        )
        store.forget(settings.clock() - settings.status_life)
        with bind(where) as listening:
            scheme = "http" if certificate is None else "https"
            address, taken = listening.getsockname()[:2]
            shown = f"[{address}]" if ":" in address else address
            Screen(quiet=quiet).say(f"serving {scheme}://{shown}:{taken}/taxii2/")
            run(application(store, settings), where, listening)


@command.command(cls=Command, examples=["stillwatch hub upgrade hub/"])
@argument
@options.quiet
def upgrade(folder: Path, *, quiet: bool) -> None:
    """Bring a hub's database to the schema of this version.

    Stop the hub and back the database up first.
    """
    check_extra()
    from stillwatch.share.hub import database
    from stillwatch.share.hub import folder as folders

    engine = database.open_engine(folders.read(folder).url)
    try:
        revision = database.upgrade(engine)
    finally:
        engine.dispose()
    Screen(quiet=quiet).say(f"the database has schema {revision}")
