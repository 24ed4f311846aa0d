"""The log of the service: a JSON object a line on standard error, and nothing of it among the answers."""

import json

import structlog

from detector.service import logs

FORGED = "a\n{}\r\x1b[2K\u2028b"


def test_a_line_is_an_object_with_time_and_level(capsys):
    logs.configure()
    structlog.get_logger("x").warning("inbox_file_unreadable", file=FORGED)
    told = capsys.readouterr()
    assert told.out == ""
    (line,) = told.err.splitlines()
    said = json.loads(line)
    assert (said["event"], said["level"], said["file"]) == ("inbox_file_unreadable", "warning", FORGED)
    assert said["timestamp"].endswith("Z")


def test_it_is_said_where_errors_go_at_the_time(capsys):
    logs.configure()
    log = structlog.get_logger("x")
    log.warning("one")
    assert "one" in capsys.readouterr().err
    log.warning("two")
    assert "two" in capsys.readouterr().err
