"""Tables of the hub, the same in SQLite and PostgreSQL. Changes need a migration beside them.

Times are microseconds since 1970. `objects.added` is both the sequence of a collection and the
date that TAXII calls `date_added`.
"""

from typing import Final

import sqlalchemy as sa

METADATA: Final = sa.MetaData()

TRUST: Final = sa.Table(
    "trust",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("version", sa.BigInteger, nullable=False),
)
"""One row; its version rises with every change of the four tables below."""

MEMBERS: Final = sa.Table(
    "members",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("revoked", sa.Boolean, nullable=False),
)

CREDENTIALS: Final = sa.Table(
    "credentials",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("member", sa.Text, sa.ForeignKey("members.id"), nullable=False),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("roles", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("expires", sa.BigInteger),
    sa.Column("revoked", sa.Boolean, nullable=False),
)

ROOTS: Final = sa.Table(
    "roots",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
)

COLLECTIONS: Final = sa.Table(
    "collections",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("root", sa.Text, sa.ForeignKey("roots.name"), nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("alias", sa.Text),
    sa.Column("readable", sa.Boolean, nullable=False),
    sa.Column("writable", sa.Boolean, nullable=False),
    sa.Column("media_types", sa.Text, nullable=False),
    sa.Column("last", sa.BigInteger, nullable=False),
)
"""`last` is the highest `added` ever given; its row is the lock that writers take turns on."""

OBJECTS: Final = sa.Table(
    "objects",
    METADATA,
    sa.Column("collection", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("added", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("spec_version", sa.Text, nullable=False),
    sa.Column("member", sa.Text, nullable=False),
    sa.Column("latest", sa.SmallInteger, nullable=False),
    sa.Column("first", sa.SmallInteger, nullable=False),
    sa.Column("seal", sa.LargeBinary, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Index("objects_version", "collection", "id", "version", unique=True),
    sa.Index("objects_type", "collection", "type", "added"),
    sa.Index(
        "objects_latest",
        "collection",
        "added",
        sqlite_where=sa.text("latest = 1"),
        postgresql_where=sa.text("latest = 1"),
    ),
    sqlite_with_rowid=False,
)

STATUSES: Final = sa.Table(
    "statuses",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("member", sa.Text, nullable=False),
    sa.Column("requested", sa.BigInteger, nullable=False, index=True),
    sa.Column("body", sa.LargeBinary, nullable=False),
)
