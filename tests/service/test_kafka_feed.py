"""What a cluster refuses ends nothing: the topic is opened again, behind what was handed on."""

import time

import polars as pl
import pytest
from running import Deadline

from detector.service import kafka_feed, reopening
from detector.service.http.metrics import Metrics
from detector.service.http.state import QueueFullError
from detector.service.kafka_feed import KafkaFeed
from streams.batch import Batch
from streams.exchange import EXCHANGE_SCHEMA
from streams.sources import SourceError

END = 6


class Source:
    """Six records of one partition, one a batch; refuses after the third, as often as it is told to."""

    def __init__(self, at, refusals):
        self.at, self.refusals, self.stopped, self.closed = dict(at), refusals, False, False

    def batches(self):
        while not self.stopped:
            if self.at.get(0, 0) == END // 2 and self.refusals:
                self.refusals.pop()
                self.at[0] += 1  # it was on its way to the next one
                raise SourceError("kafka: refused")
            if self.at.get(0, 0) < END:
                self.at[0] = self.at.get(0, 0) + 1
                yield Batch(pl.DataFrame(schema=EXCHANGE_SCHEMA), [], 1)
            else:
                time.sleep(0.01)
                yield Batch(pl.DataFrame(schema=EXCHANGE_SCHEMA))

    def lag(self):
        return {0: END - self.at.get(0, 0)}

    def offsets(self):
        return dict(self.at)

    def commit(self):
        pass

    def stop(self):
        self.stopped = True

    def close(self):
        self.stopped = self.closed = True


class Live:
    """Takes every batch at the second try."""

    def __init__(self):
        self.offsets, self.taken, self.full = {}, [], True

    def follow(self, _batch, offsets):
        self.full = not self.full
        if not self.full:
            raise QueueFullError
        self.taken.append(offsets[0])


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(reopening, "_RETRY_S", 0.02)
    monkeypatch.setattr(kafka_feed, "_WAIT_S", 0.01)


def test_it_goes_on_behind_what_was_handed_on_and_says_so(capsys):
    refusals, opened, live, metrics = [1, 1], [], Live(), Metrics()

    def open_(at):
        if len(opened) == 1 and not refusals[1:]:
            opened.append(None)
            raise SourceError("kafka: away")
        opened.append(Source(at, refusals))
        return opened[-1]

    feed = KafkaFeed(open_, live, metrics)
    feed.start()
    end = Deadline(10)
    while len(live.taken) < END and not end.passed:
        time.sleep(0.01)
    time.sleep(0.1)
    feed.stop()
    assert live.taken == list(range(1, END + 1))
    sources = [one for one in opened if one is not None]
    assert len(sources) == 3
    assert all(one.closed for one in sources)
    assert b"revenuer_topic_away 0.0" in metrics.exposition()
    assert b"revenuer_topic_lag_records 0.0" in metrics.exposition()
    assert capsys.readouterr().out.count("kafka_away") == 3
