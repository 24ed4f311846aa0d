"""Migrations make the tables that the code reads; writers wait for each other."""

import sqlite3
import threading

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from making import alert
from msgspec.json import encode

from detector.alerts.store import Store
from detector.alerts.store.alerts import Filters
from detector.alerts.store.database import Database
from detector.alerts.store.tables import metadata


@pytest.mark.usefixtures("store")
def test_migrations_make_the_tables_that_the_code_reads(url):
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_an_older_database_is_brought_up_to_date_with_all_that_is_in_it(url):
    database = Database(url)
    database.migrate("0003")
    made, values = alert(), {"id": 7, "severity": 2, "status": "open", "at": 5, "risk": 70.0}
    row = {**values, "id": made.id, "kind": "cluster", "detected_at": 5, "updated_at": 5, "body": encode(made).decode()}
    old = {"alert_history": {**values, "alert_id": made.id, "accounts": 3, "joined": "[]", "gone": "[]"}}
    old |= {"notified": {"channel": "soc", "version": 7}, "alerts": {k: v for k, v in row.items() if k != "at"}}
    with database.write() as connection:
        for name in ("alerts", "alert_history", "notified"):
            marks = ", ".join(f":{column}" for column in old[name])
            connection.execute(sa.text(f"INSERT INTO {name} ({', '.join(old[name])}) VALUES ({marks})"), old[name])  # noqa: S608 - ours
    database.close()
    store = Store(url)
    assert store.alerts.page(Filters()).items == [made]
    assert [v.id for v in store.alerts.history(made.id)] == [7]
    assert store.notified.of("soc", 0) == 7
    store.close()


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
