"""Whatever JSON comes, no adapter raises: it is an exchange, of no exchange, or a dead letter."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.adapters.reader import Format
from streams.adapters.registry import ADAPTERS
from streams.decode import Origin

FIXTURES = Path(__file__).parent / "fixtures"
RECORDS = [json.loads(line) for path in sorted(FIXTURES.glob("*.ndjson")) for line in path.read_text().splitlines()]
KEYS = sorted(
    {key for record in RECORDS for key in record} | {"key", "value", "values", "parts", "content", "attributes"}
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([1 << 63, 1 << 64, -(10**19), 10**400])
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["[1]", "{", "[[", '{"a":[]}'])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)
ADAPTED = {name: make("metadata.*.0.id") for name, make in ADAPTERS.items()} | {
    f"{name} ": make(None) for name, make in ADAPTERS.items()
}


def places(value, path=()):
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield from places(part, (*path, key))


def replaced(value, path, new):
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(copy[path[0]], path[1:], new)
    return copy


@st.composite
def broken(draw):
    """A record of a real format with something foreign in one place."""
    record = draw(st.sampled_from(RECORDS))
    return replaced(record, draw(st.sampled_from(list(places(record))[1:])), draw(JSON))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(KEYS), JSON, max_size=6) | broken())
def test_no_adapter_raises(record):
    for adapter in ADAPTED.values():
        adapter.recognises(record)
        for exchange in adapter.exchanges(record):
            assert None not in exchange.values()


@pytest.mark.parametrize(
    "nasty", [10**400, -1e308, "[[", {}, [None], True], ids=["huge", "low", "text", "object", "list", "true"]
)
def test_no_place_of_a_record_is_trusted(nasty):
    for record in RECORDS:
        mine = [a for a in ADAPTED.values() if a.recognises(record)]
        assert mine
        for path in list(places(record))[1:]:
            for adapter in mine:
                list(adapter.exchanges(replaced(record, path, nasty)))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(broken() | JSON, min_size=1, max_size=5))
def test_nothing_is_lost(records):
    lines = [json.dumps(r).encode() for r in records]
    batch = Format().mixed()(b"\n".join(lines), Origin("f", 1, b"k"))
    assert batch.read == batch.frame.height + len(batch.dead)
    assert batch.read + batch.skipped >= len(records)
    for letter in batch.dead:
        assert letter.length == len(lines[letter.position - 1])


@pytest.mark.parametrize("depth", [60, 300, 900, 5000])
@pytest.mark.parametrize(
    ("open_", "close"),
    [("[", "]"), ('{"kvlistValue": {"values": [{"key": "a", "value": ', "}]}}"), ('{"content": ', "}")],
)
def test_depth_is_no_danger(depth, open_, close):
    deep = open_ * depth + "1" + close * depth
    shapes = [
        '{"resourceSpans": [{"scopeSpans": [{"spans": [{"attributes": [{"key": "gen_ai.request.model", "value": %s}]}]}]}]}',
        '{"startTime": 1, "call_type": "completion", "response": %s, "messages": [%s]}',
        '{"schemaType": "ModelInvocationLog", "output": {"outputBodyJson": %s}}',
    ]
    lines = [shape.replace("%s", deep).encode() for shape in shapes]
    batch = Format().mixed()(b"\n".join(lines), Origin("f", 1, b"k"))
    assert (batch.read, len(batch.dead)) == (3, 3)
