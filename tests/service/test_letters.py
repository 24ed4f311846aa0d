"""Dead letters on their way from the file into a topic."""

import itertools
import time
from dataclasses import replace

import msgspec
import pytest

from detector.alerts.store import Store
from detector.service import letters
from detector.service.letters import LetterTopic
from streams.batch import DeadLetter
from streams.kafka import KafkaSettings
from streams.sources import SourceError

LETTER = DeadLetter("exchanges/0", 1, "not_json", 5, "ab")
SETTINGS = KafkaSettings(["broker.example.com:9092"], "dead-letter")


class Cluster:
    """What a sink wrote and flushed; refuses while it is down."""

    def __init__(self):
        self.taken, self.queued, self.down = [], [], False

    def __call__(self, settings):
        assert settings == SETTINGS
        self.queued = []
        return self

    def send(self, topic, letter, key, headers):
        self.queued.append((topic, letter.position, key, headers["idempotency-key"]))

    def flush(self):
        if self.down:
            raise SourceError("kafka: down")
        self.taken += self.queued
        self.queued = []


@pytest.fixture
def cluster(monkeypatch):
    cluster = Cluster()
    monkeypatch.setattr(letters, "KafkaSink", cluster)
    return cluster


@pytest.fixture
def store(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'store.db'}")
    yield store
    store.close()


def write(path, *positions):
    with path.open("ab") as file:
        file.writelines(msgspec.json.encode(replace(LETTER, position=p)) + b"\n" for p in positions)


def test_each_goes_once_with_a_key_of_its_own(cluster, store, tmp_path):
    path = tmp_path / "dead.ndjson"
    topic = LetterTopic(path, SETTINGS, store)
    assert topic.send(0) == 0  # there is no file yet
    write(path, 1, 2, 1)
    at = topic.send(0)
    assert at == path.stat().st_size
    assert topic.send(at) == at
    assert [(name, position, key) for name, position, key, _ in cluster.taken] == [
        ("dead-letter", p, "exchanges/0") for p in (1, 2, 1)
    ]
    assert len({mark for *_, mark in cluster.taken}) == 3
    assert store.notified.of("dead letters", 0) == at


def test_what_was_refused_comes_again_under_the_same_key(cluster, store, tmp_path):
    path = tmp_path / "dead.ndjson"
    topic = LetterTopic(path, SETTINGS, store)
    write(path, 1)
    at = topic.send(0)
    write(path, 2)
    cluster.down = True
    with pytest.raises(SourceError):
        topic.send(at)
    refused = cluster.queued
    cluster.down, cluster.queued = False, []
    again = LetterTopic(path, SETTINGS, store)
    again.send(store.notified.of("dead letters", 0))
    assert cluster.taken[1:] == refused
    assert len(refused) == 1


def test_half_a_line_waits_and_a_broken_one_is_passed_over(cluster, store, tmp_path):
    path = tmp_path / "dead.ndjson"
    topic = LetterTopic(path, SETTINGS, store)
    path.write_bytes(b'{"source": "exch\n')
    write(path, 1)
    whole = path.stat().st_size
    with path.open("ab") as file:
        file.write(b'{"source"')
    assert topic.send(0) == whole
    assert topic.send(whole) == whole
    assert [position for _, position, *_ in cluster.taken] == [1]


def test_a_file_that_was_made_anew_is_read_from_its_beginning(cluster, store, tmp_path):
    path = tmp_path / "dead.ndjson"
    topic = LetterTopic(path, SETTINGS, store)
    write(path, 1, 2, 3)
    at = topic.send(0)
    path.unlink()
    write(path, 4)
    topic.send(at)
    assert [position for _, position, *_ in cluster.taken] == [1, 2, 3, 4]


def test_a_new_topic_is_not_told_the_past(cluster, store, tmp_path, monkeypatch):
    path = tmp_path / "dead.ndjson"
    write(path, 1)
    monkeypatch.setattr(letters, "_POLL_S", 0.01)
    topic = LetterTopic(path, SETTINGS, store)
    topic.start()
    more = itertools.count(2)
    while not cluster.taken:
        write(path, next(more))
        time.sleep(0.02)
    topic.stop()
    assert min(position for _, position, *_ in cluster.taken) > 1
