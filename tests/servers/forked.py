"""Our command in a process that is forked from one which has loaded it, its kernels too: a start takes a tenth of the time."""

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path
from unittest.mock import patch

CONTEXT = multiprocessing.get_context("forkserver")
_TEMPORARY = tempfile.gettempdir()


def server() -> None:
    """Start the server of forks, if there is none yet: it knows of this folder by its environment only.

    Whoever starts it first may have temporary files of his own: the server has those of the run, for its socket needs a short path.
    """
    CONTEXT.set_forkserver_preload(["loaded"])
    path = os.pathsep.join([*filter(None, [os.environ.get("PYTHONPATH")]), str(Path(__file__).parent)])
    with patch.dict(os.environ, PYTHONPATH=path, TMPDIR=_TEMPORARY), patch.object(tempfile, "tempdir", _TEMPORARY):
        forkserver.ensure_running()


class Forked:
    """A command under way, as far as `subprocess.Popen` has it.

    Args:
        arguments: of `revenuer`.
        env: its environment.
        cwd: where it runs.
    """

    def __init__(self, arguments: Sequence[object], env: Mapping[str, str], cwd: Path | None) -> None:
        ends = [CONTEXT.Pipe(duplex=False) for _ in range(2)]
        server()
        told = [str(a) for a in arguments], dict(env), os.fspath(cwd or Path.cwd()), *(write for _, write in ends)
        self._process = CONTEXT.Process(target=_run, args=told, daemon=True)
        self._process.start()
        self.pid = self._process.pid
        self.stdout, self.stderr = (os.fdopen(os.dup(read.fileno()), encoding="utf-8") for read, _ in ends)
        for end in ends:
            for one in end:
                one.close()

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its exit code."""
        self._process.join(timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired("revenuer", timeout or 0.0)
        return code

    def send_signal(self, number: int) -> None:
        """Unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """As a machine would."""
        self.send_signal(signal.SIGKILL)


def _run(arguments: list[str], env: dict[str, str], cwd: str, out: Connection, err: Connection) -> None:
    for end, number in ((out, 1), (err, 2)):
        os.dup2(end.fileno(), number)
        end.close()
    sys.stdout, sys.stderr = (open(n, "w", encoding="utf-8", buffering=1, closefd=False) for n in (1, 2))  # noqa: SIM115
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    sys.argv = ["revenuer", *arguments]
    from detector.cli import main  # noqa: PLC0415 - loaded by the process that this one was forked from

    main()
