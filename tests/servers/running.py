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

_SAMPLE_S = 0.2  # of a processor, to see how much of it one gets


class Deadline:
    """An end of waiting that a machine which is busy with other things moves: so much is promised of one that is not.

    Args:
        seconds: on a machine that has nothing else to do.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds, self._end, self._moved = seconds, time.monotonic() + seconds, False

    @property
    def passed(self) -> bool:
        """Whether there was time enough."""
        if time.monotonic() >= self._end and not self._moved:
            self._moved = True
            self._end += self._seconds * (slowness() - 1)
        return time.monotonic() >= self._end


def slowness() -> float:
    """How many times longer a computation takes at this moment than it would if nothing else ran; 1 to 20."""
    began, used = time.monotonic(), time.thread_time()
    while time.thread_time() - used < _SAMPLE_S:
        pass
    return min(20.0, max(1.0, (time.monotonic() - began) / (time.thread_time() - used)))


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
        end = Deadline(seconds)
        while not ready():
            said = f"{command[0]}: {log.read_text(errors='replace')[-2000:]}"
            assert process.poll() is None, said
            assert not end.passed, said
            time.sleep(0.05)
        yield process
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process in order, and otherwise by force."""
    process.terminate()
    end = Deadline(10)
    while process.poll() is None and not end.passed:
        time.sleep(0.02)
    process.kill()
    process.wait()


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.TransportError:
        return False
