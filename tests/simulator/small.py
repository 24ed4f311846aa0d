"""The small world, as tests of the engine read it."""

import polars as pl

from detector.simulator.generate import write
from detector.simulator.world import load_world
from streams.accounts import read_accounts
from streams.sources.files import FileSource


def played(folder):
    """The accounts of the world `tiny`, and its exchanges in the order of time."""
    write(load_world("tiny"), folder)
    frame = pl.concat([b.frame for b in FileSource([folder / "requests.ndjson"]).batches()]).sort("ts")
    return read_accounts(folder / "accounts.ndjson"), frame
