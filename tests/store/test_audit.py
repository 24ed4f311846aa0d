"""The audit log shows every change to itself, and the database refuses them."""

import pytest
import sqlalchemy as sa
from making import alert


@pytest.fixture
def filled(store):
    store.alerts.upsert([alert()])
    for status in ("acknowledged", "confirmed", "resolved"):
        store.triage.decide("alr_1", status, "ana")
    return store


@pytest.fixture
def server(url):
    engine = sa.create_engine(url)
    yield engine
    engine.dispose()


def unlock(connection):
    """As an administrator of the database could."""
    if connection.dialect.name == "sqlite":
        connection.execute(sa.text("DROP TRIGGER audit_update"))
        connection.execute(sa.text("DROP TRIGGER audit_delete"))
    else:
        connection.execute(sa.text("DROP TRIGGER audit_append_only ON audit"))
        connection.execute(sa.text("DROP TRIGGER audit_released ON audit"))


def test_an_untouched_log_holds(filled):
    assert [e.action for e in filled.audit.page()] == ["alert.triage"] * 3
    assert [e.id for e in filled.audit.page(after=1)] == [2, 3]
    assert filled.audit.verify() is None


@pytest.mark.parametrize(
    "statement", ["UPDATE audit SET actor = 'eve'", "DELETE FROM audit", "DELETE FROM audit WHERE id = 1"]
)
def test_the_database_refuses_changes(filled, server, statement):
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), server.begin() as connection:
        connection.execute(sa.text(statement))
    assert filled.audit.verify() is None


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE audit SET actor = 'eve' WHERE id = 2", 2),
        ("UPDATE audit SET at = at + 1 WHERE id = 1", 1),
        ("DELETE FROM audit WHERE id = 2", 2),
        ("DELETE FROM audit WHERE id = 1", 1),
    ],
)
def test_a_forced_change_shows(filled, server, statement, broken):
    with server.begin() as connection:
        unlock(connection)
        connection.execute(sa.text(statement))
    assert filled.audit.verify() == broken


def test_released_entries_go_and_the_chain_holds(filled, server):
    third = filled.audit.page()[2]
    last = filled.audit.release(third.at + 1, third.at, "retention")
    assert last == 2
    assert filled.audit.verify() is None
    with server.begin() as connection:
        assert connection.execute(sa.text("DELETE FROM audit WHERE id <= 2")).rowcount == 2
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), server.begin() as connection:
        connection.execute(sa.text("DELETE FROM audit WHERE id = 3"))
    assert [(e.id, e.action, e.subject) for e in filled.audit.page()] == [
        (3, "alert.triage", "alr_1"),
        (4, "audit.release", "audit/2"),
    ]
    assert filled.audit.verify() is None
    filled.triage.decide("alr_1", "open", "ana")
    assert filled.audit.verify() is None


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("DELETE FROM audit WHERE id = 3", 3),
        ("UPDATE audit SET at = at + 1 WHERE id = 3", 3),
        ("UPDATE audit SET subject = 'audit/1' WHERE id = 4", 2),
        ("UPDATE audit SET subject = 'audit/3' WHERE id = 4", 4),
    ],
)
def test_a_forced_change_after_a_release_shows(filled, server, statement, broken):
    third = filled.audit.page()[2]
    filled.audit.release(third.at + 1, third.at, "retention")
    with server.begin() as connection:
        connection.execute(sa.text("DELETE FROM audit WHERE id <= 2"))
        unlock(connection)
        connection.execute(sa.text(statement))
    assert filled.audit.verify() == broken


def test_what_is_about_retention_alone_is_not_released(filled):
    now = filled.audit.page()[2].at + 10**9
    assert filled.audit.release(now, now, "retention") == 3
    assert filled.audit.release(now + 1, now + 1, "retention") == 3
    assert [e.action for e in filled.audit.page()][3:] == ["audit.release"]
