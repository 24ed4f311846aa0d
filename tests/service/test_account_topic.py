"""The topic of accounts: refused by the cluster it is read whole anew, and away with the database it is learned later."""

import time

import polars as pl
import pytest
from running import Deadline

from detector.alerts.store import AwayError
from detector.service import account_topic, reopening
from detector.service.account_topic import AccountTopic
from streams.batch import Batch
from streams.sources import SourceError


def told(*names):
    return Batch(pl.DataFrame({"account_id": list(names)}), [], len(names))


class Table:
    """What a topic holds, and what comes later; refuses once where it is told to."""

    def __init__(self, holds, later=(), refuses=False):
        self.holds, self.later, self.refuses, self.closed = holds, list(later), refuses, False

    def whole(self):
        return [told(*self.holds)]

    def more(self, wait_ms):
        if self.later:
            return [told(*self.later.pop(0))]
        if self.refuses:
            raise SourceError("kafka: refused")
        time.sleep(min(wait_ms, 10) / 1000)
        return []

    def close(self):
        self.closed = True


class Live:
    """Knows the accounts; its database is away at first."""

    def __init__(self):
        self.known, self.away = [], 2

    def know(self, accounts):
        if self.away:
            self.away -= 1
            raise AwayError("gone")
        self.known.append(accounts["account_id"].to_list())


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(reopening, "_RETRY_S", 0.02)
    monkeypatch.setattr(account_topic, "_GATHER_S", 0.01)
    monkeypatch.setattr("detector.service.patience._BETWEEN_S", 0.01)


def test_it_is_read_whole_anew(capsys):
    tables = [Table(["a"], later=[["b"]], refuses=True), SourceError("kafka: away"), Table(["a", "b", "c"])]
    opened, live = [], Live()

    def open_():
        one = tables.pop(0)
        if isinstance(one, SourceError):
            raise one
        opened.append(one)
        return one

    topic = AccountTopic(open_, pl.DataFrame({"account_id": ["file"]}), live)
    topic.start()
    end = Deadline(10)
    while len(live.known) < 2 and not end.passed:
        time.sleep(0.01)
    topic.stop()
    # What came with the refusal comes again with the whole.
    assert live.known == [["file", "a"], ["file", "a", "b", "c"]]
    assert [one.closed for one in opened] == [True, True]
    assert capsys.readouterr().out.count("accounts_away") == 2
