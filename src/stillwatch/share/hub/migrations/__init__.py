"""Migrations of the hub's database, in order; run by Alembic without an `env.py`."""
