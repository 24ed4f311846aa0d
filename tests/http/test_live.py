"""The detector at work, in this process: what it takes, what it refuses, what it forgets, how it ends."""

import json
import time
from codecs import BOM_UTF8

import msgspec
import pytest
from making import alert, ticking

from detector.alerts.allowance import Allowance
from detector.alerts.model import Case, Member
from detector.alerts.store import Store
from detector.config import Settings
from detector.service import inbox as inbox_module
from detector.service.http.metrics import Metrics
from detector.service.http.state import QueueFullError
from detector.service.inbox import Inbox
from detector.service.live import Live
from detector.service.replay import make_engine
from streams import decode
from streams.batch import Batch, digest
from streams.decode import Origin, decode_lines

HOUR = 3600
START = 1_772_000_000


def records(accounts=4, each=20, first=0):
    return [
        {
            "ts": START + 60 * i,
            "request_id": f"r-{first}-{a}-{i}",
            "account_id": f"acct-{a}",
            "model": "m",
            "prompt": f"question {i}",
            "output_tokens": 50,
        }
        for i in range(each)
        for a in range(accounts)
    ]


def batch(rows, extra=b""):
    data = b"\n".join(msgspec.json.encode(r) for r in rows) + b"\n" + extra
    return decode_lines(data, Origin("test", 1, b"k"))


@pytest.fixture
def engine():
    return make_engine(Settings(hash_key=7), None, None)


@pytest.fixture
def store(tmp_path):
    opened = Store(f"sqlite:///{tmp_path / 'store.db'}", ticking())
    yield opened
    opened.close()


@pytest.fixture
def live(engine, store, tmp_path):
    made = Live(engine, store, Metrics(), tmp_path)
    made.start()
    yield made
    if made.ready:
        made.stop(5)


def settle(live):
    for _ in range(600):
        if live.waiting == 0:
            return
        time.sleep(0.05)
    raise AssertionError("records still wait")


def test_the_books_are_kept(live, tmp_path):
    ack = live.submit(batch(records(), b"not json\n"))
    assert (ack.read, ack.accepted, ack.duplicates, ack.dead_lettered) == (81, 80, 0, 1)
    again = live.submit(batch(records()))
    assert (again.accepted, again.duplicates) == (0, 80)
    settle(live)
    assert live.account("acct-1").exchanges == 20
    assert live.account("nobody") is None
    letter = (tmp_path / "dead_letter.ndjson").read_text()
    assert "not_json" in letter
    assert "not json" not in letter


def test_a_wrong_date_ends_nobodys_window(live, engine, tmp_path):
    live.submit(batch(records()))
    late = [{"ts": "2099-12-31T23:59:59Z", "request_id": "x", "account_id": "acct-1", "model": "m"}]
    ack = live.submit(batch(late))
    assert (ack.read, ack.accepted, ack.dead_lettered) == (1, 0, 1)
    live.submit(batch(records(first=1)))
    settle(live)
    assert engine.now < (START + HOUR * 24) * 1e6
    assert live.account("acct-1").exchanges == 40
    assert "ts_ahead" in (tmp_path / "dead_letter.ndjson").read_text()


def test_a_stop_looks_at_what_waits(live, engine):
    live.submit(batch(records()))
    assert live.stop(30) == 0
    assert len(engine.store) == 4
    assert not live.ready
    with pytest.raises(QueueFullError):
        live.submit(batch(records(first=1)))


def test_a_stop_without_time_says_what_was_left(engine, store, tmp_path):
    live = Live(engine, store, Metrics(), tmp_path)
    live.start()
    live._stop.set()
    live._thread.join()
    live._waiting = 3
    assert live.stop(0) == 3


def test_a_broken_engine_is_not_ready_and_says_no_text(live, engine, capsys):
    def breaks(*_):
        raise ValueError("secret prompt")

    engine.process = breaks
    live.submit(batch(records()))
    live._thread.join(10)
    assert not live.ready
    said = capsys.readouterr()
    assert "ValueError" in said.out + said.err
    assert "secret prompt" not in said.out + said.err


def test_an_empty_batch_is_taken(live):
    ack = live.submit(Batch(batch(records()).frame.head(0), [], 0))
    assert ack.read == 0


def test_an_erased_account_comes_back_only_with_new_traffic(live, engine):
    live.submit(batch(records()))
    settle(live)
    rows = int((engine.store.panes.slot >= 0).sum())
    live.forget("acct-1")
    assert live.account("acct-1") is None
    assert int((engine.store.panes.slot >= 0).sum()) < rows
    assert live.account("acct-2").exchanges == 20
    live.submit(batch([{**r, "ts": r["ts"] + HOUR} for r in records(first=1, each=3)]))
    settle(live)
    assert live.account("acct-1").exchanges == 3
    assert live.account("acct-2").exchanges == 23


def test_nobody_is_compared_with_an_erased_account(live, engine):
    live.submit(batch([r | {"ts": r["ts"] + n * HOUR} for n in range(3) for r in records(first=n)]))
    settle(live)
    slot = engine.store.ids.index("acct-1")
    assert slot in engine.coordinator.everybody.known.peers.slots
    live.forget("acct-1")
    left = engine.coordinator.everybody.known.peers
    assert slot not in left.slots
    assert {len(each) for each in left} == {left.slots.size}
    assert left.slots.size > 0


def case(*accounts):
    members = tuple(Member(a, 1.0, "core", 5, 50) for a in accounts)
    kind = "cluster" if len(accounts) > 1 else "account"
    one = alert(accounts=accounts)
    return Case(kind, members, "high", 90.0, 0.001, tuple(one.reasons), (), {}, 1, 2, {"free": 1}, 10.0)


def test_alerts_no_longer_name_an_erased_account(live, engine):
    book = engine.alerts
    book.tick(START * 1_000_000, [case("acct-1", "acct-2", "acct-3"), case("acct-9")])
    live.forget("acct-2")
    live.forget("acct-9")
    (left,) = book.alerts()
    assert left.accounts == ["acct-1", "acct-3"]
    assert "acct-2" not in msgspec.json.encode(left).decode()
    book.tick(START * 1_000_000 + 1, [case("acct-1", "acct-3", "acct-4"), case("acct-9")])
    assert {tuple(a.accounts) for a in book.alerts()} == {("acct-1", "acct-3", "acct-4"), ("acct-9",)}


def test_allowances_of_file_and_store_hold_together(live, engine, store):
    live._given = {"acct-1": [Allowance("research")]}
    store.allowances.grant("reseller", "acct-1", "ops", 5, "ana")
    live.allow()
    assert [a.name for a in engine.allowances["acct-1"]] == ["research", "reseller"]


@pytest.mark.parametrize("size", [150, 300, 2000])
@pytest.mark.parametrize("chunk", [64, 4096])
def test_an_inbox_passes_over_a_line_that_is_over_long(tmp_path, monkeypatch, size, chunk):
    for module in (inbox_module, decode):
        monkeypatch.setattr(module, "MAX_LINE", 140)
    monkeypatch.setattr(inbox_module, "_CHUNK", 32)
    inbox, path = Inbox(tmp_path, b"k", chunk), tmp_path / "a.ndjson"
    good = [
        json.dumps({"ts": START, "request_id": f"r{i}", "account_id": "a", "model": "m"}).encode() for i in range(3)
    ]
    path.write_bytes(good[0] + b"\n" + b"x" * size)
    assert sum(b.read for b in inbox.batches()) == 1
    path.write_bytes(b"\n".join([good[0], b"x" * size, good[1], good[2], b""]))
    batches = list(inbox.batches())
    assert [i for b in batches for i in b.frame["request_id"]] == ["r1", "r2"]
    told = [(d.reason, d.position, d.length, d.digest) for b in batches for d in b.dead]
    assert told == [("too_long", 2, size, digest(b"k", b"x" * size))]
    assert sum(b.read for b in batches) == 3
    assert list(inbox.batches()) == []


def test_an_inbox_skips_a_byte_order_mark(tmp_path):
    inbox, path = Inbox(tmp_path), tmp_path / "a.ndjson"
    lines = [msgspec.json.encode(r) + b"\n" for r in records(1, 3)]
    path.write_bytes(BOM_UTF8 + lines[0])
    assert [(b.frame.height, b.dead) for b in inbox.batches()] == [(1, [])]
    path.write_bytes(BOM_UTF8 + b"".join(lines))
    assert [(b.frame.height, b.dead) for b in inbox.batches()] == [(2, [])]


def test_an_inbox_gives_each_line_once(tmp_path):
    inbox, path = Inbox(tmp_path), tmp_path / "a.ndjson"
    lines = [msgspec.json.encode(r) + b"\n" for r in records(1, 3)]
    path.write_bytes(lines[0] + lines[1][:10])
    assert sum(b.read for b in inbox.batches()) == 1
    assert sum(b.read for b in inbox.batches()) == 0
    path.write_bytes(b"".join(lines[:2]) + lines[2])
    assert sum(b.read for b in inbox.batches()) == 2
    path.write_bytes(lines[0])
    assert sum(b.read for b in inbox.batches()) == 1
    (tmp_path / "b.parquet").write_bytes(b"none")
    (tmp_path / "c.txt").write_bytes(lines[0])
    (tmp_path / "d.ndjson").mkdir()
    assert [letter.reason for b in inbox.batches() for letter in b.dead] == ["corrupt"]
    assert list(inbox.batches()) == []
    assert inbox.problems.keys() == {"d.ndjson"}
