"""Kafka, whichever client library carries it: kafka-python by default, confluent-kafka where it is asked for."""

from streams.kafka.client import Consumer, OffsetsGoneError, Producer, Records, consumer, producer
from streams.kafka.settings import Compression, KafkaSettings, Library, Mechanism, Security

__all__ = [
    "Compression",
    "Consumer",
    "KafkaSettings",
    "Library",
    "Mechanism",
    "OffsetsGoneError",
    "Producer",
    "Records",
    "Security",
    "consumer",
    "producer",
]
