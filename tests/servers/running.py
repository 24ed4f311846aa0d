"""A server of our own for the length of a test: a free port, wait until it answers, stop it."""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest


def program(*names: str) -> str:
    """Path of the first of these programs that is installed; without any, the test is skipped, or the whole file of tests."""
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.skip(f"{names[0]} is not installed", allow_module_level=True)
    return found


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextmanager
def running(
    command: Sequence[str | Path], log: Path, ready: Callable[[], bool], seconds: float = 30, **how: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is ready; what it says is in `log`."""
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, **how)
    try:
        end = time.monotonic() + seconds
        while not ready():
            said = f"{command[0]}: {log.read_text(errors='replace')[-2000:]}"
            assert process.poll() is None, said
            assert time.monotonic() < end, said
            time.sleep(0.05)
        yield process
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process in order, and otherwise by force."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.TransportError:
        return False
