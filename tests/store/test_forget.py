"""Erasure leaves no trace of the account in any table, and all else as it was."""

import sqlite3
from contextlib import closing

import sqlalchemy as sa
from making import START, alert

from detector.alerts.store import Keep, Store, database
from detector.alerts.store.answers import Answer
from detector.alerts.store.forget import proves
from detector.alerts.store.tables import metadata

NAME = 'acct-"odd"_1%'


def everything(url):
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        text = "\n".join(str(row) for table in metadata.sorted_tables for row in connection.execute(sa.select(table)))
    engine.dispose()
    return text


def fill(store):
    store.alerts.upsert([alert("alr_1", (NAME, "acct-2", "acct-3")), alert("alr_2", (NAME,)), alert("alr_3", ("z",))])
    store.labels.add("account", NAME, "attack", "ana")
    store.labels.add("alert", "alr_3", "benign", "ana", f"unlike {NAME}")
    store.labels.add("alert", "alr_2", "attack", "ana")
    store.allowances.grant("research", NAME, "lab", START, "ana")
    store.triage.decide("alr_1", "confirmed", "ana", f"({NAME}) leads")
    store.outcomes.add("rec_alr_2", "alr_2", "applied", "ana")
    store.answers.begin(1, "key", b"request")
    store.answers.finish(1, "key", Answer(200, '{"account_id":"acct-\\"odd\\"_1%"}'))


def test_nothing_of_the_account_is_left(store, url):
    fill(store)
    assert "odd" in everything(url)
    receipt = store.forget(NAME, "privacy")
    assert "odd" not in everything(url)
    assert (receipt.alerts_deleted, receipt.alerts_changed) == (1, 1)
    assert store.alerts.get("alr_2") is None
    assert store.alerts.get("alr_1").accounts == ["acct-2", "acct-3"]
    assert store.alerts.get("alr_1").recommendation.subject.accounts == ("acct-2", "acct-3")
    assert [label.subject for label in store.labels.page()] == ["alr_3"]
    assert store.audit.verify() is None


def held(folder):
    """Files of a folder that hold the name, in whatever part of them."""
    return [path.name for path in folder.iterdir() if b"odd" in path.read_bytes()]


def test_no_file_of_sqlite_holds_it_while_the_store_is_open(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'store.db'}")
    fill(store)
    assert held(tmp_path)
    store.forget(NAME, "privacy")
    assert (tmp_path / "store.db-wal").exists()
    assert held(tmp_path) == []
    store.close()


def test_a_long_read_costs_no_receipt_and_pruning_comes_back_for_the_log(tmp_path, monkeypatch):
    monkeypatch.setattr(database, "_SCRUB_MS", 10)
    store = Store(f"sqlite:///{tmp_path / 'store.db'}")
    fill(store)
    with closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM alerts").fetchone()
        assert proves(store.forget(NAME, "privacy"), NAME)
        assert held(tmp_path)
    store.prune(Keep())
    assert held(tmp_path) == []
    store.close()


def test_deleted_rows_are_overwritten_however_sqlite_was_compiled(tmp_path):
    with closing(sqlite3.connect(tmp_path / "store.db")) as connection:
        connection.execute("PRAGMA secure_delete=OFF")
        database._configure(connection, None)
        assert connection.execute("PRAGMA secure_delete").fetchone() == (1,)


def test_the_receipt_proves_who_was_erased(store):
    fill(store)
    receipt = store.forget(NAME, "privacy")
    assert proves(receipt, NAME)
    assert not proves(receipt, "acct-2")
    entry = store.audit.page(after=receipt.audit_id - 1)[0]
    assert entry.detail["digest"] == receipt.digest
    assert receipt.salt not in str(entry)


def test_a_second_time_finds_nothing(store):
    fill(store)
    store.forget(NAME, "privacy")
    again = store.forget(NAME, "privacy")
    assert (again.alerts_deleted, again.alerts_changed, again.rows) == (0, 0, 0)


def test_a_short_id_clears_no_other_words(store):
    kept = store.labels.add("alert", "alr_1", "benign", "ana", "a lazy fox of acct-22")
    store.forget("acct-2", "privacy")
    store.forget("z", "privacy")
    assert store.labels.page() == [kept]


def test_no_number_of_a_version_is_given_twice(store):
    store.alerts.upsert([alert("alr_1", ("z",))])
    store.alerts.upsert([alert("alr_2", ("acct-2",))])
    told = store.alerts.latest()
    store.forget("acct-2", "privacy")
    store.alerts.upsert([alert("alr_3", ("y",))])
    assert [v.alert_id for v in store.alerts.changes(told)] == ["alr_3"]
