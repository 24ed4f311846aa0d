"""Dead letters over several stops: each one is in the file once, whatever was saved in between."""

import pytest
from killed import opened

from detector.config import Settings
from detector.service.inbox import Inbox
from detector.service.live import Live
from detector.service.replay import make_engine
from detector.service.resume import Resume
from streams.decode import Origin, decode_lines
from streams.dedupe import Deduplicator


@pytest.fixture(scope="module")
def engine():
    return make_engine(Settings(hash_key=7), None, None)


@pytest.fixture
def start(engine, tmp_path):
    """Starts the durable side anew, as after a kill; and saves a checkpoint."""
    parts = engine, Deduplicator(), Inbox(tmp_path / "inbox"), tmp_path / "letters"

    def started():
        resume = Resume(tmp_path, 1.0, "mark")
        resume.load(*parts)
        return resume, lambda: resume.save(*parts)

    return started


def test_a_letter_is_known_until_its_source_is_read_again(start, tmp_path):
    _, save = start()
    save()
    (tmp_path / "letters").write_bytes(b"one\ntwo\ntwo\n")
    _, save = start()
    save()  # of a moment before their source was read again: the file is ahead of it
    resume, save = start()
    assert resume.unsaid([b"one\n", b"two\n"]) == []
    save()
    resume, _ = start()
    assert resume.unsaid([b"two\n", b"three\n"]) == [b"three\n"]
    assert resume.unsaid([b"two\n"]) == [b"two\n"], "said as often as it is in the file"


@pytest.mark.parametrize("saved", [False, True])
def test_a_line_that_a_kill_cut_off_is_taken_back(start, tmp_path, saved):
    if saved:
        start()[1]()
    (tmp_path / "letters").write_bytes(b"one\ntw")
    resume, _ = start()
    assert (tmp_path / "letters").read_bytes() == b"one\n"
    assert resume.unsaid([b"one\n", b"two\n"]) == [b"two\n"]


def test_letters_of_acknowledged_posts_do_not_hide_those_of_later_ones(tmp_path, monkeypatch):
    monkeypatch.setattr(Live, "ready", True)  # its thread is never started, as if each were killed at once
    (tmp_path / "accounts.ndjson").write_text("")
    bad = decode_lines(b"not json\n", Origin("http", 1, b"k"))
    for _ in range(3):
        live, _engine, store = opened(tmp_path, every_s=3600)
        assert live.submit(bad).dead_lettered == 1
        store.close()
    live, _engine, store = opened(tmp_path, every_s=3600)
    store.close()
    assert live._resume.counts["dead_lettered"] == 3
    assert len((tmp_path / "dead_letter.ndjson").read_text().splitlines()) == 3
