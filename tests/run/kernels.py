"""Compiles the kernels once, before the tests: each worker, and each service that a test starts, would otherwise do it for itself.

    python tests/run/kernels.py

It replays a small world, which takes a minute of one processor after a clone, and few seconds from then on.
"""

import tempfile
from pathlib import Path

from detector.config import Settings
from detector.profiles.merge import merge
from detector.profiles.store import ProfileStore
from detector.service.http.erase import erase
from detector.service.replay import Replay, make_engine
from detector.simulator.generate import write
from detector.simulator.world import load_world
from streams.accounts import read_accounts
from streams.sources.files import FileSource


def main() -> None:
    """Replay."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(load_world("tiny"), folder)
        engine = make_engine(Settings(hash_key=7), read_accounts(folder / "accounts.ndjson"), None)
        Replay(engine, folder / "found").run(FileSource([folder / "requests.ndjson"]), lambda _: None)
        merge(ProfileStore(), engine.store)
        erase(engine, engine.store.ids[0])


if __name__ == "__main__":
    main()
