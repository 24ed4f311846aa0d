"""What a killed run leaves behind is ended and removed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import warden

RUN = """
import os, subprocess, sys, tempfile, time
sys.path.insert(0, {folder!r})
import warden
warden.watch()
child = subprocess.Popen(["sleep", "600"], start_new_session=True)
print(child.pid, os.environ[warden.MARK], tempfile.mkdtemp(prefix="image-"), flush=True)
{then}
"""


def until(done, *told):
    end = time.monotonic() + 60
    while not done():
        assert time.monotonic() < end, told
        time.sleep(0.05)


def gone(pid, folder):
    until(lambda: not Path(f"/proc/{pid}").exists() and not folder.exists(), pid, folder)


def seen(name, pid):
    """A process that was just started has no environment to read until the kernel has written it."""
    until(lambda: warden.marked(name) == [pid], name, pid)


def run(then, how=None):
    code = RUN.format(folder=str(Path(warden.__file__).parent), then=then)
    # Of its own run: the one that these tests belong to is not its business.
    env = {k: v for k, v in os.environ.items() if k not in {warden.MARK, "TMPDIR"}}
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=env) as process:
        pid, name, folder = process.stdout.readline().split()
        assert Path(folder).is_dir()
        seen(name, int(pid))
        if how is not None:
            process.send_signal(how)
    return int(pid), Path(folder).parent


def test_of_a_run_that_was_killed_nothing_is_left():
    gone(*run("time.sleep(600)", signal.SIGKILL))


def test_nor_of_one_that_ended():
    gone(*run("pass"))


def test_what_is_not_of_the_run_stays(tmp_path):
    other = subprocess.Popen(["sleep", "600"], env={warden.MARK: "another", "PATH": os.environ["PATH"]})
    try:
        warden.clear("one-that-never-was", tmp_path / "none", 0.0)
        assert other.poll() is None
        seen("another", other.pid)
    finally:
        other.kill()
        other.wait()
