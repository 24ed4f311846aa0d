"""Ingest: encodings, bounds, arrays of LiteLLM, and counts that add up."""

import gzip
import json

import polars as pl
import pytest
import zstandard

from detector.service.http.state import Ack
from streams import decode
from streams.batch import Batch, DeadLetter
from streams.exchange import EXCHANGE_SCHEMA

RECORD = {"ts": 1_772_000_000, "request_id": "r-1", "account_id": "acct-1", "model": "m", "prompt": "hello"}
GOOD = json.dumps(RECORD).encode()
MIXED = b"\n".join([GOOD, b"not json", b'{"ts": 1}', GOOD, b""])


@pytest.fixture
def feeder(as_):
    return as_("ingest")


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("identity", bytes),
        ("gzip", gzip.compress),
        ("gzip", lambda b: gzip.compress(b[:50]) + gzip.compress(b[50:])),
        ("zstd", zstandard.ZstdCompressor().compress),
        ("zstd", lambda b: b"".join(zstandard.ZstdCompressor().compress(p) for p in (b[:50], b[50:]))),
    ],
)
def test_counts_add_up_in_every_encoding(feeder, encoding, pack):
    answer = feeder("POST", "/v1/ingest", {"Content-Encoding": encoding}, content=pack(MIXED))
    assert answer.status_code == 202
    assert answer.json() == {
        "read": 4,
        "accepted": 2,
        "duplicates": 0,
        "dead_lettered": 2,
        "reasons": {"not_json": 1, "missing_field: request_id": 1},
    }


@pytest.mark.parametrize(
    ("encoding", "content", "status"),
    [
        ("gzip", b"no gzip", 422),
        ("gzip", gzip.compress(MIXED)[:-9], 422),
        ("zstd", b"no zstd", 422),
        ("zstd", zstandard.ZstdCompressor().compress(MIXED)[:-3], 422),
        ("br", b"x", 415),
        ("gzip", gzip.compress(bytes(200_000)), 413),
        ("zstd", zstandard.ZstdCompressor().compress(bytes(200_000)), 413),
        ("identity", bytes(30_000), 413),
        ("identity", b"[1,", 422),
    ],
)
def test_what_cannot_be_unpacked_is_refused(state, feeder, encoding, content, status):
    answer = feeder("POST", "/v1/ingest", {"Content-Encoding": encoding}, content=content)
    assert answer.status_code == status
    assert state.detector.frames == []


@pytest.mark.parametrize("array", [False, True])
def test_a_line_is_too_long_however_it_comes(feeder, monkeypatch, array):
    monkeypatch.setattr(decode, "MAX_LINE", 200)
    lines = [
        GOOD,
        json.dumps({**RECORD, "prompt": "x" * 200}).encode(),
        json.dumps({**RECORD, "request_id": "r"}).encode(),
    ]
    content = b"[" + b",".join(lines) + b"]" if array else b"\n".join(lines)
    answer = feeder("POST", "/v1/ingest", content=content)
    assert answer.json() == {"read": 3, "accepted": 2, "duplicates": 0, "dead_lettered": 1, "reasons": {"too_long": 1}}


@pytest.mark.parametrize("content", [GOOD, b"[" + GOOD + b"]"])
def test_a_byte_order_mark_is_skipped(feeder, content):
    answer = feeder("POST", "/v1/ingest", content=b"\xef\xbb\xbf" + content)
    assert answer.json() == {"read": 1, "accepted": 1, "duplicates": 0, "dead_lettered": 0, "reasons": {}}


def test_the_answer_says_why_records_were_refused_and_never_their_text(feeder):
    without = {k: v for k, v in RECORD.items() if k != "account_id"}
    lines = [{**without, "request_id": f"r-{i}"} for i in range(3)] + [{**RECORD, "input_tokens": "a secret"}]
    told = feeder("POST", "/v1/ingest", content="\n".join(map(json.dumps, [RECORD, *lines])).encode())
    assert told.json()["dead_lettered"] == 4
    assert told.json()["reasons"] == {"missing_field: account_id": 3, "wrong_type: input_tokens": 1}
    assert "secret" not in told.text


def test_the_reasons_are_bounded_and_of_the_contract():
    names = list(EXCHANGE_SCHEMA)[:25]
    dead = [DeadLetter("http", n, "wrong_type", 1, "", name) for n, name in enumerate(names)]
    dead += [DeadLetter("http", 90 + n, "wrong_type", 1, "", f"words of the sender {n}") for n in range(2)]
    told = Ack.of(Batch(pl.DataFrame(), dead, len(dead)), 0)
    assert (told.dead_lettered, len(told.reasons)) == (27, 20)
    assert told.reasons["wrong_type"] == 2


def test_arrays_of_exchanges_and_of_litellm(state, feeder):
    payload = {
        "id": "chatcmpl-1",
        "call_type": "acompletion",
        "startTime": 1_772_000_000.5,
        "endTime": 1_772_000_001.5,
        "status": "success",
        "model": "m-large",
        "messages": [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Why\nis it?"}],
        "response": {"choices": [{"message": {"content": "So."}}]},
        "prompt_tokens": 9,
        "completion_tokens": 2,
        "metadata": {"user_api_key_hash": "k-1", "user_api_key_user_id": "acct-7", "user_api_key_org_id": None},
        "model_parameters": {"temperature": 0.2, "logprobs": True},
        "end_user": "",
    }
    answer = feeder("POST", "/v1/ingest", content=json.dumps([RECORD, payload, 5]).encode())
    assert answer.json() == {
        "read": 3,
        "accepted": 2,
        "duplicates": 0,
        "dead_lettered": 1,
        "reasons": {"not_object": 1},
    }
    row = state.detector.frames[0].row(1, named=True)
    assert (row["account_id"], row["api_key_id"], row["end_user_id"]) == ("acct-7", "k-1", None)
    assert (row["prompt"], row["system_prompt"], row["completion"]) == ("Why\nis it?", "Be short.", "So.")
    assert (row["input_tokens"], row["latency_ms"], row["logprobs"]) == (9, 1000.0, True)


def test_a_full_queue_asks_to_come_again(state, feeder):
    state.detector.full = True
    answer = feeder("POST", "/v1/ingest", content=GOOD)
    assert answer.status_code == 503
    assert "retry-after" in answer.headers


def test_a_folder_that_cannot_be_written_asks_to_come_again(state, feeder):
    state.detector.writable = False
    answer = feeder("POST", "/v1/ingest", content=GOOD)
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert "data folder" in answer.json()["detail"]
    assert int(answer.headers["retry-after"]) > 0
