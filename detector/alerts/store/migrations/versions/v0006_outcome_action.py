"""What an outcome was an outcome of: a suspension that was applied is a ban."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Change the table."""
    op.add_column("outcomes", sa.Column("action", sa.String(16)))
