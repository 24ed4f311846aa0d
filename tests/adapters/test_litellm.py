"""LiteLLM logs a parameter as its client wrote it, and no spelling of one costs a whole record."""

import json

import pytest

from streams.adapters.reader import Format
from streams.decode import Origin

PAYLOAD = {
    "id": "r",
    "call_type": "acompletion",
    "startTime": 1780000000.5,
    "endTime": 1780000001.5,
    "status": "success",
    "model": "m",
    "metadata": {"user_api_key_user_id": "acct-1"},
    "messages": "Why?",
}


def read(call_type="acompletion", **parameters):
    record = {**PAYLOAD, "call_type": call_type, "model_parameters": parameters}
    return Format("litellm").reader()(json.dumps(record).encode(), Origin("f", 1, b"k"))


def kept(*columns, **parameters):
    batch = read(**parameters)
    assert [d.reason for d in batch.dead] == []
    return batch.frame.select(columns).row(0)


@pytest.mark.parametrize(
    ("parameters", "asked"),
    [
        ({"call_type": "atext_completion", "logprobs": 5}, (True, 5)),
        ({"call_type": "text_completion", "logprobs": "5"}, (True, 5)),
        ({"call_type": "text_completion", "logprobs": 0}, (True, 0)),
        ({"call_type": "text_completion", "logprobs": None}, (None, None)),
        ({"logprobs": 0}, (False, None)),
        ({"logprobs": True, "top_logprobs": "3"}, (True, 3)),
        ({"logprobs": 1, "top_logprobs": 3}, (True, 3)),
        ({"logprobs": "true"}, (True, None)),
        ({"logprobs": False}, (False, None)),
    ],
    ids=str,
)
def test_log_probabilities_in_every_spelling(parameters, asked):
    assert kept("logprobs", "top_logprobs", **parameters) == asked


def test_numbers_that_are_written_as_text():
    written = {"temperature": "0.3", "top_p": "0.9", "n": "2", "max_tokens": "64", "stream": "true"}
    assert kept(*written, **written) == (0.3, 0.9, 2, 64, True)


def test_the_newer_name_of_the_limit_comes_first():
    assert kept("max_tokens", max_completion_tokens=32) == (32,)
    assert kept("max_tokens", max_completion_tokens=32, max_tokens=64) == (32,)


@pytest.mark.parametrize("name", ["temperature", "n", "max_tokens", "logprobs", "stream"])
def test_what_is_no_number_is_still_refused_with_its_reason(name):
    assert [d.reason for d in read(**{name: "many"}).dead] == ["wrong_type"]
