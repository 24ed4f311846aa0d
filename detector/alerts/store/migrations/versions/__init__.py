"""Alembic's versions of the tables."""
