"""The journal of posts: text-free, in order, gone after a checkpoint."""

import msgspec
import pytest
import zstandard

from detector.config import Settings
from detector.service.http.state import Ack
from detector.service.journal import Journal
from detector.service.replay import make_engine
from streams.checkpoint import CheckpointError
from streams.decode import Origin, decode_lines

CANARY = "zanzibar-canary-4711"


def frame(n=3, text=CANARY):
    rows = [
        {
            "ts": 1_772_000_000 + i,
            "request_id": f"r-{i}",
            "account_id": "acct-1",
            "model": "m",
            "prompt": f"{text} {i}",
            "system_prompt": text,
            "completion": text,
            "messages": [{"role": "user", "content": text}],
            "user_agent": text,
        }
        for i in range(n)
    ]
    return decode_lines(b"\n".join(msgspec.json.encode(r) for r in rows), Origin("t", 1, b"")).frame


def _decompressed(data):
    return zstandard.ZstdDecompressor().decompress(data[32:])  # behind the checksum


@pytest.fixture(scope="module")
def engine():
    return make_engine(Settings(hash_key=7), None, None)


def test_batches_come_back_in_order_without_their_texts(engine, tmp_path):
    journal, made = Journal(tmp_path), frame()
    ack = Ack(4, 3, 1, 0)
    journal.add(made, engine.digest(made), ack)
    journal.add(made.head(0), engine.digest(made.head(0)), Ack(1, 0, 1, 0))
    first, second = Journal(tmp_path).after(0)
    assert (first.number, second.number) == (1, 2)
    assert (first.ack, second.frame.height) == (ack, 0)
    assert "prompt" not in first.frame.columns
    assert {"prompt", "system_prompt"} <= set(first.seen)
    for mine, theirs in zip(first.digested.columns, engine.digest(made).columns, strict=True):
        assert mine.tolist() == theirs.tolist()
    written = b"".join(_decompressed(path.read_bytes()) for path in tmp_path.iterdir())
    assert b"acct-1" in written, "or the search would find nothing anyway"
    assert CANARY.encode() not in written


def test_what_a_checkpoint_holds_is_forgotten(engine, tmp_path):
    journal, made = Journal(tmp_path), frame()
    for _ in range(3):
        journal.add(made, engine.digest(made), Ack(3, 3, 0, 0))
    journal.forget(2)
    again = Journal(tmp_path)
    assert [posted.number for posted in again.after(2)] == [3]
    again.forget(3)
    empty = Journal(tmp_path)
    assert list(empty.after(3)) == []
    # Numbers go on, or a checkpoint would hide what comes.
    assert empty.add(made, engine.digest(made), Ack(3, 3, 0, 0)).number == 4


def test_a_damaged_acknowledged_batch_is_an_error_and_no_silent_loss(engine, tmp_path):
    journal, made = Journal(tmp_path), frame()
    journal.add(made, engine.digest(made), Ack(3, 3, 0, 0))
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(CheckpointError, match=path.name):
        list(Journal(tmp_path).after(0))
