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


def test_an_untouched_log_holds(filled):
    assert [e.action for e in filled.audit.page()] == ["alert.triage"] * 3
    assert [e.id for e in filled.audit.page(after=1)] == [2, 3]
    assert filled.audit.verify() is None


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'eve'", "DELETE FROM audit"])
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
