"""What holds for every adapter, and what each reads out of its fixtures."""

import json
from pathlib import Path

import msgspec
import polars as pl
import pytest

from streams.adapters.reader import Format
from streams.adapters.registry import ADAPTERS
from streams.decode import Origin, decode_lines
from streams.exchange import EXCHANGE_SCHEMA, MESSAGES

FIXTURES = Path(__file__).parent / "fixtures"
ASKED, SYSTEM, SAID = "Why is the sky blue?", "Answer in one sentence.", "Because of scattering."
FULL = {"prompt": ASKED, "system_prompt": SYSTEM, "completion": SAID, "status": 200, "operation": "chat"}
# fixture: format, path of the account id, exchanges, records of other things, and fields of some of the exchanges
CASES = {
    "litellm": (
        "litellm",
        None,
        5,
        0,
        {
            0: {
                **FULL,
                "account_id": "acct-1001",
                "tool_calls": 0,
                "org_id": "org-3",
                "api_key_id": "key-2001",
                "end_user_id": "end-5",
                "n_messages": 3,
                "input_tokens": 10,
                "output_tokens": 20,
                "temperature": 0.2,
                "max_tokens": 64,
                "tools": ["look_up"],
                "stop_reason": "stop",
                "ip": "192.0.2.7",
            },
            1: {**FULL, "stream": True, "logprobs": True, "top_logprobs": 5, "reasoning_tokens": 0},
            2: {"tool_calls": 1, "response_format": "json_object", "tools": ["look_up"]},
            3: {"operation": "embeddings", "model": "text-embedding-3-small"},
            4: {"status": 429, "completion": None, "prompt": ASKED},
        },
    ),
    "otel_off": (
        "otel",
        "tenant.id",
        4,
        0,
        {
            0: {
                "account_id": "acct-1001",
                "request_id": "chatcmpl-0186",
                "prompt": None,
                "status": 200,
                "input_tokens": 30,
                "output_tokens": 5,
                "temperature": 0.2,
                "top_p": 0.9,
                "max_tokens": 64,
                "stop_reason": "stop",
            },
            2: {"status": 429},
            3: {"operation": "embeddings", "input_tokens": 4},
        },
    ),
    "otel_spans": (
        "otel",
        "tenant.id",
        4,
        0,
        {0: {**FULL, "n_messages": 3, "tool_calls": 0}, 1: {"tool_calls": 1, "completion": None, "prompt": ASKED}},
    ),
    "otel_events": (
        "otel",
        "tenant.id",
        7,
        0,
        {0: {"prompt": None}, 4: {**FULL, "request_id": "chatcmpl-0186", "n_messages": 3}, 6: {"status": 429}},
    ),
    "otel_legacy": ("otel", "tenant.id", 4, 1, {0: {"input_tokens": 30, "prompt": None}, 3: {"status": 429}}),
    "bedrock": (
        "bedrock",
        None,
        10,
        0,
        {
            0: {
                **FULL,
                "account_id": "arn:aws:sts::123456789012:assumed-role/answers",
                "end_user_id": "session-9",
                "org_id": "123456789012",
                "tools": ["look_up"],
                "tool_calls": 1,
                "stop_reason": "tool_use",
                "stream": False,
            },
            1: {**FULL, "tool_calls": 1, "stream": True, "latency_ms": 880.0, "stop_reason": "tool_use"},
            2: {"prompt": ASKED, "completion": SAID, "max_tokens": 64, "stop_reason": "FINISH"},
            3: {"prompt": ASKED, "completion": SAID, "stream": True, "stop_reason": "FINISH"},
            4: {**FULL, "n_messages": 3, "n_tool_results": 1, "tools": ["look_up"], "latency_ms": 880.0},
            5: {**FULL, "n_messages": 3, "stop_reason": "end_turn", "output_tokens": 7, "temperature": 0.2},
            6: {"status": 429, "completion": None},
            7: {"operation": "embeddings", "prompt": "blue"},
            8: {"completion": "Yes."},
            9: {"completion": "No."},
        },
    ),
    "helicone": (
        "helicone",
        None,
        2,
        0,
        {
            0: {
                **FULL,
                "account_id": "acct-1001",
                "conversation_id": "thread-4",
                "cached_tokens": 10,
                "latency_ms": 880.0,
                "country": "NL",
            },
            1: {"status": 429, "prompt": ASKED, "input_tokens": None},
        },
    ),
    "langfuse": (
        "langfuse",
        None,
        4,
        1,
        {
            0: {**FULL, "account_id": "acct-1001", "max_tokens": 64, "latency_ms": 880.0, "cached_tokens": 10},
            1: {**FULL, "tools": ["look_up"]},
            2: {"status": 500, "prompt": ASKED},
            3: {"operation": "embeddings", "prompt": "blue"},
        },
    ),
    "envoy": (
        "envoy",
        None,
        2,
        0,
        {
            0: {
                "account_id": "acct-1001",
                "input_tokens": 30,
                "output_tokens": 5,
                "ip": "192.0.2.7",
                "latency_ms": 880.0,
            },
            1: {"status": 429, "ip": "192.0.2.9", "user_agent": None, "input_tokens": None, "conversation_id": None},
        },
    ),
    "kong": (
        "kong",
        None,
        2,
        1,
        {
            0: {**FULL, "account_id": "acct-1001", "input_tokens": 30, "output_tokens": 5, "latency_ms": 880.0},
            1: {**FULL, "account_id": "acct-1001", "input_tokens": 30, "output_tokens": 5, "tools": ["look_up"]},
        },
    ),
}
# what stands somewhere in the fixture's records, for a source whose account ids stand there
ACCOUNT_PATHS = {
    "litellm": ("metadata.user_api_key_team_id", "team-7"),
    "otel_spans": ("service.name", "shop"),
    "bedrock": ("requestMetadata.tenant", "acct-1001"),
    "helicone": ("request_properties.tenant", "acct-2002"),
    "langfuse": ("metadata.tenant", "acct-2002"),
    "envoy": ("session.id", "thread-4"),
    "kong": ("consumer.username", "shop"),
}


def fixture(name):
    return (FIXTURES / f"{name}.ndjson").read_bytes()


def read(name, wanted="auto", account_path=None):
    return Format(wanted, account_path).reader()(fixture(name), Origin(name, 1, b"key"))


def test_every_format_has_a_fixture():
    assert {case[0] for case in CASES.values()} == set(ADAPTERS)
    assert {p.stem for p in FIXTURES.glob("*.ndjson")} == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_fields_and_counts(name):
    wanted, account_path, exchanges, others, expected = CASES[name]
    batch = read(name, wanted, account_path)
    assert (batch.read, batch.frame.height, batch.dead, batch.skipped) == (exchanges, exchanges, [], others)
    rows = batch.frame.to_dicts()
    for i, fields in expected.items():
        assert {k: rows[i][k] for k in fields} == fields
    assert batch.frame["ts"].dt.year().unique().to_list() == [2026]
    assert dict(batch.frame.schema) == EXCHANGE_SCHEMA


@pytest.mark.parametrize("name", CASES)
def test_auto_finds_the_format(name):
    wanted, account_path, *_ = CASES[name]
    by_name, by_itself = read(name, wanted, account_path), read(name, "auto", account_path)
    assert by_itself.frame.equals(by_name.frame)
    records = [json.loads(line) for line in fixture(name).splitlines()]
    for record in records:
        assert [other for other in ADAPTERS if ADAPTERS[other](None).recognises(record)] == [wanted]


@pytest.mark.parametrize("name", ACCOUNT_PATHS)
def test_the_account_path_is_the_source_s_own(name):
    path, account = ACCOUNT_PATHS[name]
    assert account in read(name, CASES[name][0], path).frame["account_id"].to_list()


@pytest.mark.parametrize("name", CASES)
def test_records_are_of_the_contract(name):
    wanted, account_path, *_ = CASES[name]
    adapter = ADAPTERS[wanted](account_path)
    known = {*EXCHANGE_SCHEMA, MESSAGES}
    for line in fixture(name).splitlines():
        for exchange in adapter.exchanges(json.loads(line)):
            assert set(exchange) <= adapter.fields <= known
            assert None not in exchange.values()
            assert msgspec.json.decode(msgspec.json.encode(exchange))["account_id"]


@pytest.mark.parametrize("name", CASES)
def test_a_record_without_an_account_is_a_dead_letter_of_its_line(name):
    batch = read(name, CASES[name][0], "no.such.path")
    lines = fixture(name).splitlines()
    assert batch.frame.height == 0
    assert batch.read == len(batch.dead) == CASES[name][2]
    for letter in batch.dead:
        assert (letter.reason, letter.detail) == ("missing_field", "account_id")
        assert letter.length == len(lines[letter.position - 1])
        assert ASKED not in str(letter)


def test_unnamed_formats_are_refused_under_a_named_one():
    data = fixture("kong") + b'\n{"a": 1}\nnot json\n[1]\n'
    batch = Format("litellm").reader()(data, Origin("f", 1, b"k"))
    assert [d.reason for d in batch.dead] == ["unrecognised"] * 4 + ["not_json", "not_object"]
    assert [d.position for d in batch.dead] == [1, 2, 3, 5, 6, 7]
    assert batch.read == 6


def test_native_lines_take_the_path_they_always_took():
    data = b'{"ts": 1780000000, "request_id": "r", "account_id": "a", "model": "m", "prompt": "p"}\n{"ts": 1}\n' * 2
    origin = Origin("f", 1, b"k")
    reader = Format().reader()
    batch, plain = reader(data, origin), decode_lines(data, origin)
    assert batch.frame.equals(plain.frame)
    assert batch.dead == plain.dead
    assert reader._chosen is decode_lines


def test_a_mixed_batch_is_read_record_by_record():
    native = b'{"ts": 1780000000, "request_id": "r", "account_id": "a", "model": "m"}'
    data = b"\n".join([native, *(fixture(name).splitlines()[0] for name in ("litellm", "kong", "bedrock")), b"{}"])
    batch = Format().mixed()(data, Origin("f", 1, b"k"))
    assert batch.frame.height == 4
    assert [(d.position, d.reason) for d in batch.dead] == [(5, "missing_field")]


def test_the_format_may_be_told_after_bad_lines():
    data = b"not json\n{}\n" + fixture("helicone")
    batch = Format().reader()(data, Origin("f", 1, b"k"))
    assert batch.frame.height == 2
    assert [d.position for d in batch.dead] == [1, 2]


def test_old_names_and_flat_messages_of_opentelemetry():
    def attribute(key, value):
        return {"key": key, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}

    old = {
        "gen_ai.system": "openai",
        "gen_ai.request.model": "m",
        "gen_ai.usage.prompt_tokens": 3,
        "gen_ai.usage.completion_tokens": 4,
        "user.id": "acct-1",
    }
    words = [
        {
            "gen_ai.prompt": json.dumps([{"role": "user", "content": ASKED}]),
            "gen_ai.completion": json.dumps([{"role": "assistant", "content": SAID}]),
        },
        {
            "gen_ai.prompt.0.role": "user",
            "gen_ai.prompt.0.content": ASKED,
            "gen_ai.completion.0.role": "assistant",
            "gen_ai.completion.0.content": SAID,
        },
    ]
    spans = [
        {
            "spanId": f"{i}",
            "startTimeUnixNano": "1772000000123456789",
            "endTimeUnixNano": 1772000001123456789,
            "attributes": [attribute(k, v) for k, v in {**old, **said}.items()],
        }
        for i, said in enumerate(words)
    ]
    on_events = {**spans[0], "spanId": "2", "attributes": [attribute(k, v) for k, v in old.items()]}
    on_events["events"] = [
        {"name": f"gen_ai.content.{k.removeprefix('gen_ai.')}", "attributes": [attribute(k, v)]}
        for k, v in words[0].items()
    ]
    data = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [*spans, on_events]}]}]}).encode()
    frame = Format("otel").reader()(data, Origin("f", 1, b"k")).frame
    assert frame["prompt"].to_list() == [ASKED] * 3
    assert frame["completion"].to_list() == [SAID] * 3
    assert frame.select("input_tokens", "output_tokens", "latency_ms").row(0) == (3, 4, 1000.0)
    assert frame["ts"].dt.epoch("us").to_list() == [1772000000123456] * 3
    assert frame["request_id"].to_list() == ["0", "1", "2"]


def test_all_fixtures_concatenate():
    frames = [read(name, "auto", CASES[name][1]).frame for name in CASES]
    assert pl.concat(frames).height == sum(case[2] for case in CASES.values())
