"""Who joined an alert after a decision, and indexes from which a list is found without reading the alerts."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_FILTERS = ["status", "kind", "merged_into", "recommendation_id", "joiners"]


def upgrade() -> None:
    """Change the table and its indexes."""
    op.add_column("alerts", sa.Column("joiners", sa.Integer, nullable=False, server_default="0"))
    for name in ("alerts_newest", "alerts_worst", "alerts_status"):
        op.drop_index(name, "alerts")
    op.create_index("alerts_newest", "alerts", ["detected_at", "id", "severity", *_FILTERS])
    op.create_index("alerts_worst", "alerts", ["severity", "risk", "id", *_FILTERS])
