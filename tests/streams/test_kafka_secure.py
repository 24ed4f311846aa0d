"""TLS and SASL of both client libraries, spoken by a proxy before a real broker: that one speaks neither."""

import ssl
import subprocess
from contextlib import closing, contextmanager
from typing import get_args

import pytest
from broker import tansu
from kafka.admin import KafkaAdminClient, NewTopic
from proxy import Proxy
from sasl import MECHANISMS, Gate

from streams.kafka import KafkaSettings, Library, confluent, consumer, kafka_python
from streams.sinks.kafka import KafkaSink
from streams.sources import SourceError
from streams.sources.kafka import KafkaSource

LIBRARIES = get_args(Library)
PASSWORD = "canarybird"  # noqa: S105 - a made-up one
ADMIN = {"sasl_mechanism": "PLAIN", "sasl_plain_username": "reader", "sasl_plain_password": PASSWORD}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """One that vouches for the loopback address, and what a server needs to show it."""
    folder = tmp_path_factory.mktemp("tls")
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    made += ["-keyout", folder / "key.pem", "-out", folder / "cert.pem", "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run([*made, "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return str(folder / "cert.pem"), context


@contextmanager
def behind(proxy, **admin_options):
    with tansu(advertised=proxy.port) as (broker, _), closing(proxy):
        proxy.target = int(broker.rpartition(":")[2])
        address = f"127.0.0.1:{proxy.port}"
        admin = KafkaAdminClient(bootstrap_servers=address, **admin_options)
        admin.create_topics([NewTopic(name="t", num_partitions=1, replication_factor=1)])
        admin.close()
        yield address


@pytest.fixture(scope="module")
def tls(certificate):
    with behind(Proxy(certificate[1]), security_protocol="SSL", ssl_cafile=certificate[0]) as address:
        yield address, certificate[0]


@pytest.fixture(scope="module")
def sasl():
    gate = Gate({"reader": PASSWORD})
    with behind(Proxy(None, gate), security_protocol="SASL_PLAINTEXT", **ADMIN) as address:
        yield address, gate


@pytest.fixture(scope="module")
def both(certificate):
    proxy = Proxy(certificate[1], Gate({"reader": PASSWORD}))
    with behind(proxy, security_protocol="SASL_SSL", ssl_cafile=certificate[0], **ADMIN) as address:
        yield address, certificate[0]


def there_and_back(settings):
    """Writes a record and reads the last one there is."""
    with KafkaSink(settings) as sink:
        sink.send("t", {"sent": settings.security, "by": settings.library, "with": settings.mechanism}, "key")
    reader, found = consumer(settings), []
    reader.assign({0: 0})
    while records := reader.poll(2000, 100):
        found += [value for one in records for value in one.values]
    reader.close()
    return found[-1].decode()


@pytest.mark.parametrize("library", LIBRARIES)
def test_both_sides_speak_tls(tls, library):
    settings = KafkaSettings([tls[0]], "t", library=library, security="SSL", cafile=tls[1])
    assert there_and_back(settings) == f'{{"sent":"SSL","by":"{library}","with":null}}'


def test_confluent_refuses_a_certificate_that_nobody_vouches_for(tls, monkeypatch):
    monkeypatch.setattr(confluent, "_ANSWER_S", 1.0)
    with pytest.raises(SourceError, match=r"^kafka 127\.0\.0\.1:\d+: "):
        KafkaSource(KafkaSettings([tls[0]], "t", library="confluent", security="SSL"))


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("library", LIBRARIES)
def test_both_sides_show_who_they_are(sasl, library, mechanism):
    address, gate = sasl
    gate.admitted.clear()
    who = {"mechanism": mechanism, "username": "reader", "password": PASSWORD}
    settings = KafkaSettings([address], "t", library=library, security="SASL_PLAINTEXT", **who)
    assert there_and_back(settings) == f'{{"sent":"SASL_PLAINTEXT","by":"{library}","with":"{mechanism}"}}'
    assert set(gate.admitted) == {mechanism}


@pytest.mark.parametrize("library", LIBRARIES)
def test_both_at_once(both, library):
    who = {"mechanism": "SCRAM-SHA-512", "username": "reader", "password": PASSWORD}
    settings = KafkaSettings([both[0]], "t", library=library, security="SASL_SSL", cafile=both[1], **who)
    assert there_and_back(settings) == f'{{"sent":"SASL_SSL","by":"{library}","with":"SCRAM-SHA-512"}}'


@pytest.mark.parametrize("mechanism", [None, *MECHANISMS])
@pytest.mark.parametrize("library", LIBRARIES)
def test_a_wrong_password_or_none_is_one_line_without_it(sasl, library, mechanism, monkeypatch):
    address, gate = sasl
    gate.admitted.clear()
    monkeypatch.setattr(confluent, "_ANSWER_S", 1.0)
    options = kafka_python.options
    monkeypatch.setattr(kafka_python, "options", lambda s: options(s) | {"bootstrap_timeout_ms": 1000})
    given = {} if mechanism is None else {"mechanism": mechanism, "username": "reader", "password": f"{PASSWORD}s"}
    security = "PLAINTEXT" if mechanism is None else "SASL_PLAINTEXT"
    with pytest.raises(SourceError, match=r"^kafka 127\.0\.0\.1:\d+: [^\n]*$") as refused:
        KafkaSource(KafkaSettings([address], "t", library=library, security=security, **given))
    assert PASSWORD not in str(refused.value)
    assert gate.admitted == []
