"""A service that is killed at any moment: what a child process does, and how it is started again."""

import os
import signal
import time
from pathlib import Path

import msgspec
from forked import CONTEXT, server

from detector.alerts.store import Store
from detector.alerts.store.alerts import Filters
from detector.config import Settings
from detector.service.http.metrics import Metrics
from detector.service.live import Live
from detector.service.replay import make_engine
from detector.service.resume import Resume
from streams.accounts import read_accounts
from streams.decode import Origin, decode_lines

DONE = "done"


def opened(folder, every_s=0.02):
    """A live detector over a folder, restored from what is there."""
    accounts = read_accounts(folder / "accounts.ndjson")
    store = Store(f"sqlite:///{folder / 'revenuer.db'}")
    engine = make_engine(Settings(hash_key=7), accounts, None)
    live = Live(engine, store, Metrics(), folder, None, Resume(folder, every_s, "mark"))
    live.inbox.chunk = 64 << 10  # many moments between two batches
    return live, engine, store


def read_inbox(folder):
    """Read the inbox to its end, then say so and stop in order."""
    live, _engine, _store = opened(folder)
    live.start()
    size = (folder / "inbox" / "log.ndjson").stat().st_size
    while live.ready and live.inbox.at.get("log.ndjson", (0, 0))[0] < size:
        time.sleep(0.01)
    # The last batch is counted as read before it is looked at: the checkpoint of an orderly stop is after it.
    live.stop(30)
    (folder / DONE).write_text("")


def post(folder):
    """Post every part of `posts` that was not acknowledged yet, and note each acknowledgement."""
    live, _engine, _store = opened(folder, 0.2)  # so that the journal holds several posts
    live.start()
    for path in sorted((folder / "posts").iterdir()):
        acknowledged = folder / "acknowledged" / path.name
        if not acknowledged.exists():
            live.submit(decode_lines(path.read_bytes(), Origin("http", 1, b"")))
            acknowledged.write_text("")
    live.stop(30)
    (folder / DONE).write_text("")


def until_done(work, folder, delays):
    """Run a piece of work in processes that are killed after each delay, the last one never; how many kills hit."""
    hits = 0
    server()
    for delay in [*delays, None]:
        child = CONTEXT.Process(target=work, args=(folder,))
        child.start()
        child.join(delay if delay is not None else 120)
        if child.exitcode is None:
            assert delay is not None, "the work does not come to an end"
            os.kill(child.pid, signal.SIGKILL)
            child.join()
            hits += 1
        elif (folder / DONE).exists():
            break
        else:
            raise AssertionError(f"the child ended by itself: {child.exitcode}")
    assert (folder / DONE).exists()
    return hits


def outcome(folder):
    """What a folder holds in the end: alerts as stored, versions of each, scores, books, dead letters."""
    live, engine, store = opened(folder)
    live.start()
    live.stop(60)  # what the journal holds since the checkpoint
    engine.finish()
    stored = store.alerts.page(Filters(merged=True), limit=1000).items
    versions = {a.id: len(store.alerts.history(a.id)) for a in stored}
    store.close()
    letters = folder / "dead_letter.ndjson"
    return {
        "stored": sorted(msgspec.json.encode(a) for a in stored),
        "versions": versions,
        "alerts": sorted(msgspec.json.encode(a) for a in engine.alerts.alerts()),
        "accounts": sorted(engine.store.ids),
        "requests": int(engine.store.panes.counts[engine.store.panes.slot >= 0].sum()),
        "books": live._resume.counts,
        "letters": sorted(letters.read_text().splitlines()) if letters.exists() else [],
    }


def same_alerts(found, expected):
    """Whether alerts are equal, but for masked words: a journal holds no text, so that they are shown once their text comes again."""
    for one, other in zip(found, expected, strict=True):
        told, whole = msgspec.json.decode(one), msgspec.json.decode(other)
        if told["evidence"].get("skeletons") == []:
            told["evidence"]["skeletons"] = whole["evidence"]["skeletons"]
        if told != whole:
            return False
    return True


def put(source: Path, folder: Path, lines: list[str]) -> None:
    """A folder as the service finds it, with a log in its inbox."""
    (folder / "inbox").mkdir(parents=True)
    (folder / "accounts.ndjson").write_bytes((source / "accounts.ndjson").read_bytes())
    (folder / "inbox" / "log.ndjson").write_text("".join(lines))
