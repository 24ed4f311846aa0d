"""Where the client libraries differ: their options, their errors, and what comes when one is not there."""

import ssl
import subprocess
import sys
from typing import get_args

import pytest
from broker import tansu
from confluent_kafka import Consumer, KafkaException
from confluent_kafka import Producer as Confluent
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import KafkaTimeoutError
from proxy import Proxy

from streams.kafka import KafkaSettings, Library, confluent, consumer, kafka_python
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


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    """A broker behind TLS; and the certificate that vouches for it."""
    folder = tmp_path_factory.mktemp("tls")
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    made += ["-keyout", folder / "key.pem", "-out", folder / "cert.pem", "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run([*made, "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    proxy = Proxy(context)
    with tansu(advertised=proxy.port) as (address, _):
        proxy.target = int(address.rpartition(":")[2])
        yield f"127.0.0.1:{proxy.port}", str(folder / "cert.pem")
    proxy.close()


@pytest.mark.parametrize("library", LIBRARIES)
def test_both_sides_speak_tls(tls, library):
    address, certificate = tls
    admin = KafkaAdminClient(bootstrap_servers=address, security_protocol="SSL", ssl_cafile=certificate)
    topic = f"tls-{library}"
    admin.create_topics([NewTopic(name=topic, num_partitions=1, replication_factor=1)])
    admin.close()
    settings = KafkaSettings([address], topic, library=library, security="SSL", cafile=certificate)
    with KafkaSink(settings) as sink:
        sink.send(topic, {"sent": "over TLS"}, "key")
    reader = consumer(settings)
    reader.assign({0: 0})
    (records,) = reader.poll(5000, 10)
    reader.close()
    assert records.values == [b'{"sent":"over TLS"}']


def test_confluent_refuses_a_certificate_that_nobody_vouches_for(tls, monkeypatch):
    monkeypatch.setattr(confluent, "_ANSWER_S", 1.0)
    with pytest.raises(SourceError, match=r"^kafka 127\.0\.0\.1:\d+: "):
        KafkaSource(KafkaSettings([tls[0]], "t", library="confluent", security="SSL"))
