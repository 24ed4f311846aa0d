"""Files of the inbox that are not as they should be: told, and passed over without keeping the others waiting."""

import json
import os

import polars as pl
import pytest

from detector.service.inbox import Inbox
from streams.decode import MAX_LINE
from streams.sources.files import FileSource

KEY = b"k"


def lines(first, count, **changes):
    records = (
        {"ts": 1_780_000_000 + i, "request_id": f"r{i}", "account_id": "a", "model": "m", **changes}
        for i in range(first, first + count)
    )
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def long(more=4 << 20):
    return lines(0, 1, prompt="x" * (MAX_LINE + more))


def read(inbox):
    """Request ids and dead letters of what came since the last time."""
    batches = list(inbox.batches())
    ids = [name for batch in batches for name in batch.frame["request_id"]]
    dead = [letter for batch in batches for letter in batch.dead]
    assert sum(batch.read for batch in batches) == len(ids) + len(dead)
    return ids, dead


@pytest.mark.parametrize("more", [0, 4 << 20, 24 << 20])
def test_an_over_long_line_is_the_letter_that_a_replay_writes_and_the_rest_is_read(tmp_path, more):
    path = tmp_path / "x.ndjson"
    path.write_bytes(lines(1, 2) + long(more) + lines(10, 100))
    inbox = Inbox(tmp_path, KEY)
    ids, (letter,) = read(inbox)
    assert ids == ["r1", "r2", *(f"r{i}" for i in range(10, 110))]
    (expected,) = (d for b in FileSource([path], digest_key=KEY).batches() for d in b.dead)
    assert (letter.position, letter.reason) == (3, "too_long")
    assert (letter.position, letter.length, letter.digest) == (expected.position, expected.length, expected.digest)
    with path.open("ab") as file:
        file.write(b"no json\n" + lines(200, 1))
    ids, (letter,) = read(inbox)
    assert (ids, letter.position) == (["r200"], 104)


def test_the_longest_line_that_may_be_is_read(tmp_path):
    room = MAX_LINE - len(lines(0, 1, prompt="")) + 1
    (tmp_path / "x.ndjson").write_bytes(lines(0, 1, prompt="x" * room) + lines(1, 1, prompt="x" * (room + 1)))
    ids, dead = read(Inbox(tmp_path))
    assert ids == ["r0"]
    assert [(d.position, d.length) for d in dead] == [(2, MAX_LINE + 1)]


@pytest.mark.parametrize("killed", [False, True])
def test_a_line_that_grows_beyond_measure_is_one_letter_though_the_service_is_killed_within(tmp_path, capsys, killed):
    path, whole = tmp_path / "x.ndjson", long()
    inbox = Inbox(tmp_path, KEY)
    path.write_bytes(lines(1, 1) + whole[: MAX_LINE + 7])
    assert read(inbox) == (["r1"], [])
    assert read(inbox) == ([], [])
    if killed:  # the checkpoint knows no more than this
        inbox = Inbox(tmp_path, KEY, at=dict(inbox.at))
    with path.open("ab") as file:
        file.write(whole[MAX_LINE + 7 :] + lines(2, 1))
    ids, (letter,) = read(inbox)
    assert ids == ["r2"]
    path.write_bytes(lines(1, 1) + whole)
    (expected,) = (d for b in FileSource([path], digest_key=KEY).batches() for d in b.dead)
    assert (letter.length, letter.digest) == (expected.length, expected.digest)
    assert capsys.readouterr().out.count("inbox_line_too_long") == 1 + killed


def test_a_file_that_is_made_anew_within_an_over_long_line_is_read(tmp_path):
    path, inbox = tmp_path / "x.ndjson", Inbox(tmp_path)
    path.write_bytes(lines(1, 1) + long()[:-1])
    assert read(inbox) == (["r1"], [])
    path.write_bytes(lines(1, 1) + lines(2, 3))
    assert read(inbox) == (["r2", "r3", "r4"], [])


def test_who_posts_does_not_wait_for_a_line_without_an_end(tmp_path):
    (tmp_path / "x.ndjson").write_bytes(b"x" * (3 * MAX_LINE))
    assert sum(1 for _ in Inbox(tmp_path).batches()) == 3


def test_a_parquet_file_without_required_columns_is_told_once_and_keeps_nobody_waiting(tmp_path, capsys):
    bad = tmp_path / "a.parquet"
    pl.DataFrame({"ts": [1.0, 2.0], "request_id": ["r1", "r2"]}).write_parquet(bad)
    (tmp_path / "b.ndjson").write_bytes(lines(5, 2))
    inbox = Inbox(tmp_path, KEY)
    ids, (letter,) = read(inbox)
    assert ids == ["r5", "r6"]
    assert (letter.source, letter.reason, letter.detail) == (str(bad), "missing_field", "account_id, model")
    assert letter.length == bad.stat().st_size
    assert "a.parquet" in capsys.readouterr().out
    assert read(inbox) == ([], [])
    assert read(Inbox(tmp_path, KEY, at=dict(inbox.at))) == ([], []), "nor after a stop"


def test_a_better_file_in_place_of_a_refused_one_is_read(tmp_path):
    path, inbox = tmp_path / "a.parquet", Inbox(tmp_path, KEY)
    pl.DataFrame({"ts": [1.0]}).write_parquet(path)
    assert len(read(inbox)[1]) == 1
    rows = pl.DataFrame({"ts": [1_780_000_000.0], "request_id": ["r1"], "account_id": ["a"], "model": ["m"]})
    rows.write_parquet(tmp_path / ".new")
    (tmp_path / ".new").rename(path)
    assert read(inbox) == (["r1"], [])
    assert read(inbox) == ([], [])


def test_a_refused_file_from_an_archive_without_times_is_told_once(tmp_path):
    path, inbox = tmp_path / "a.parquet", Inbox(tmp_path, KEY)
    pl.DataFrame({"ts": [1.0]}).write_parquet(path)
    os.utime(path, ns=(0, 0))
    assert len(read(inbox)[1]) == 1
    assert read(inbox) == ([], [])
