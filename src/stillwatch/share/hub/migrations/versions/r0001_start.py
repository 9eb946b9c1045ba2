"""Members, credentials, collections, objects, status resources."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "trust",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.execute("INSERT INTO trust (id, version) VALUES (1, 1)")
    _make_people()
    op.create_table(
        "objects",
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
        sqlite_with_rowid=False,
    )
    op.create_index("objects_version", "objects", ["collection", "id", "version"], unique=True)
    op.create_index("objects_type", "objects", ["collection", "type", "added"])
    latest = sa.text("latest = 1")
    op.create_index(
        "objects_latest",
        "objects",
        ["collection", "added"],
        sqlite_where=latest,
        postgresql_where=latest,
    )
    op.create_table(
        "statuses",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("member", sa.Text, nullable=False),
        sa.Column("requested", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_statuses_requested", "statuses", ["requested"])


def _make_people() -> None:
    op.create_table(
        "members",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("revoked", sa.Boolean, nullable=False),
    )
    op.create_table(
        "credentials",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("member", sa.Text, sa.ForeignKey("members.id"), nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("roles", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger),
        sa.Column("revoked", sa.Boolean, nullable=False),
    )
    op.create_table(
        "roots",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
    )
    op.create_table(
        "collections",
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
