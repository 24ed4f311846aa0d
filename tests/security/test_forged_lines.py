"""A record, a file name or an id cannot write a line of its own into a log, a result or a metric."""

import json

import msgspec
import pytest
from cases import START, case

from detector.alerts.book import AlertBook
from detector.service.inbox import Inbox
from streams.batch import DeadLetter
from streams.decode import Origin, decode_lines
from streams.sinks.dead_letter import DeadLetterFile

FORGED = '\n2026-03-02T00:00:00Z [error] the service was stopped by ana\n{"severity":"critical"}\r\x1b[2K\u2028'


def test_a_file_in_the_inbox_cannot_forge_a_line_of_the_log(tmp_path, capsys):
    (tmp_path / f"a{FORGED.replace('/', ' ')}.ndjson").mkdir()  # it cannot be opened, and the log says so
    assert list(Inbox(tmp_path).batches()) == []
    said = capsys.readouterr()
    assert "inbox_file_unreadable" in said.out
    assert len(said.out.strip().splitlines()) == 1
    assert "\x1b[2K" not in said.out


def test_a_dead_letter_is_one_line(tmp_path):
    with DeadLetterFile(tmp_path / "d") as file:
        file.write([DeadLetter(FORGED, 1, "not_json", 3, "00", FORGED)])
    (line,) = (tmp_path / "d").read_bytes().split(b"\n")[:-1]
    assert json.loads(line)["source"] == FORGED


def test_an_account_id_stays_within_its_alert():
    book = AlertBook()
    book.tick(START, [case("a b c")])
    (alert,) = book.alerts()
    alert.accounts = (FORGED,)
    line = msgspec.json.encode(alert)
    assert b"\n" not in line
    assert b"\x1b" not in line
    assert json.loads(line)["accounts"] == [FORGED]


@pytest.mark.parametrize("field", ["account_id", "request_id", "model"])
def test_an_id_with_a_null_byte_is_no_id(field):
    record = {"ts": START / 1e6, "request_id": "r", "account_id": "a", "model": "m", field: "x\x00y"}
    batch = decode_lines(json.dumps(record).encode(), Origin("t", 1, b""))
    assert [(d.reason, d.detail) for d in batch.dead] == [("bad_id", field)]
