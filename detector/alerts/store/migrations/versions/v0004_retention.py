"""Retention: numbers that are never given twice, the age of a channel's place, and an audit log that lets go of what it released."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_NUMBERED = ("alert_history", "triage", "labels", "allowances", "tokens", "outcomes")


def upgrade() -> None:
    """Change the tables."""
    op.add_column("notified", sa.Column("at", sa.BigInteger, nullable=False, server_default="0"))
    op.create_index("audit_action", "audit", ["action", "id"])
    if op.get_bind().dialect.name == "sqlite":
        _sqlite()
    else:
        _postgresql()


def _sqlite() -> None:
    # SQLite gives the number of a deleted last row again. A channel that was told of the old one would miss the new one.
    for name in _NUMBERED:
        with op.batch_alter_table(name, recreate="always", table_kwargs={"sqlite_autoincrement": True}):
            pass
    op.execute("DROP TRIGGER audit_delete")
    op.execute(
        "CREATE TRIGGER audit_delete BEFORE DELETE ON audit WHEN OLD.id > coalesce("
        "(SELECT CAST(substr(subject, 7) AS INTEGER) FROM audit WHERE action = 'audit.release' ORDER BY id DESC LIMIT 1), 0) "
        "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
    )


def _postgresql() -> None:
    op.execute("DROP TRIGGER audit_append_only ON audit")
    op.execute(
        "CREATE TRIGGER audit_append_only BEFORE UPDATE OR TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()"
    )
    op.execute(
        "CREATE FUNCTION audit_keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF OLD.id > coalesce("
        "(SELECT substr(subject, 7)::bigint FROM audit WHERE action = 'audit.release' ORDER BY id DESC LIMIT 1), 0) "
        "THEN RAISE EXCEPTION 'the audit log is append-only'; END IF; RETURN OLD; END $$"
    )
    op.execute("CREATE TRIGGER audit_released BEFORE DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_keep()")
