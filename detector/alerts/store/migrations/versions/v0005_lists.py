"""Indexes from which a list of alerts is found without reading the alerts."""

from alembic import op

revision = "0005"
down_revision = "0004"

_FILTERS = ["status", "kind", "merged_into", "recommendation_id"]


def upgrade() -> None:
    """Change the indexes."""
    for name in ("alerts_newest", "alerts_worst", "alerts_status"):
        op.drop_index(name, "alerts")
    op.create_index("alerts_newest", "alerts", ["detected_at", "id", "severity", *_FILTERS])
    op.create_index("alerts_worst", "alerts", ["severity", "risk", "id", *_FILTERS])
