"""A data folder that cannot be written: posts are refused, nothing of them counts, and all of it is taken once there is space."""

import errno
import os
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest
from killed import opened

from detector.service import books as books_module
from detector.service import folder as folder_module
from detector.service import journal as journal_module
from detector.service.http.state import UnwritableError
from detector.service.live import Live
from streams import checkpoint as checkpoint_module
from streams.decode import Origin, decode_lines
from streams.dedupe import Deduplicator

START = 1_772_000_000
DAY = 86_400
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def rows(ids, ts=START):
    return [
        {"ts": ts + i, "request_id": f"r-{i}", "account_id": "acct-1", "model": "m", "prompt": f"q {i}"} for i in ids
    ]


def batch(records, extra=b""):
    data = b"\n".join(msgspec.json.encode(r) for r in records) + b"\n" + extra
    return decode_lines(data, Origin("http", 1, b"k"))


@pytest.fixture
def open_(tmp_path, monkeypatch):
    """Opens the service anew, as after a kill; its thread is not started."""
    monkeypatch.setattr(Live, "ready", True)
    monkeypatch.setattr(books_module, "PIECE", 10)
    (tmp_path / "accounts.ndjson").write_text("")
    stores = []

    def make():
        live, _engine, store = opened(tmp_path, every_s=3600)
        stores.append(store)
        return live

    yield make
    for store in stores:
        store.close()


class Disk:
    """Takes so many files, then is full until it is freed."""

    def __init__(self, monkeypatch):
        self.left, self._write = 1 << 30, checkpoint_module.write_durably
        for module in (journal_module, folder_module, checkpoint_module):
            monkeypatch.setattr(module, "write_durably", self)

    def __call__(self, path, data):
        if self.left <= 0:
            raise FULL
        self.left -= 1
        self._write(path, data)


@pytest.fixture
def disk(monkeypatch):
    monkeypatch.setattr(folder_module, "_BETWEEN_S", 0.0)
    return Disk(monkeypatch)


def fates(live):
    return {f: live._metrics.exchanges.labels(f)._value.get() for f in ("accepted", "duplicate", "dead_lettered")}


def letters(live):
    return live.letters.read_bytes().splitlines() if live.letters.exists() else []


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_what_is_not_in_the_journal_is_taken_when_it_comes_again(open_, disk, kept):
    live, post = open_(), batch(rows(range(25)), b"not json\n")
    disk.left = kept
    with pytest.raises(UnwritableError):
        live.submit(post)
    assert fates(live) == {"accepted": 10 * kept, "duplicate": 0, "dead_lettered": min(kept, 1)}
    assert live._resume.counts.get("accepted", 0) == 10 * kept
    assert len(letters(live)) == min(kept, 1)
    assert live.waiting == 10 * kept
    assert not live.writable

    live = open_()  # what the journal kept is taken, and no more
    assert live.waiting == 10 * kept
    disk.left = 100
    ack = live.submit(post)
    assert (ack.accepted, ack.duplicates, ack.dead_lettered) == (25 - 10 * kept, 10 * kept, 1)
    again = live.submit(post)
    assert (again.accepted, again.duplicates) == (0, 25)


def test_the_same_service_takes_it_once_there_is_space(open_, disk):
    live = open_()
    live.submit(batch(rows(range(5))))
    disk.left = 0
    for _ in range(3):
        with pytest.raises(UnwritableError):
            live.submit(batch(rows(range(12))))
    disk.left = 100
    ack = live.submit(batch(rows(range(12))))
    assert (ack.accepted, ack.duplicates) == (7, 5)
    assert live.writable
    assert fates(live) == {"accepted": 12, "duplicate": 5, "dead_lettered": 0}
    assert open_().waiting == 12


def test_it_is_ready_again_without_a_post(open_, disk):
    live = open_()
    disk.left = 0
    with pytest.raises(UnwritableError):
        live.submit(batch(rows(range(3))))
    assert not live.writable
    disk.left = 1
    assert live.writable
    assert not list(live.letters.parent.glob("writable.*"))


def test_dead_letters_that_cannot_be_written_take_their_post_back(open_, monkeypatch):
    live, post = open_(), batch(rows(range(3)), b"not json\n")
    live.submit(batch([], b"before\n"))
    whole = live.letters.read_bytes()
    opened_file = Path.open

    class Half:
        """A file that takes ten bytes."""

        def __init__(self, file):
            self._file, self._left = file, 10

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self._file.close()

        def __getattr__(self, name):
            return getattr(self._file, name)

        def write(self, data):
            if not self._left:
                raise FULL
            self._left -= (n := self._file.write(data[: self._left]))
            return n

    def half(path, mode="r", *rest, **more):
        file = opened_file(path, mode, *rest, **more)
        return Half(file) if path == live.letters and mode == "ab" else file

    monkeypatch.setattr(Path, "open", half)
    with pytest.raises(UnwritableError):
        live.submit(post)
    assert live.letters.read_bytes() == whole
    assert fates(live) == {"accepted": 0, "duplicate": 0, "dead_lettered": 1}
    monkeypatch.setattr(Path, "open", opened_file)
    assert open_().waiting == 0
    ack = live.submit(post)
    assert (ack.accepted, ack.dead_lettered) == (3, 1)
    assert len(letters(live)) == 2
    assert open_().waiting == 3


def test_a_file_that_was_cut_off_holds_no_space(tmp_path, monkeypatch):
    def full(_):
        raise FULL

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="space"):
        checkpoint_module.write_durably(tmp_path / "one.posted", bytes(100))
    assert list(tmp_path.iterdir()) == []


def until(what):
    for _ in range(400):
        if what():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come to that")


def test_the_engine_outlasts_a_checkpoint_that_cannot_be_written(open_, disk, monkeypatch):
    live = open_()
    monkeypatch.setattr(live._resume, "_every", 0.05)
    live._resume._next = 0.0
    disk.left = 0
    live.start()
    until(lambda: not live.writable)
    disk.left = 1000
    until(lambda: list((live.letters.parent / "checkpoints").glob("*.checkpoint")))
    assert live._thread.is_alive()
    assert live.submit(batch(rows(range(3)))).accepted == 3
    until(lambda: live.waiting == 0)
    assert live.stop(30) == 0


def test_the_inbox_waits_for_its_dead_letters(open_, monkeypatch):
    live = open_()
    append, full = books_module._append, [True]

    def fails(path, data):
        if full[0]:
            raise FULL
        append(path, data)

    monkeypatch.setattr(books_module, "_append", fails)
    line = msgspec.json.encode(rows([1])[0])
    (live.inbox.folder / "log.ndjson").write_bytes(line + b"\nnot json\n")
    live.start()
    until(lambda: live._folder._away)
    assert fates(live)["accepted"] == 0
    full[0] = False
    until(lambda: fates(live) == {"accepted": 1, "duplicate": 0, "dead_lettered": 1})
    assert live.stop(30) == 0
    assert len(letters(live)) == 1


def test_letters_of_accounts_do_not_end_whoever_follows_them(open_, monkeypatch):
    live, dead = open_(), batch([], b"not json\n").dead
    append = books_module._append

    def fails(*_):
        raise FULL

    monkeypatch.setattr(books_module, "_append", fails)
    live.refuse(dead)
    assert letters(live) == []
    monkeypatch.setattr(books_module, "_append", append)
    live.refuse(dead)
    live.refuse(dead)
    assert len(letters(live)) == 1


def test_what_is_taken_back_leaves_the_table_as_it_was():
    """Places that others stepped over must not cut them off."""
    rng, table = np.random.default_rng(1), Deduplicator()
    for turn in range(6):
        ids = rng.integers(0, 40_000, 9_000)
        made = batch(rows(sorted(ids.tolist()), START + 2 * DAY * turn)).frame
        table._make_room(made.height, int(made["ts"].to_physical()[0]))
        keys, seen, used = table._keys.copy(), table._seen.copy(), table._used
        first = table.mark(made)
        table.forget(first)
        assert (table._keys == keys).all()
        assert (table._seen == seen).all()
        assert table._used == used
        again = table.mark(made)
        assert (again.fresh == first.fresh).all()
        table.forget(again, 4_000)
        assert (table.mark(made.filter(again.fresh)).fresh == (np.arange(again.fresh.sum()) >= 4_000)).all()
