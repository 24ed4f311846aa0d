"""Bearer tokens: only their SHA-256 is kept, and each names what it may do."""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Row, insert, select, update

from detector.alerts.store.audit import Audit
from detector.alerts.store.database import Database
from detector.alerts.store.tables import tokens
from detector.alerts.store.times import Micros

Scope = Literal["read", "triage", "ingest", "admin"]
SCOPES: Final[tuple[Scope, ...]] = ("read", "triage", "ingest", "admin")
_PREFIX: Final = "rvn_"  # lets secret scanners recognise one
_BYTES: Final = 32
_SEEN_US: Final = 1_000_000  # a token that another process revokes is good for as long
_MOST_SEEN: Final = 256


class Token(msgspec.Struct, frozen=True):
    """A token without its secret.

    Attributes:
        id: of the token.
        name: of its holder, for the audit log.
        scopes: what it may do; `admin` may do all.
        created_at, revoked_at: when.
        expires_at: until when; of a JWT, for ours end when they are revoked.
    """

    id: int
    name: str
    scopes: tuple[Scope, ...]
    created_at: Micros
    revoked_at: Micros | None = None
    expires_at: Micros | None = None

    def may(self, scope: Scope) -> bool:
        """Whether it covers a scope."""
        return "admin" in self.scopes or scope in self.scopes


class Tokens:
    """Tokens of one database; `now` is the wall clock in µs."""

    def __init__(self, database: Database, audit: Audit, now: Callable[[], int]) -> None:
        self._database, self._audit, self._now = database, audit, now
        self._seen: dict[bytes, tuple[Token, int]] = {}

    def issue(self, name: str, scopes: Iterable[Scope], actor: str) -> tuple[Token, str]:
        """A new token and its secret, which is shown once."""
        secret = _PREFIX + secrets.token_urlsafe(_BYTES)
        chosen = tuple(s for s in SCOPES if s in set(scopes))
        now = self._now()
        values = {"name": name, "digest": _digest(secret), "scopes": " ".join(chosen), "created_at": now}
        with self._database.write() as connection:
            number = connection.execute(insert(tokens).values(**values).returning(tokens.c.id)).scalar_one()
            self._audit.append(connection, now, actor, "token.issue", f"token/{number}", {"scopes": chosen})
        return Token(number, name, chosen, now), secret

    def revoke(self, number: int, actor: str) -> bool:
        """End a token; whether it was alive."""
        alive = (tokens.c.id == number) & tokens.c.revoked_at.is_(None)
        with self._database.write() as connection:
            now = self._now()
            ended = connection.execute(update(tokens).where(alive).values(revoked_at=now)).rowcount > 0
            if ended:
                self._audit.append(connection, now, actor, "token.revoke", f"token/{number}", {})
        self._seen = {}
        return ended

    def find(self, secret: str) -> Token | None:
        """The living token with this secret."""
        wanted = _digest(secret)
        with self._database.read() as connection:
            row = connection.execute(select(tokens).where(tokens.c.digest == wanted)).first()
        # The index compares digests, of which an attacker cannot choose the bytes; this comparison takes constant time.
        if row is None or row.revoked_at is not None or not hmac.compare_digest(row.digest, wanted):
            return None
        token = _token(row)
        self._seen = {**(self._seen if len(self._seen) < _MOST_SEEN else {}), wanted: (token, self._now() + _SEEN_US)}
        return token

    def seen(self, secret: str) -> Token | None:
        """The token with this secret where it was found a moment ago, without asking the database."""
        token, until = self._seen.get(_digest(secret), (None, 0))
        return token if self._now() < until else None

    def alive(self, token: Token) -> bool:
        """Whether a token that was found still holds."""
        if token.expires_at is not None:
            return self._now() < token.expires_at
        alive = (tokens.c.id == token.id) & tokens.c.revoked_at.is_(None)
        with self._database.read() as connection:
            return connection.execute(select(tokens.c.id).where(alive)).first() is not None

    def all(self) -> list[Token]:
        """All tokens, revoked ones too."""
        with self._database.read() as connection:
            return [_token(row) for row in connection.execute(select(tokens).order_by(tokens.c.id))]


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _token(row: Row[Any]) -> Token:
    scopes = tuple(s for s in SCOPES if s in row.scopes.split())
    return Token(row.id, row.name, scopes, row.created_at, row.revoked_at)
