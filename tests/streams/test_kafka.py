"""Kafka as a source and a sink, against a real broker: one contract for every client library."""

import json
import threading
import uuid
from dataclasses import replace
from typing import get_args

import polars as pl
import pytest
from broker import broker
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic

import streams.sources.kafka
from streams.accounts import decode_accounts
from streams.batch import digest
from streams.decode import MAX_LINE, Origin
from streams.kafka import KafkaSettings, Library, OffsetsGoneError
from streams.sinks.kafka import IDEMPOTENCY_KEY, KafkaSink
from streams.sources import SourceError
from streams.sources.kafka import KafkaSource, read_values
from streams.sources.kafka_table import KafkaTable
from streams.sources.memory import MemorySource

START = 1780000000.0


@pytest.fixture(scope="module")
def cluster():
    with broker() as address:
        yield address


@pytest.fixture(params=get_args(Library))
def library(request):
    return request.param


@pytest.fixture
def settings(cluster, library):
    topic = f"exchanges-{uuid.uuid4().hex[:8]}"
    admin = KafkaAdminClient(bootstrap_servers=cluster.split(","))
    admin.create_topics([NewTopic(name=topic, num_partitions=3, replication_factor=1)])
    admin.close()
    return KafkaSettings(cluster.split(","), topic, library=library)


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


def test_a_sink_writes_keys_and_headers(settings, cluster):
    with KafkaSink(settings) as sink:
        sink.send(settings.topic, {"id": "alr_1"}, "alr_1", {IDEMPOTENCY_KEY: "alr_1/2"})
    reader = KafkaConsumer(settings.topic, bootstrap_servers=cluster.split(","), auto_offset_reset="earliest")
    alert = next(reader)
    reader.close()
    assert (alert.key, json.loads(alert.value)) == (b"alr_1", {"id": "alr_1"})
    assert dict(alert.headers)[IDEMPOTENCY_KEY] == b"alr_1/2"


def test_a_topic_that_is_not_there(cluster, library):
    with pytest.raises(SourceError, match="no topic"):
        KafkaSource(KafkaSettings(cluster.split(","), f"none-{uuid.uuid4().hex}", library=library))


@pytest.mark.parametrize("compression", ["gzip", "lz4", "snappy", "zstd"])
def test_every_compression_is_read(settings, compression):
    records = [record(i, prompt="the same words again " * 20) for i in range(300)]
    produce(replace(settings, compression=compression), records)
    source = KafkaSource(settings, poll_ms=200)
    frame = pl.concat([b.frame for b in drain(source)])
    source.close()
    (double,) = MemorySource(records).batches()
    assert frame.sort("ts").equals(double.frame)


def test_a_batch_is_bounded_in_bytes(settings):
    produce(settings, [record(i, prompt="x" * 2000) for i in range(1500)])
    source = KafkaSource(replace(settings, in_flight_bytes=100_000), poll_ms=200)
    heights = [b.frame.height for b in drain(source, most=200)]
    source.close()
    assert sum(heights) == 1500
    assert max(heights[1:]) <= 50


def test_an_idle_topic_gives_empty_batches_until_it_is_stopped(settings):
    source = KafkaSource(settings, poll_ms=20)
    seen = []
    for batch in source.batches():
        seen.append((batch.read, batch.frame.height))
        if len(seen) == 3:
            stopper = threading.Thread(target=source.stop)
            stopper.start()
            stopper.join()
    source.close()
    assert seen == [(0, 0)] * 3


def two_days(settings, numbers):
    """Of each number a record in partition 0, and one in partition 1 that is a day ahead."""
    producer = KafkaProducer(bootstrap_servers=list(settings.bootstrap))
    for i in numbers:
        for partition, ahead in ((0, 0), (1, 86_400)):
            value = json.dumps(record(i, ts=START + i + ahead, request_id=f"{partition}-{i}", prompt="x" * 500))
            producer.send(settings.topic, value.encode(), partition=partition)
    producer.close()


def test_a_partition_that_runs_ahead_waits_for_the_others_and_comes_back(settings):
    # Twice, for some brokers send all of one partition before they send of the next, of which nothing is known until then.
    two_days(settings, range(20))
    source = KafkaSource(replace(settings, in_flight_bytes=40_000), poll_ms=200)
    held, ids, idle = set(), [], 0
    for batch in source.batches():
        if batch.read and len(ids) < 40 <= len(ids) + batch.read:
            two_days(settings, range(20, 600))
        ids += batch.frame["request_id"].to_list()
        held |= source.held()
        idle = 0 if batch.read else idle + 1
        if len(ids) == 1200 or idle > 20:
            source.stop()
    assert sorted(ids) == sorted(f"{p}-{i}" for p in (0, 1) for i in range(600))
    assert held == {1}
    assert (source.held(), set(source.lag().values())) == (set(), {0})
    source.close()


def twenty(settings):
    """Twenty records in one partition, whose number is given."""
    with KafkaSink(settings) as sink:
        for i in range(20):
            sink.send(settings.topic, record(i), "same")
    source = KafkaSource(settings, poll_ms=200)
    drain(source)
    source.close()
    return next(p for p, offset in source.offsets().items() if offset == 20)


def trimmed(client, first):
    """A client whose cluster has nothing before an offset: the broker at hand expires nothing."""
    client.first_offsets = lambda wanted: dict.fromkeys(wanted, first)
    return client


def told(batches):
    return [(d.position, d.reason) for b in batches for d in b.dead]


def test_a_checkpoint_at_the_very_end_loses_and_repeats_nothing(settings):
    source = KafkaSource(settings, {twenty(settings): 20}, poll_ms=200)
    batches = drain(source)
    source.close()
    assert sum(b.read for b in batches) == 0


def test_records_that_expired_since_the_checkpoint_are_told(settings, monkeypatch):
    mine = twenty(settings)
    consumer = streams.sources.kafka.consumer
    monkeypatch.setattr("streams.sources.kafka.consumer", lambda settings: trimmed(consumer(settings), 8))
    source = KafkaSource(settings, {mine: 5}, partitions=[mine], poll_ms=200)
    batches = drain(source)
    source.close()
    assert told(batches) == [(5, "offsets_gone")]
    assert pl.concat([b.frame for b in batches])["request_id"].to_list() == [f"r{i}" for i in range(8, 20)]
    assert sum(b.read for b in batches) == 13


@pytest.mark.parametrize(("saved", "first", "left"), [(0, 8, 12), (500, 0, 20)])
def test_offsets_that_the_cluster_refuses_are_told(settings, monkeypatch, saved, first, left):
    mine = twenty(settings)
    source = KafkaSource(settings, {mine: saved}, partitions=[mine], poll_ms=200)
    client = trimmed(source._consumer, first)
    poll, failed = client.poll, []

    def once(wait_ms, most):
        if not failed:
            failed.append(True)
            raise OffsetsGoneError([mine])
        return poll(wait_ms, most)

    monkeypatch.setattr(client, "poll", once)
    batches = drain(source)
    source.close()
    assert told(batches) == [(saved, "offsets_gone")]
    assert sum(b.frame.height for b in batches) == left
    assert source.offsets() == {mine: 20}


def test_a_value_is_one_record_whatever_it_holds():
    pretty = json.dumps(record(1), indent=2).encode()
    broken = b'{"ts": 1780000000,\n"request_id": "a\nb", "account_id": "a", "model": "m"}'
    long = json.dumps(record(2, prompt="x" * MAX_LINE)).encode()
    two = json.dumps(record(3)).encode() + b"\n" + json.dumps(record(4)).encode()
    values = [pretty, None, b"  ", broken, long, two, json.dumps(record(5)).encode()]
    batch, size = read_values(values, Origin("t/0", 0, b"key"))
    assert batch.frame["request_id"].to_list() == ["r1", "r5"]
    assert [(d.position, d.reason) for d in batch.dead] == [
        (1, "not_object"),
        (2, "not_object"),
        (3, "not_json"),
        (4, "too_long"),
        (5, "not_json"),
    ]
    assert [(d.length, d.digest) for d in batch.dead] == [
        (len(values[d.position] or b""), digest(b"key", values[d.position] or b"")) for d in batch.dead
    ]
    assert batch.read == 7
    assert size >= sum(len(v or b"") for v in values)


def test_a_partition_that_is_not_there(settings):
    with pytest.raises(SourceError, match="no partition 7"):
        KafkaSource(settings, partitions=[0, 7])


def test_a_record_that_the_cluster_refuses_is_an_error(settings):
    sink = KafkaSink(settings)
    with pytest.raises(SourceError, match=r"(?i)too.?large"):
        sink.send(settings.topic, {"text": "x" * (2 << 20)}, "key")
    sink.close()


def test_a_topic_that_is_a_table_is_read_whole_and_followed(settings):
    def versions(batches):
        rows = [row for b in batches for row in b.frame.select("account_id", "tier").iter_rows()]
        return sorted(rows), sorted((d.position, d.reason) for b in batches for d in b.dead)

    with KafkaSink(settings) as sink:
        for value in (
            {"account_id": "a1", "tier": "free"},
            None,
            {"tier": "free"},
            {"account_id": "a1", "tier": "pro"},
        ):
            sink.send(settings.topic, value, "a1")
    producer = KafkaProducer(bootstrap_servers=list(settings.bootstrap))
    producer.send(settings.topic, None, key=b"a1").get(10)  # a tombstone
    producer.close()
    table = KafkaTable(settings, decode_accounts, b"key")
    rows, dead = versions(table.whole(200))
    assert rows == [("a1", "free"), ("a1", "pro")]
    assert dead == [(1, "not_object"), (2, "missing_field")]
    with KafkaSink(settings) as sink:
        sink.send(settings.topic, {"account_id": "a2", "tier": "free"}, "a1")
    assert versions(table.more(5000)) == ([("a2", "free")], [])
    table.close()


def test_a_table_that_is_not_there(cluster, library):
    with pytest.raises(SourceError, match="no topic"):
        KafkaTable(KafkaSettings(cluster.split(","), f"none-{uuid.uuid4().hex}", library=library), decode_accounts)
