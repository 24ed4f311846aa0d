"""Migrations make the tables that the code reads; writers wait for each other."""

import sqlite3
import threading

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from making import alert

from detector.alerts.store import Store
from detector.alerts.store.tables import metadata


@pytest.mark.usefixtures("store")
def test_migrations_make_the_tables_that_the_code_reads(url):
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_opening_again_keeps_everything(store, url):
    store.alerts.upsert([alert()])
    again = Store(url)
    assert again.alerts.get("alr_1") == alert()
    again.close()


def test_sqlite_keeps_a_write_ahead_log(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'a.db'}")
    connection = sqlite3.connect(tmp_path / "a.db")
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()
    store.close()


def test_writers_wait_for_each_other(store):
    store.alerts.upsert([alert()])
    errors = []

    def label(name):
        try:
            for _ in range(20):
                store.labels.add("alert", "alr_1", "benign", name)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test must show it
            errors.append(error)

    threads = [threading.Thread(target=label, args=(f"t{i}",)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert errors == []
    assert len(store.labels.page(limit=200)) == 80
    assert store.audit.verify() is None
