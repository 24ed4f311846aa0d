"""Answers by idempotency key: a write that is sent twice is done once and answered twice, until retention forgets it."""

import hashlib
from collections.abc import Callable

import msgspec
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from detector.alerts.store.database import Database
from detector.alerts.store.tables import answers


class OtherRequestError(ValueError):
    """The key was used for another request."""


class StillRunningError(RuntimeError):
    """The first request with the key is not done."""


class Answer(msgspec.Struct, frozen=True):
    """A finished request's answer."""

    status: int
    body: str


class Answers:
    """Answers of one database; `now` is the wall clock in µs."""

    def __init__(self, database: Database, now: Callable[[], int]) -> None:
        self._database, self._now = database, now

    def begin(self, token: int, key: str, request: bytes) -> Answer | None:
        """Claim a key for a request; the answer where it was already given.

        Args:
            token: id of the token; keys of two tokens are two.
            key: chosen by the client.
            request: bytes of which an equal request has the same.

        Raises:
            OtherRequestError: the key belongs to another request.
            StillRunningError: the same request is being answered.
        """
        digest, now = hashlib.sha256(request).digest(), self._now()
        mine = (answers.c.token_id == token) & (answers.c.key == key)
        with self._database.write() as connection:
            row = connection.execute(select(answers).where(mine).with_for_update()).first()
            if row is None:
                try:
                    connection.execute(insert(answers).values(token_id=token, key=key, request=digest, at=now))
                except IntegrityError as error:  # somebody else was quicker
                    raise StillRunningError(key) from error
                return None
        if row.request != digest:
            raise OtherRequestError(key)
        if row.status is None:
            raise StillRunningError(key)
        return Answer(row.status, row.body)

    def finish(self, token: int, key: str, answer: Answer) -> None:
        """Keep the answer of a claimed key."""
        mine = (answers.c.token_id == token) & (answers.c.key == key)
        with self._database.write() as connection:
            connection.execute(update(answers).where(mine).values(status=answer.status, body=answer.body))

    def release(self, token: int, key: str) -> None:
        """Give a claimed key back: the request failed and may be tried again."""
        mine = (answers.c.token_id == token) & (answers.c.key == key)
        with self._database.write() as connection:
            connection.execute(delete(answers).where(mine))
