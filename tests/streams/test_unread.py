"""Columns that nobody reads: left out, and the same lines are refused."""

import json

import pytest

from detector.service.replay import UNREAD
from streams.adapters.reader import Format
from streams.decode import Origin, decode_lines
from streams.exchange import EXCHANGE_SCHEMA

GOOD = {"ts": 1.7e9, "request_id": "r", "account_id": "a", "model": "m", "prompt": "p"}
LINES = [
    json.dumps(GOOD | {"completion": "x", "country": "de"}),
    json.dumps(GOOD | {"completion": {"no": "text"}, "user_agent": 5, "log_ref": [1]}),
    json.dumps(GOOD | {"output_tokens": "many", "completion": "x"}),
    '{"completion": "cut off',
]
DATA, ORIGIN = "\n".join(LINES).encode(), Origin("f", 1, b"k")


@pytest.mark.parametrize("data", [DATA, DATA.splitlines()[0]], ids=["some_bad", "all_good"])
def test_the_same_lines_are_good_and_bad(data):
    whole, less = decode_lines(data, ORIGIN), decode_lines(data, ORIGIN, UNREAD)
    assert less.dead == whole.dead
    assert less.read == whole.read
    assert less.frame.columns == whole.frame.columns == list(EXCHANGE_SCHEMA)
    assert less.frame.drop(UNREAD).equals(whole.frame.drop(UNREAD))
    assert all(less.frame[name].null_count() == less.frame.height for name in UNREAD)


def test_only_text_can_be_left_out():
    assert decode_lines(DATA, ORIGIN, {"n", "output_tokens"}).dead == decode_lines(DATA, ORIGIN).dead


def test_a_reader_that_recognises_its_format_leaves_them_out_too():
    batch = Format(unread=UNREAD).reader()(DATA.splitlines()[0], ORIGIN)
    assert batch.frame["completion"].null_count() == batch.frame.height
    assert batch.frame["prompt"].to_list() == ["p"]
