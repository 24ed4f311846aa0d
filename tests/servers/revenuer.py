"""The service as a process of its own, on a port that it chooses."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from forked import Forked
from running import Deadline

from detector.simulator.generate import write
from detector.simulator.world import load_world

OUTCOMES = ("accepted", "duplicate", "dead_lettered")


class Served:
    """A running `revenuer serve`, and a client that may do everything.

    Args:
        data: its folder.
        token: one that there is; without, the first one that it says.
        settings: by name, for its environment.
        options: more of the command line.
        ready: whether to wait until it serves; one that stands by does not.
        cwd: where it is started.
        forked: from a process that has loaded the service, which saves seconds; otherwise it is started as users do.
    """

    def __init__(
        self,
        data: Path,
        token: str = "",
        settings: Mapping[str, Any] | None = None,
        *options: str,
        ready: bool = True,
        cwd: Path | None = None,
        forked: bool = False,
    ) -> None:
        arguments = ["serve", "--data", data, "--port", "0", *options]
        given = {"hash_key": 7} | dict(settings or {})
        env = os.environ | {"PYTHONUNBUFFERED": "1"}
        env |= {
            f"REVENUER_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
            for name, value in given.items()
        }
        start = Forked if forked else _started
        self.process = start(arguments, env, cwd)
        self.errors: list[str] = []  # and its log
        self.said: list[str] = []  # after the address and the token
        self.client: httpx.Client | None = None
        self._readers: list[threading.Thread] = []
        self._read(lambda: self.errors.extend(self.process.stderr))
        self.token = token
        self.last: dict[str, int] = dict.fromkeys(OUTCOMES, 0)
        if ready:
            self.wait()

    def _read(self, what: Callable[[], object]) -> None:
        """In a thread, lest the process waits for somebody to read what it says."""
        self._readers.append(threading.Thread(target=what, daemon=True))
        self._readers[-1].start()

    def line(self, start: str) -> str:
        """The next line that it says, which starts like this."""
        said = self.process.stdout.readline()
        assert said.startswith(start), said + "".join(self.errors)
        return said.removeprefix(start).strip()

    def wait(self) -> None:
        """Wait until it serves."""
        self.url = self.line("console: ").removesuffix("/console/")
        self.token = self.token or self.line("token: ")
        self._read(lambda: self.said.extend(self.process.stdout))
        self.client = httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {self.token}"}, timeout=60)

    @property
    def address(self) -> str:
        """host:port."""
        return self.url.removeprefix("http://")

    def metric(self, name: str) -> float:
        """A metric as it stands; 0 before it was ever set."""
        for line in self.client.get("/metrics").text.splitlines():
            if line.startswith(f"{name} "):
                return float(line.split()[-1])
        return 0.0

    def books(self) -> dict[str, int]:
        """Records by fate; the last known where it does not answer."""
        try:
            found = {o: self.metric(f'revenuer_exchanges_total{{outcome="{o}"}}') for o in OUTCOMES}
        except (httpx.HTTPError, RuntimeError):  # the second: it was killed, and nobody may ask it any more
            return self.last
        self.last = {outcome: int(value) for outcome, value in found.items()}
        return self.last

    def settle(self, accepted: int = 0, seconds: float = 120) -> None:
        """Wait until so many records were taken in, and nothing waits."""
        end = Deadline(seconds)
        while self.books()["accepted"] < accepted or self.metric("revenuer_lag_records") > 0:
            assert not end.passed, f"records still wait: {self.last}"
            time.sleep(0.1)

    def ingest(self, lines: list[bytes]) -> None:
        """Post records and wait until they were looked at."""
        self.client.post("/v1/ingest", content=b"".join(lines)).raise_for_status()
        self.settle()

    def rss_mb(self) -> float:
        """Resident memory; NaN where it is gone."""
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text()
        except OSError:
            return float("nan")
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024 if "VmRSS:" in status else float("nan")

    def kill(self) -> None:
        """As a machine would."""
        self.process.kill()
        self.process.wait()
        self._closed()

    def end(self, seconds: float = 10) -> None:
        """In order, which takes less than so long where nothing else runs."""
        self.process.send_signal(signal.SIGTERM)
        end = Deadline(seconds)
        while (code := self.process.poll()) is None and not end.passed:
            time.sleep(0.02)
        self.kill()
        assert code == 0, f"it did not end in {seconds} s" if code is None else "".join(self.errors)

    def _closed(self) -> None:
        if self.client is not None:
            self.client.close()
        for reader in self._readers:
            reader.join(10)
        for pipe in (self.process.stdout, self.process.stderr):
            pipe.close()


def _started(arguments: Sequence[str | Path], env: Mapping[str, str], cwd: Path | None) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", "from detector.cli import main; main()", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(env), cwd=cwd)


def tiny(folder: Path) -> tuple[Path, list[bytes]]:
    """A service's folder that knows the accounts of a small world, and the lines of the world's log."""
    write(load_world("tiny"), folder / "world")
    data = folder / "data"
    data.mkdir()
    (data / "accounts.ndjson").write_bytes((folder / "world" / "accounts.ndjson").read_bytes())
    return data, (folder / "world" / "requests.ndjson").read_bytes().splitlines(keepends=True)


@contextmanager
def serving(data: Path, settings: Mapping[str, Any] | None = None, *options: str) -> Iterator[Served]:
    """A service for a while."""
    served = Served(data, "", settings, *options, forked=True)
    try:
        yield served
    finally:
        served.end(30)
