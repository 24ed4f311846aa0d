"""How far each channel of notifications has come."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "notified",
        sa.Column("channel", sa.String(64), primary_key=True),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
