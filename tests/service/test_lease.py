"""One process serves a folder: the next has it when the first is gone, however that went."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from detector.service.lease import Lease

HOLD = """
import sys, pathlib
from detector.service.lease import Lease
assert Lease(pathlib.Path(sys.argv[1])).take()
print("taken", flush=True)
sys.stdin.read()
"""
WAIT = """
import sys, pathlib
from detector.service.lease import Lease
print("waits", flush=True)
print(Lease(pathlib.Path(sys.argv[1])).wait(), flush=True)
"""


@pytest.fixture
def process(tmp_path):
    running = []

    def start(script, says):
        one = subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        running.append(one)
        assert one.stdout.readline() == says
        return one

    yield start
    for one in running:
        with one:
            one.kill()


def test_the_second_one_is_told_who_has_it(tmp_path):
    first, second = Lease(tmp_path), Lease(tmp_path)
    assert first.take()
    assert not second.take()
    assert second.owner() == str(os.getpid())
    first.release()
    assert second.take()
    second.release()


def test_a_process_that_was_killed_lets_go(tmp_path, process):
    holder = process(HOLD, "taken\n")
    lease = Lease(tmp_path)
    assert not lease.take()
    assert lease.owner() == str(holder.pid)
    holder.kill()
    holder.wait()
    assert lease.take()
    lease.release()


def test_one_that_waits_gets_it(process):
    holder = process(HOLD, "taken\n")
    waiting = process(WAIT, "waits\n")
    holder.stdin.close()
    assert waiting.stdout.readline() == "True\n"
    assert waiting.wait(30) == 0


def catches(process, number):
    """Whether a process has a handler of a signal."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.partition("SigCgt:")[2].split()[0], 16) >> (number - 1) & 1


def test_one_that_waits_can_be_ended(process):
    process(HOLD, "taken\n")
    waiting = process(WAIT, "waits\n")
    while not catches(waiting, signal.SIGTERM):
        time.sleep(0.01)
    waiting.send_signal(signal.SIGTERM)
    assert waiting.stdout.read() == "False\n"
    assert waiting.wait(30) == 0
