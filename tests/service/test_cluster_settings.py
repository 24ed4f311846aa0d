"""The settings of Kafka, on their way to the client libraries."""

import pytest

from detector.config import ClusterSettings, ConfigError, load_settings
from detector.service.channels import channels_of
from streams.kafka import KafkaSettings

TABLE = """
[kafka]
client = "confluent"
group = "watchers"
dead_letters = "dead-letter"
security = "SASL_SSL"
cafile = "/etc/ssl/ca.pem"
mechanism = "SCRAM-SHA-512"
username = "reader"
password_file = "{secret}"
compression = "zstd"

[[notify]]
name = "bus"
kind = "kafka"
to = "a.example.com:9092,b.example.com:9092"
"""


@pytest.fixture
def settings(tmp_path):
    (tmp_path / "secret").write_text("canarybird\n")
    (tmp_path / "c.toml").write_text(TABLE.format(secret=tmp_path / "secret"))
    return load_settings(tmp_path / "c.toml")


def test_they_reach_the_source_and_the_channels(settings, tmp_path):
    reached = settings.kafka.reach("a.example.com:9092,b.example.com:9092", "exchanges")
    assert reached == KafkaSettings(
        ["a.example.com:9092", "b.example.com:9092"],
        "exchanges",
        "watchers",
        "confluent",
        "SASL_SSL",
        "/etc/ssl/ca.pem",
        mechanism="SCRAM-SHA-512",
        username="reader",
        password="canarybird",  # noqa: S106 - a made-up one
        compression="zstd",
    )
    channel = channels_of(settings.notify, tmp_path, kafka=settings.kafka)["bus"]
    assert channel.notifier.settings == reached


def test_the_environment_sets_them_as_json(monkeypatch):
    monkeypatch.setenv("REVENUER_KAFKA", '{"client": "confluent"}')
    monkeypatch.setenv("REVENUER_KAFKA_TOPIC", "exchanges")  # an option of `serve`, and no setting
    assert load_settings().kafka == ClusterSettings(client="confluent")


def test_a_password_that_cannot_be_read_is_said_at_the_start(tmp_path):
    with pytest.raises(ConfigError, match="password_file"):
        ClusterSettings(password_file=tmp_path / "none").reach("a.example.com:9092")


def test_a_library_that_nobody_knows_is_refused(tmp_path):
    (tmp_path / "c.toml").write_text('[kafka]\nclient = "librdkafka"\n')
    with pytest.raises(ConfigError, match=r"kafka\.client"):
        load_settings(tmp_path / "c.toml")
