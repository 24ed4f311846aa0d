"""How soon lists of alerts are answered, with many alerts stored and records coming in.

    python benchmarks/rest.py [--alerts 100000] [--rate 200] [--seconds 30] [--ingest 1000] [--pace 60] [--database URL] [--live]

`revenuer serve` runs beside it on loopback. The alerts are copies of those of a small world under other names, four of five cut to a
single account. Requests start at fixed times, whether or not those before were answered, and each counts from when it should have
started. They are first pages by several filters and orders, next pages, and the alerts of one account. The last line is one JSON
object.

The service looks at accounts and clusters by the time in the records, of which `--pace` seconds pass in one: at 60 it looks at
accounts every five seconds and at clusters every fifteen, sixty times as often as beside a stream of today's records.
"""

import argparse
import asyncio
import json
import os
import random
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

# The starters of the tests; this folder comes last, for a script in it is called like the library.
sys.path[0] = str(Path(__file__).parents[1] / "tests" / "servers")
sys.path.append(str(Path(__file__).parent))

import msgspec
from revenuer import Served

from detector.alerts.model import SEVERITIES, Alert, rfc3339
from detector.alerts.store import Store
from detector.alerts.store.database import sqlite_url
from detector.config import load_settings
from detector.service.replay import Replay, make_engine
from detector.simulator.generate import write
from detector.simulator.world import load_world
from streams.accounts import read_accounts, read_events
from streams.sources.files import FileSource

_START_US = 1_780_000_000_000_000
_APART_US = 5_000_000
_TOKENS = 8  # one may ask 50 times a second
_AT_ONCE = 1_000
_WARM_S = 5.0
_STATUSES = ("open", "open", "open", "acknowledged", "confirmed", "false_positive", "resolved")
# As the console asks, and those who script it; the number is how often.
_MIX = {
    "severity=high&order=worst": 6,
    "status=open": 3,
    "kind=cluster&order=worst": 2,
    "kind=account&severity=critical": 2,
    "status=confirmed&status=resolved&severity=medium": 1,
    "account={account}": 2,
    "next": 4,
}


def templates(folder: Path) -> list[Alert]:
    """Alerts of the world in a folder."""
    book, told = (
        read(folder / name) for read, name in ((read_accounts, "accounts.ndjson"), (read_events, "events.ndjson"))
    )
    replay = Replay(make_engine(load_settings().model_copy(update={"hash_key": 7}), book, told), folder / "found")
    replay.run(FileSource([str(folder / "requests.ndjson")]), lambda _: None)
    return replay.engine.alerts.alerts()


def copies(made: list[Alert], count: int) -> Iterator[Alert]:
    """So many alerts like those that there are."""
    chance = random.Random(7)  # noqa: S311 - a load, no secret
    for i in range(count):
        one = made[i % len(made)]
        single = chance.random() < 0.8  # noqa: PLR2004 - as said above
        members = one.members[: 1 if single else chance.randint(3, len(one.members))]
        names = {m.account_id: f"acct-{i}-{k}" for k, m in enumerate(members)}
        when, rank = _START_US + i * _APART_US, chance.choices(range(4), (40, 30, 20, 10))[0]
        advice = one.recommendation
        if advice is not None:
            subject = msgspec.structs.replace(advice.subject, accounts=tuple(names.values()))
            advice = msgspec.structs.replace(advice, id=f"rec_{i}", alert_id=f"alr_{i}", subject=subject)
        yield msgspec.structs.replace(
            one,
            id=f"alr_{i}",
            kind="account" if single else "cluster",
            accounts=sorted(names.values()),
            account_detected_at=dict.fromkeys(names.values(), rfc3339(when)),
            members=[msgspec.structs.replace(m, account_id=names[m.account_id]) for m in members],
            severity=SEVERITIES[rank],
            risk=round(25 * rank + 25 * chance.random(), 1),
            status=chance.choice(_STATUSES),
            detected_at=rfc3339(when),
            recommendation=advice,
            supersedes=[],
        )


def fill(url: str, made: list[Alert], count: int) -> list[str]:
    """Store the alerts; secrets of tokens to ask with."""
    store, batch = Store(url), []
    for alert in copies(made, count):
        batch.append(alert)
        if len(batch) == _AT_ONCE:
            store.alerts.upsert(batch)
            batch = []
    store.alerts.upsert(batch)
    secrets = [store.tokens.issue(f"load-{i}", ("read", "ingest"), "benchmark")[1] for i in range(_TOKENS)]
    store.close()
    return secrets


@contextmanager
def service(data: Path, url: str, secret: str, live: bool) -> Iterator[tuple[int, int]]:
    """Port and process id of a service on the store."""
    served = Served(data, secret, {"enforcement": {"mode": "live"}} if live else {}, "--database", url)
    try:
        yield int(served.address.rpartition(":")[2]), served.process.pid
    finally:
        served.end(30)


@dataclass
class Line:
    """A connection that is kept open, for one request at a time."""

    port: int
    secret: str
    ends: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, body: bytes = b"") -> bytes:
        """The body of an answer; anything but success is an error."""
        if self.ends is None or self.ends[0].at_eof():  # the service ends lines that nobody uses
            self.ends = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 24)
        reader, writer = self.ends
        head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.secret}\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        said = (await reader.readuntil(b"\r\n\r\n")).lower()
        answer = await reader.readexactly(int(said.partition(b"content-length: ")[2].partition(b"\r\n")[0]))
        if not said.startswith(b"http/1.1 20"):
            raise RuntimeError(answer.decode())
        return answer


@dataclass
class Load:
    """Requests at a rate, and how long each took.

    Attributes:
        port, secrets: of the service.
        alerts: stored.
        times: seconds.
        bytes: answered.
    """

    port: int
    secrets: list[str]
    alerts: int
    times: list[float] = field(default_factory=list)
    bytes: int = 0

    def __post_init__(self) -> None:
        self.chance = random.Random(11)  # noqa: S311 - a load, no secret
        self.idle: list[Line] = []
        self.next: list[str] = []
        self.made = 0

    def query(self) -> str:
        """What is asked next."""
        chosen = self.chance.choices(list(_MIX), list(_MIX.values()))[0]
        if chosen == "next":
            chosen = self.next.pop() if self.next else "order=newest"
        return chosen.format(account=f"acct-{self.chance.randrange(self.alerts)}-0")

    async def one(self, due: float, counted: bool) -> None:
        """One request that was due at a time."""
        query = self.query()
        line = self.idle.pop() if self.idle else Line(self.port, self.secrets[self.made % len(self.secrets)])
        self.made += 1
        answer = await line.ask("GET", f"/v1/alerts?{query}")
        took = time.perf_counter() - due
        # Round and round, so that each token gets its turn.
        self.idle.insert(0, line)
        if counted:
            self.times.append(took)
            self.bytes += len(answer)
        mark = re.search(rb'"next":"([\w-]+)","joiners"', answer[-(1 << 14) :])
        if mark:
            self.next.append(f"{query.partition('&cursor=')[0]}&cursor={mark[1].decode()}")

    async def run(self, rate: float, seconds: float, counted: bool) -> None:
        """So many requests a second."""
        started, tasks = time.perf_counter(), []
        for i in range(int(rate * seconds)):
            due = started + i / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.append(asyncio.create_task(self.one(due, counted)))
        await asyncio.gather(*tasks)


def records(folder: Path, count: int, apart_s: float) -> list[bytes]:
    """So many records of the world, round after round, each of its rounds from accounts of its own."""
    base = [json.loads(line) for line in (folder / "requests.ndjson").read_bytes().splitlines()]
    out = []
    for i in range(count):
        round_, place = divmod(i, len(base))
        record = base[place]
        again = {name: f"{record[name]}.{round_}" for name in ("request_id", "account_id")}
        out.append(json.dumps({**record, **again, "ts": base[0]["ts"] + i * apart_s}).encode())
    return out


async def post(port: int, secret: str, lines: list[bytes], rate: int) -> None:
    """Post the records, a second's at a time, until it is cancelled or there are none."""
    line, started = Line(port, secret), time.perf_counter()
    for second, first in enumerate(range(0, len(lines), max(1, rate))):
        await asyncio.sleep(max(0.0, started + second - time.perf_counter()))
        await line.ask("POST", "/v1/ingest", b"\n".join(lines[first : first + rate]))


def processor_s(pid: int) -> float:
    """Seconds that a process has computed."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def measure(load: Load, lines: list[bytes], args: argparse.Namespace, pid: int) -> float:
    """Load the service, a while of it uncounted; the share of a core that it took."""
    beside = asyncio.create_task(post(load.port, load.secrets[0], lines, args.ingest))
    await load.run(args.rate, _WARM_S, counted=False)
    before, started = processor_s(pid), time.perf_counter()
    await load.run(args.rate, args.seconds, counted=True)
    used = (processor_s(pid) - before) / (time.perf_counter() - started)
    if beside.done():
        beside.result()
    beside.cancel()
    return used


def report(load: Load, args: argparse.Namespace) -> dict[str, float]:
    """Percentiles of what was measured."""
    times = sorted(load.times)
    shares = {f"p{p}_ms": round(1000 * times[int(len(times) * p / 100)], 1) for p in (50, 95, 99)}
    print(
        f"{len(times)} answers of {load.bytes / len(times) / 1024:.0f} KiB on average, the slowest after {1000 * times[-1]:.0f} ms"
    )
    return {**shares, "requests_per_s": args.rate, "alerts": args.alerts}


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--alerts", type=int, default=100_000)
    parser.add_argument("--rate", type=float, default=200.0, help="requests a second")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--ingest", type=int, default=1_000, help="records a second beside it")
    parser.add_argument("--pace", type=float, default=60.0, help="seconds in the records for one second")
    parser.add_argument("--database", help="an empty one; SQLite by default")
    parser.add_argument("--live", action="store_true", help="in live mode, where each list asks what binds")
    args = parser.parse_args()
    print(
        f"{os.cpu_count()} cores, load before {os.getloadavg()[0]:.1f}: with others at work the slowest answers are theirs"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(load_world("tiny"), folder)
        url = args.database or sqlite_url(folder / "store.db")
        started = time.perf_counter()
        secrets = fill(url, templates(folder), args.alerts)
        print(f"{args.alerts} alerts stored in {time.perf_counter() - started:.0f} s")
        lines = records(folder, int(args.ingest * (args.seconds + 2 * _WARM_S)), args.pace / args.ingest)
        with service(folder / "data", url, secrets[0], args.live) as (port, pid):
            load = Load(port, secrets, args.alerts)
            before, started = time.process_time(), time.perf_counter()
            used = asyncio.run(measure(load, lines, args, pid))
            own = (time.process_time() - before) / (time.perf_counter() - started)
    print(
        f"the service took {used:.2f} of a core, with {args.ingest} records a second beside the requests; this client {own:.2f}"
    )
    print(json.dumps(report(load, args)))


if __name__ == "__main__":
    main()
