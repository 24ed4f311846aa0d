"""How to reach a Kafka cluster, in words of no client library."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Library = Literal["kafka-python", "confluent"]
Security = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
Compression = Literal["gzip", "lz4", "snappy", "zstd"]


@dataclass(frozen=True)
class KafkaSettings:
    """How to reach a cluster.

    Attributes:
        bootstrap: host:port of some brokers.
        topic: of the exchanges.
        group: under which offsets are shown to the cluster.
        library: that talks to it; `confluent` needs the extra `fast`.
        security: whether TLS and SASL are spoken.
        cafile, certfile, keyfile: TLS files.
        mechanism, username, password: SASL.
        in_flight_bytes: of one batch, about, and of what the client holds for each broker.
        compression: of what is written; what is read may be any.
    """

    bootstrap: Sequence[str]
    topic: str = "exchanges"
    group: str = "revenuer"
    library: Library = "kafka-python"
    security: Security = "PLAINTEXT"
    cafile: str | None = None
    certfile: str | None = None
    keyfile: str | None = None
    mechanism: Mechanism | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    in_flight_bytes: int = 32 << 20
    compression: Compression | None = None

    @property
    def where(self) -> str:
        """The brokers, for people."""
        return ", ".join(self.bootstrap)
