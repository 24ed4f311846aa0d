"""Who serves a folder: one process at a time; others may stand by and take over.

The lock belongs to the process, so that the kernel lets go of it however the process ends, and never before its last write. On a
folder that several machines share, the file system must have locks that hold between them, as NFS 4 has.
"""

import fcntl
import os
import signal
import threading
from pathlib import Path
from typing import Final

_OFTEN_S: Final = 0.2


class Lease:
    """The right to serve a folder, until the process ends.

    Args:
        folder: of the service; it must be there.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "owner"
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)

    def take(self) -> bool:
        """Whether it is ours now; does not wait."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)
        return True

    def owner(self) -> str:
        """Process that has it, or had it last."""
        return self._path.read_text().strip() or "unknown"

    def wait(self) -> bool:
        """Wait for it; whether it is ours, and not the signal to end that came."""
        ended = threading.Event()
        numbers = (signal.SIGINT, signal.SIGTERM)
        before = [signal.signal(number, lambda *_: ended.set()) for number in numbers]
        try:
            while not self.take():
                if ended.wait(_OFTEN_S):
                    return False
            return True
        finally:
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)

    def release(self) -> None:
        """Let the next one in; the end of the process does the same."""
        os.close(self._file)
