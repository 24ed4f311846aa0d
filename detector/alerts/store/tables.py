"""The tables. Times are µs since the epoch; bodies are JSON as text, so that they come back byte for byte."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
)

metadata: Final = MetaData()

# SQLite numbers rows by itself only where the key is its own INTEGER, and never gives a number again only with AUTOINCREMENT.
_NUMBER: Final = BigInteger().with_variant(Integer, "sqlite")


def _key() -> Column[int]:
    return Column("id", _NUMBER, primary_key=True, autoincrement=True)


alerts: Final = Table(
    "alerts",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("severity", SmallInteger, nullable=False),
    Column("status", String(16), nullable=False),
    Column("risk", Float, nullable=False),
    Column("detected_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("merged_into", String(64)),
    Column("recommendation_id", String(64), index=True),
    Column("body", Text, nullable=False),
    # Accounts that joined since people decided; the alert is open again as far as these go.
    Column("joiners", Integer, nullable=False, server_default="0"),
    # In the order of a list, with all that it may be filtered by.
    Index(
        "alerts_newest",
        "detected_at",
        "id",
        "severity",
        "status",
        "kind",
        "merged_into",
        "recommendation_id",
        "joiners",
    ),
    Index("alerts_worst", "severity", "risk", "id", "status", "kind", "merged_into", "recommendation_id", "joiners"),
)
alert_accounts: Final = Table(
    "alert_accounts",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("alert_id", ForeignKey("alerts.id", ondelete="CASCADE"), primary_key=True, index=True),
)
# One row a version. Accounts are kept as what joined and what left: whole lists of a growing cluster would add up.
history: Final = Table(
    "alert_history",
    metadata,
    _key(),
    Column("alert_id", ForeignKey("alerts.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("at", BigInteger, nullable=False),
    Column("severity", SmallInteger, nullable=False),
    Column("status", String(16), nullable=False),
    Column("risk", Float, nullable=False),
    Column("accounts", Integer, nullable=False),
    Column("joined", Text, nullable=False),
    Column("gone", Text, nullable=False),
    sqlite_autoincrement=True,
)
triage: Final = Table(
    "triage",
    metadata,
    _key(),
    Column("alert_id", ForeignKey("alerts.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("before", String(16), nullable=False),
    Column("after", String(16), nullable=False),
    Column("note", Text),
    Column("undone_at", BigInteger),
    Column("undone_by", Text),
    sqlite_autoincrement=True,
)
labels: Final = Table(
    "labels",
    metadata,
    _key(),
    Column("kind", String(16), nullable=False),
    Column("subject", Text, nullable=False),
    Column("label", String(16), nullable=False),
    Column("actor", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("note", Text),
    Index("labels_subject", "kind", "subject"),
    sqlite_autoincrement=True,
)
allowances: Final = Table(
    "allowances",
    metadata,
    _key(),
    Column("name", String(64), nullable=False),
    Column("account_id", Text, nullable=False, index=True),
    Column("scope", Text),
    Column("owner", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)
tokens: Final = Table(
    "tokens",
    metadata,
    _key(),
    Column("name", Text, nullable=False),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("scopes", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    sqlite_autoincrement=True,
)
audit: Final = Table(
    "audit",
    metadata,
    Column("id", _NUMBER, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    Index("audit_action", "action", "id"),
)
outcomes: Final = Table(
    "outcomes",
    metadata,
    _key(),
    Column("recommendation_id", String(64), nullable=False, index=True),
    Column("alert_id", ForeignKey("alerts.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("outcome", String(16), nullable=False),
    Column("action", String(16)),
    Column("actor", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("note", Text),
    sqlite_autoincrement=True,
)
answers: Final = Table(
    "answers",
    metadata,
    Column("token_id", BigInteger, primary_key=True),
    Column("key", String(256), primary_key=True),
    Column("request", LargeBinary(32), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("status", SmallInteger),
    Column("body", Text),
)
# How far each channel of notifications has come through `alert_history`, and when it last moved.
notified: Final = Table(
    "notified",
    metadata,
    Column("channel", String(64), primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False, server_default="0"),
)

# Live enforcement: accounts that a released recommendation binds, who approved which, and the brake once it was pulled.
enforced: Final = Table(
    "enforced",
    metadata,
    Column("recommendation_id", String(64), primary_key=True),
    Column("account_id", Text, primary_key=True, index=True),
    Column("requests_per_day", Float, nullable=False),
    Column("at", BigInteger, nullable=False),
)
approvals: Final = Table(
    "approvals",
    metadata,
    Column("recommendation_id", String(64), primary_key=True),
    Column("actor", String(256), primary_key=True),
    Column("at", BigInteger, nullable=False),
)
brake: Final = Table(
    "brake",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("why", Text, nullable=False),
)
