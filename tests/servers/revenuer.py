"""The service as a process of its own, on a port that it chooses."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from detector.simulator.generate import write
from detector.simulator.world import load_world


class Served:
    """A running `revenuer serve`, and a client that may do everything."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.url = self._line(process, "console: ").removesuffix("/console/")
        self.token = self._line(process, "token: ")
        self.client = httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {self.token}"}, timeout=30)

    @staticmethod
    def _line(process: subprocess.Popen[str], start: str) -> str:
        line = process.stdout.readline()
        assert line.startswith(start), line + (process.stderr.read() if process.poll() is not None else "")
        return line.removeprefix(start).strip()

    @property
    def address(self) -> str:
        """host:port."""
        return self.url.removeprefix("http://")

    def ingest(self, lines: list[bytes]) -> None:
        """Post records and wait until they were looked at."""
        self.client.post("/v1/ingest", content=b"".join(lines)).raise_for_status()
        self.settle("\nrevenuer_lag_records 0.0")

    def settle(self, *lines: str) -> None:
        """Wait until the metrics have these lines."""
        end = time.monotonic() + 120
        while not all(line in self.client.get("/metrics").text for line in lines):
            assert time.monotonic() < end, f"not yet: {lines}"
            time.sleep(0.1)


def tiny(folder: Path) -> tuple[Path, list[bytes]]:
    """A service's folder that knows the accounts of a small world, and the lines of the world's log."""
    write(load_world("tiny"), folder / "world")
    data = folder / "data"
    data.mkdir()
    (data / "accounts.ndjson").write_bytes((folder / "world" / "accounts.ndjson").read_bytes())
    return data, (folder / "world" / "requests.ndjson").read_bytes().splitlines(keepends=True)


@contextmanager
def serving(data: Path, **settings: str) -> Iterator[Served]:
    """A service on a folder, with more of the environment where it is given."""
    command = [sys.executable, "-c", "from detector.cli import main; main()", "serve", "--data", data, "--port", "0"]
    env = os.environ | {"REVENUER_HASH_KEY": "7", "PYTHONUNBUFFERED": "1", **settings}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
    try:
        served = Served(process)
        with served.client:
            yield served
    finally:
        process.terminate()
        try:
            process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
