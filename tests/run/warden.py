"""Ends what a run of the tests left running, and removes its temporary files, even if the run itself was killed.

A small process of its own outlives the run: it waits until the run is gone, however it went. Whatever the run started has a mark
in its environment, which is how it is told from everything else on the machine.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MARK = "REVENUER_TEST_RUN"
_GRACE_S = 2.0  # for what ends by itself
_QUIET_LOOKS = 3  # that find nothing, one after another


def watch() -> "subprocess.Popen[bytes]":
    """Mark this run, give it a folder for temporary files, and have both looked after when this process is gone.

    Whoever is not root here may look into the folder if he is told a name: some servers run as somebody else.
    """
    root = Path(tempfile.gettempdir())
    folder = Path(tempfile.mkdtemp(prefix="revenuer-tests-"))
    folder.chmod(0o711)
    plain = dict(os.environ)
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(root))  # where pytest keeps what the latest runs wrote
    os.environ |= {MARK: folder.name, "TMPDIR": str(folder)}
    tempfile.tempdir = None
    command = [sys.executable, "-E", "-S", __file__, folder.name, str(folder)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, env=plain, cwd="/", start_new_session=True)


def marked(name: str) -> list[int]:
    """Processes of a run; none where there is no /proc."""
    wanted, found = f"{MARK}={name}".encode(), []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):  # it is gone, or somebody else's
            if wanted in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
    return found


def clear(name: str, folder: Path, grace_s: float = _GRACE_S) -> None:
    """End the processes of a run and remove its folder."""
    end = time.monotonic() + grace_s
    while marked(name) and time.monotonic() < end:
        time.sleep(0.1)
    # One that is about to start another may have to be told twice, and one that is just starting has no environment to
    # read for a moment.
    quiet = 0
    while quiet < _QUIET_LOOKS:
        left = marked(name)
        quiet = 0 if left else quiet + 1
        for pid in left:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.buffer.read()  # nothing comes: it ends when the run does
    clear(sys.argv[1], Path(sys.argv[2]))
