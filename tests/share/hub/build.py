"""Hubs for tests: stores, objects that may be shared, and servers on loopback."""

import threading
import time
import uuid
from contextlib import contextmanager
from datetime import UTC, datetime

import uvicorn
from argon2 import PasswordHasher

from stillwatch.share.hub import database
from stillwatch.share.hub.app import application
from stillwatch.share.hub.credentials import issue
from stillwatch.share.hub.model import Collection, Credential, Item, Member, Role, Root
from stillwatch.share.hub.settings import HubSettings, utc_now
from stillwatch.share.hub.sql import SqlStore
from stillwatch.share.signatures.model import Tlp
from stillwatch.share.stix import tlp

KEY = bytes(range(32))
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
NOW = datetime(2026, 4, 6, 12, 3, 4, tzinfo=UTC)
COLLECTION = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"
OTHER = "52892447-4d7e-4f70-b94d-d7f22742ff63"
TAXII = "application/taxii+json;version=2.1"
ME = "identity--11111111-1111-4111-8111-111111111111"


def relationship(**changes):
    """An object of about 480 bytes that the allow-list lets pass; another one at each call."""
    return {
        "type": "relationship",
        "spec_version": "2.1",
        "id": f"relationship--{uuid.uuid4()}",
        "created_by_ref": ME,
        "created": "2026-04-06T12:00:00.000Z",
        "modified": "2026-04-06T12:03:04.000Z",
        "object_marking_refs": [tlp.IDS[Tlp.AMBER]],
        "relationship_type": "uses",
        "source_ref": f"campaign--{uuid.uuid4()}",
        "target_ref": f"attack-pattern--{uuid.uuid4()}",
        **changes,
    }


def item(name, version=1, body=b"{}", kind="note"):
    """An item as a store takes it."""
    return Item(name, kind, version, "2.1", body, b"seal")


def sqlite(path):
    """A new store in a file."""
    engine = database.open_engine(f"sqlite:///{path}")
    database.upgrade(engine)
    return SqlStore(engine)


def furnish(store):
    """A root and two collections."""
    store.put_root(Root("forum", "Forum"))
    store.put_collection(Collection(COLLECTION, "forum", "Campaigns", alias="campaigns"))
    store.put_collection(Collection(OTHER, "forum", "Signatures"))
    return store


def admit(store, member="labs", *roles, **options):
    """A member with a new credential."""
    store.put_member(Member(member, member.title()))
    issued = issue(
        member,
        "poller",
        frozenset(roles or {Role.CONTRIBUTOR}),
        utc_now(),
        hasher=QUICK,
        **options,
    )
    store.put_credential(issued.credential)
    return issued


def password(store, member, name, secret, *roles):
    """A credential with a name and a secret that a test chooses."""
    store.put_member(Member(member, member.title()))
    digest = QUICK.hash(secret)
    chosen = frozenset(roles or {Role.CONTRIBUTOR})
    store.put_credential(Credential(name, member, name, chosen, digest, NOW))


def settings(**changes):
    return HubSettings(**{"key": KEY, "hasher": QUICK, "default_root": "forum", **changes})


@contextmanager
def serving(store, **changes):
    """A real server in a thread of this process; gives its address."""
    config = uvicorn.Config(
        application(store, settings(**changes)), port=0, log_level="critical", lifespan="on"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)
