"""A real Alertmanager for tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from running import answers, free_port, program, running


def installed() -> str:
    return program("prometheus-alertmanager", "alertmanager")


@contextmanager
def alertmanager(folder: Path, config: dict[str, Any]) -> Iterator[str]:
    """URL of an Alertmanager that talks to no other."""
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(config))
    at = f"127.0.0.1:{free_port()}"
    command = [
        installed(),
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'storage'}",
        f"--web.listen-address={at}",
        "--cluster.listen-address=",
        "--log.level=warn",
    ]
    with running(command, folder / "alertmanager.log", lambda: answers(f"http://{at}/-/ready")):
        yield f"http://{at}"
