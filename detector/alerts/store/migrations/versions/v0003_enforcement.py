"""Live enforcement and its brakes."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "enforced",
        sa.Column("recommendation_id", sa.String(64), primary_key=True),
        sa.Column("account_id", sa.Text, primary_key=True),
        sa.Column("requests_per_day", sa.Float, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_enforced_account_id", "enforced", ["account_id"])
    op.create_table(
        "approvals",
        sa.Column("recommendation_id", sa.String(64), primary_key=True),
        sa.Column("actor", sa.String(256), primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "brake",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
    )
