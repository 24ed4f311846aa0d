"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _key() -> sa.Column[int]:
    return sa.Column("id", _NUMBER, primary_key=True, autoincrement=True)


def _alert() -> sa.Column[str]:
    return sa.Column("alert_id", sa.String(64), sa.ForeignKey("alerts.id", ondelete="CASCADE"), nullable=False)


def upgrade() -> None:
    """Make them."""
    _alerts()
    _people()
    _service()
    _append_only()


def _alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("severity", sa.SmallInteger, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("risk", sa.Float, nullable=False),
        sa.Column("detected_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("merged_into", sa.String(64)),
        sa.Column("recommendation_id", sa.String(64)),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("alerts_newest", "alerts", ["detected_at", "id"])
    op.create_index("alerts_worst", "alerts", ["severity", "risk", "id"])
    op.create_index("alerts_status", "alerts", ["status"])
    op.create_index("ix_alerts_recommendation_id", "alerts", ["recommendation_id"])
    op.create_table(
        "alert_accounts",
        sa.Column("account_id", sa.Text, primary_key=True),
        sa.Column("alert_id", sa.String(64), sa.ForeignKey("alerts.id", ondelete="CASCADE"), primary_key=True),
    )
    op.create_index("ix_alert_accounts_alert_id", "alert_accounts", ["alert_id"])
    op.create_table(
        "alert_history",
        _key(),
        _alert(),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("severity", sa.SmallInteger, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("risk", sa.Float, nullable=False),
        sa.Column("accounts", sa.Integer, nullable=False),
        sa.Column("joined", sa.Text, nullable=False),
        sa.Column("gone", sa.Text, nullable=False),
    )
    op.create_index("ix_alert_history_alert_id", "alert_history", ["alert_id"])


def _people() -> None:
    op.create_table(
        "triage",
        _key(),
        _alert(),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("before", sa.String(16), nullable=False),
        sa.Column("after", sa.String(16), nullable=False),
        sa.Column("note", sa.Text),
        sa.Column("undone_at", sa.BigInteger),
        sa.Column("undone_by", sa.Text),
    )
    op.create_index("ix_triage_alert_id", "triage", ["alert_id"])
    op.create_table(
        "labels",
        _key(),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("label", sa.String(16), nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("note", sa.Text),
    )
    op.create_index("labels_subject", "labels", ["kind", "subject"])
    op.create_table(
        "allowances",
        _key(),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("scope", sa.Text),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_allowances_account_id", "allowances", ["account_id"])
    op.create_table(
        "outcomes",
        _key(),
        sa.Column("recommendation_id", sa.String(64), nullable=False),
        _alert(),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("note", sa.Text),
    )
    op.create_index("ix_outcomes_recommendation_id", "outcomes", ["recommendation_id"])
    op.create_index("ix_outcomes_alert_id", "outcomes", ["alert_id"])


def _service() -> None:
    op.create_table(
        "tokens",
        _key(),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False, unique=True),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("revoked_at", sa.BigInteger),
    )
    op.create_table(
        "audit",
        sa.Column("id", _NUMBER, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
    )
    op.create_table(
        "answers",
        sa.Column("token_id", sa.BigInteger, primary_key=True),
        sa.Column("key", sa.String(256), primary_key=True),
        sa.Column("request", sa.LargeBinary(32), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("status", sa.SmallInteger),
        sa.Column("body", sa.Text),
    )


def _append_only() -> None:
    """The database itself refuses to change the audit log."""
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_{verb.lower()} BEFORE {verb} ON audit "
                "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()"
    )
