"""LiteLLM's callback to Kafka: its records are those that the adapter reads, on the way over a real broker, too."""

import asyncio
import json
import uuid
from pathlib import Path

import pytest
from broker import broker
from callback import CALLBACK, load_callback
from kafka.admin import KafkaAdminClient, NewTopic

from streams.adapters.reader import Format
from streams.decode import Origin
from streams.kafka import KafkaSettings
from streams.sources.kafka import KafkaSource

FIXTURE = Path(__file__).parent / "fixtures" / "litellm.ndjson"
PAYLOADS = [json.loads(line) for line in FIXTURE.read_text().splitlines()]


class Producer:
    """What the callback needs of a producer."""

    def __init__(self, **options):
        self.options, self.sent = options, []

    def send(self, topic, value, key=None):
        self.sent.append((topic, value, key))


def call(callback, payload):
    """By keyword, as LiteLLM calls it."""
    callback.log_success_event(kwargs={"standard_logging_object": payload}, response_obj=None, start_time=0, end_time=1)


def test_its_record_is_one_that_the_adapter_reads(monkeypatch):
    monkeypatch.setattr("kafka.KafkaProducer", Producer)
    monkeypatch.setenv("REVENUER_KAFKA_TOPIC", "calls")
    callback = load_callback(monkeypatch)
    for payload in PAYLOADS[:-1]:
        call(callback, payload)
    failure = {"standard_logging_object": PAYLOADS[-1]}
    asyncio.run(callback.async_log_failure_event(kwargs=failure, response_obj=None, start_time=0, end_time=1))
    sent = callback.producer.sent
    assert {(topic, key) for topic, _, key in sent} == {("calls", b"acct-1001")}
    batch = Format("litellm").reader()(b"\n".join(value for _, value, _ in sent), Origin("t", 0, b"k"))
    assert batch.frame["request_id"].to_list() == [p["id"] for p in PAYLOADS]
    assert batch.dead == []


def test_it_is_some_twenty_lines():
    lines = CALLBACK.read_text().partition('"""  #')[2].splitlines()[1:]
    assert len([line for line in lines if line.strip() and not line.strip().startswith('"""')]) <= 24


@pytest.fixture
def topic():
    with broker() as address:
        name = f"calls-{uuid.uuid4().hex[:8]}"
        admin = KafkaAdminClient(bootstrap_servers=address.split(","))
        admin.create_topics([NewTopic(name=name, num_partitions=2, replication_factor=1)])
        admin.close()
        yield KafkaSettings(address.split(","), name)


def test_over_a_broker(monkeypatch, topic):
    monkeypatch.setenv("REVENUER_KAFKA_BOOTSTRAP", ",".join(topic.bootstrap))
    monkeypatch.setenv("REVENUER_KAFKA_TOPIC", topic.topic)
    callback = load_callback(monkeypatch)
    callback.producer.send(topic.topic, b'{"not": "LiteLLM"}', key=b"acct-1001")
    for payload in PAYLOADS:
        call(callback, payload)
    callback.producer.flush()
    callback.producer.close()
    source = KafkaSource(topic, digest_key=b"k", poll_ms=200, read=Format().reader())
    ids, dead = [], []
    for batch in source.batches():
        ids += batch.frame["request_id"].to_list()
        dead += [(d.position, d.reason) for d in batch.dead]
        if len(ids) + len(dead) == len(PAYLOADS) + 1:
            source.stop()
    source.close()
    assert sorted(ids) == sorted(p["id"] for p in PAYLOADS)
    assert dead == [(0, "missing_field")]
