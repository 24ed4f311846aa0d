"""`revenuer audit` and `revenuer forget` on the command line."""

import json
import sqlite3

import pytest
from making import alert
from running import free_port
from typer.testing import CliRunner

from detector.alerts.store import Store
from detector.cli import app


@pytest.fixture
def folder(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'revenuer.db'}")
    store.alerts.upsert([alert("alr_1")])
    for verdict in ("acknowledged", "confirmed", "open"):
        store.triage.decide("alr_1", verdict, "ana")
    store.close()
    return tmp_path


def said(*arguments):
    return CliRunner().invoke(app, list(arguments))


def test_a_whole_log_is_said_to_be_whole(folder):
    done = said("audit", "--data", str(folder))
    assert (done.exit_code, done.stdout) == (0, "audit log up to entry 3: whole\n")
    assert json.loads(said("audit", "--data", str(folder), "--json").stdout) == {
        "whole": True,
        "latest": 3,
        "broken": None,
    }


def test_a_forged_entry_is_found(folder):
    with sqlite3.connect(folder / "revenuer.db") as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("UPDATE audit SET actor = 'eve' WHERE id = 2")
    connection.close()
    done = said("audit", "--data", str(folder))
    assert (done.exit_code, done.stdout) == (1, "audit log up to entry 3: broken at entry 2\n")


def test_where_there_is_none_none_is_made(tmp_path):
    assert said("audit", "--data", str(tmp_path / "nowhere")).exit_code == 2
    assert not (tmp_path / "nowhere").exists()


def test_a_service_that_is_not_there_is_one_line():
    url = f"http://127.0.0.1:{free_port()}"
    done = said("forget", "acct/1", "--url", url, "--token", "rv_x")
    assert (done.exit_code, done.stderr) == (1, f"revenuer forget: nothing answers at {url}; is the service up?\n")


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ([], "no token: --token or REVENUER_TOKEN"),
        (["--token", "a\nb"], "--token: that cannot be a token"),
        (["--token", "rv_x", "--url", "localhost:8000"], "--url localhost:8000: that is no http address"),
    ],
)
def test_a_request_that_cannot_be_sent_is_misuse(monkeypatch, more, line):
    monkeypatch.delenv("REVENUER_TOKEN", raising=False)
    done = said("forget", "acct/1", *more)
    assert (done.exit_code, done.stderr) == (2, f"revenuer forget: {line}\n")
