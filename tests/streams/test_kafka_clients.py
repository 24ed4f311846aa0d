"""Where the client libraries differ: their options, their errors, and what comes when one is not there."""

import sys
from typing import get_args

import pytest
from confluent_kafka import Consumer, KafkaException
from confluent_kafka import Producer as Confluent
from kafka import KafkaConsumer, KafkaProducer
from kafka.errors import KafkaTimeoutError

from streams.kafka import KafkaSettings, Library, confluent, kafka_python
from streams.sinks.kafka import KafkaSink
from streams.sources import SourceError
from streams.sources.kafka import KafkaSource

LIBRARIES = get_args(Library)
SECRET = KafkaSettings(
    ["broker.example.com:9093"],
    security="SASL_SSL",
    mechanism="SCRAM-SHA-512",
    username="reader",
    password="canarybird",  # noqa: S106 - a made-up one
)


def test_options_reach_kafka_python():
    options = kafka_python.options(SECRET)
    assert set(options) <= set(KafkaConsumer.DEFAULT_CONFIG) & set(KafkaProducer.DEFAULT_CONFIG)
    assert options["bootstrap_servers"] == ["broker.example.com:9093"]
    assert (options["security_protocol"], options["sasl_mechanism"]) == ("SASL_SSL", "SCRAM-SHA-512")
    assert (options["sasl_plain_username"], options["sasl_plain_password"]) == ("reader", "canarybird")


def test_options_reach_confluent():
    options = confluent.options(SECRET)
    Consumer({**options, "group.id": "g"}).close()  # it refuses a name that it does not know
    with pytest.raises(KafkaException, match="No such configuration property"):
        Consumer({**options, "group.id": "g", "sasl.pass": "x"})
    assert options == {
        "bootstrap.servers": "broker.example.com:9093",
        "security.protocol": "SASL_SSL",
        "sasl.mechanisms": "SCRAM-SHA-512",
        "sasl.username": "reader",
        "sasl.password": "canarybird",
    }


def test_the_password_is_in_no_log():
    assert "canarybird" not in repr(SECRET)


@pytest.mark.parametrize("client", [KafkaSource, KafkaSink])
@pytest.mark.parametrize("library", LIBRARIES)
def test_a_cluster_that_is_not_there_is_one_line(monkeypatch, client, library):
    def refuse(**_):
        raise KafkaTimeoutError

    # The libraries themselves would try for half a minute.
    monkeypatch.setattr(kafka_python, "KafkaConsumer", refuse)
    monkeypatch.setattr(kafka_python, "KafkaProducer", refuse)
    monkeypatch.setattr(confluent, "_ANSWER_S", 0.3)
    with pytest.raises(SourceError, match=r"^kafka 127\.0\.0\.1:1: (KafkaTimeoutError|_TRANSPORT)[^\n]*$"):
        client(KafkaSettings(["127.0.0.1:1"], library=library))


@pytest.mark.parametrize("client", [KafkaSource, KafkaSink])
def test_a_library_that_is_not_installed_names_its_extra(monkeypatch, client):
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    with pytest.raises(SourceError, match=r"revenuer\[fast\]"):
        client(KafkaSettings(["127.0.0.1:1"], library="confluent"))


def test_confluent_tells_offsets_that_the_cluster_refuses_behind_what_came_before():
    # The broker of the contract refuses no offset; this one, of the library itself, does.
    producer = Confluent({"bootstrap.servers": "127.0.0.1:1", "test.mock.num.brokers": 1, "log_level": 3})
    (address,) = [f"{b.host}:{b.port}" for b in producer.list_topics(timeout=10).brokers.values()]
    for partition in (0, 1):
        for i in range(20):
            producer.produce("t", f'{{"ts": {i}, "request_id": "{i}"}}'.encode(), partition=partition)
    assert producer.flush(10) == 0
    settings = KafkaSettings([address], "t", library="confluent")
    source = KafkaSource(settings, {0: 500}, [0, 1], poll_ms=200)
    batches = []
    for batch in source.batches():
        batches.append(batch)
        if source.offsets() == {0: 20, 1: 20} or len(batches) > 50:
            source.stop()
    source.close()
    gone = [(d.source, d.position) for b in batches for d in b.dead if d.reason == "offsets_gone"]
    assert gone == [("t/0", 500)]
    assert sum(b.read for b in batches) == 41
