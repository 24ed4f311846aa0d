"""Kafka as a source and a sink, against a real broker."""

import json
import sys
import uuid
from pathlib import Path

import polars as pl
import pytest
from kafka import KafkaConsumer
from kafka.admin import KafkaAdminClient, NewTopic

from streams.sinks.kafka import IDEMPOTENCY_KEY, KafkaSink
from streams.sources import SourceError
from streams.sources.kafka import KafkaSettings, KafkaSource
from streams.sources.memory import MemorySource

sys.path.insert(0, str(Path(__file__).parent))
from broker import broker

START = 1780000000.0


@pytest.fixture(scope="module")
def cluster():
    with broker() as address:
        yield address


@pytest.fixture
def settings(cluster):
    topic = f"exchanges-{uuid.uuid4().hex[:8]}"
    admin = KafkaAdminClient(bootstrap_servers=cluster)
    admin.create_topics([NewTopic(name=topic, num_partitions=3, replication_factor=1)])
    admin.close()
    return KafkaSettings([cluster], topic)


def record(i, **more):
    return {"ts": START + i, "request_id": f"r{i}", "account_id": f"a{i % 7}", "model": "m", **more}


def produce(settings, records):
    with KafkaSink(settings) as sink:
        for r in records:
            sink.send(settings.topic, r, str(r.get("account_id", "")) if isinstance(r, dict) else "x")


def drain(source, most=50):
    """Batches until nothing more comes."""
    out, idle = [], 0
    for batch in source.batches():
        out.append(batch)
        idle = 0 if batch.read else idle + 1
        if (idle >= 3 and not any(source.lag().values())) or len(out) >= most:
            source.stop()
    return out


def test_what_goes_in_comes_out_sorted_and_once(settings):
    records = [record(i) for i in range(500)]
    produce(settings, records)
    source = KafkaSource(settings, poll_ms=200)
    batches = drain(source)
    source.close()
    frame = pl.concat([b.frame for b in batches])
    assert sorted(frame["request_id"]) == sorted(r["request_id"] for r in records)
    assert all(b.frame["ts"].is_sorted() for b in batches)
    assert sum(b.read for b in batches) == 500
    (double,) = MemorySource(records).batches()
    assert frame.sort("ts").equals(double.frame)


def test_offsets_resume_where_a_checkpoint_left_off(settings):
    produce(settings, [record(i) for i in range(60)])
    first = KafkaSource(settings, poll_ms=200)
    seen = pl.concat([b.frame for b in drain(first)])
    saved = first.offsets()
    first.commit()
    first.close()
    assert seen.height == 60
    assert sum(saved.values()) == 60
    produce(settings, [record(i) for i in range(60, 90)])
    second = KafkaSource(settings, saved, poll_ms=200)
    rest = pl.concat([b.frame for b in drain(second)])
    second.close()
    assert sorted(rest["request_id"]) == sorted(f"r{i}" for i in range(60, 90))


def test_bad_records_are_told_by_partition_and_offset(settings):
    with KafkaSink(settings) as sink:
        for value in (record(1), [1, 2], record(2), None, {"ts": START}):
            sink.send(settings.topic, value, "same")
    source = KafkaSource(settings, poll_ms=200)
    batches = drain(source)
    source.close()
    dead = sorted((d.position, d.reason) for b in batches for d in b.dead)
    assert dead == [(1, "not_object"), (3, "not_object"), (4, "missing_field")]
    assert {d.source.rpartition("/")[0] for b in batches for d in b.dead} == {settings.topic}
    assert sum(b.read for b in batches) == sum(b.frame.height + len(b.dead) for b in batches) == 5


def test_two_processes_share_the_partitions(settings):
    produce(settings, [record(i) for i in range(200)])
    ids = []
    for mine in ((0, 2), (1,)):
        source = KafkaSource(settings, partitions=mine, poll_ms=200)
        ids += pl.concat([b.frame for b in drain(source)])["request_id"].to_list()
        source.close()
    assert sorted(ids) == sorted(f"r{i}" for i in range(200))


def test_a_sink_writes_keys_headers_and_dead_letters_without_text(settings, cluster):
    with KafkaSink(settings, f"dead-{settings.topic}") as sink:
        sink.send(settings.topic, {"id": "alr_1"}, "alr_1", {IDEMPOTENCY_KEY: "alr_1/2"})
        batch = next(iter(MemorySource([{"prompt": "canarybird"}]).batches()))
        sink.write(batch.dead)
    reader = KafkaConsumer(
        settings.topic,
        f"dead-{settings.topic}",
        bootstrap_servers=cluster,
        auto_offset_reset="earliest",
        consumer_timeout_ms=4000,
    )
    found = {m.topic: m for m in reader}
    reader.close()
    alert, dead = found[settings.topic], found[f"dead-{settings.topic}"]
    assert (alert.key, json.loads(alert.value)) == (b"alr_1", {"id": "alr_1"})
    assert dict(alert.headers)[IDEMPOTENCY_KEY] == b"alr_1/2"
    assert json.loads(dead.value)["reason"] == "missing_field"
    assert b"canarybird" not in dead.value


def test_a_topic_that_is_not_there(cluster):
    with pytest.raises(SourceError, match="no topic"):
        KafkaSource(KafkaSettings([cluster], f"none-{uuid.uuid4().hex}"))
