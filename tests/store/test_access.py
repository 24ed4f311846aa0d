"""Tokens, and answers by idempotency key."""

import pytest
import sqlalchemy as sa

from detector.alerts.store.answers import Answer, OtherRequestError, StillRunningError
from detector.alerts.store.tokens import Token


def test_a_token_opens_until_it_is_revoked(store):
    token, secret = store.tokens.issue("ana", ("triage", "read"), "setup")
    assert token.scopes == ("read", "triage")
    assert store.tokens.find(secret) == token
    assert store.tokens.find(secret + "x") is None
    assert store.tokens.revoke(token.id, "setup")
    assert not store.tokens.revoke(token.id, "setup")
    assert store.tokens.find(secret) is None
    assert [t.revoked_at is not None for t in store.tokens.all()] == [True]


def test_scopes():
    reader, admin = Token(1, "r", ("read",), 0), Token(2, "a", ("admin",), 0)
    assert reader.may("read")
    assert not reader.may("triage")
    assert all(admin.may(s) for s in ("read", "triage", "ingest", "admin"))


def test_no_secret_is_kept(store, url):
    _, secret = store.tokens.issue("ana", ("read",), "setup")
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT * FROM tokens")).all()
    engine.dispose()
    assert secret.removeprefix("rvn_") not in str(rows)


def test_an_equal_request_gets_the_same_answer(store):
    assert store.answers.begin(1, "k", b"a") is None
    with pytest.raises(StillRunningError):
        store.answers.begin(1, "k", b"a")
    store.answers.finish(1, "k", Answer(201, "{}"))
    assert store.answers.begin(1, "k", b"a") == Answer(201, "{}")
    assert store.answers.begin(2, "k", b"a") is None
    with pytest.raises(OtherRequestError):
        store.answers.begin(1, "k", b"b")


def test_a_failed_request_may_be_tried_again(store):
    store.answers.begin(1, "k", b"a")
    store.answers.release(1, "k")
    assert store.answers.begin(1, "k", b"a") is None
