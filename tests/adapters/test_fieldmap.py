"""Field maps: what they say, and what is wrong with those that say it wrongly."""

import json
from pathlib import Path

import pytest

from streams.adapters.casts import CASTS
from streams.adapters.mapfile import MapError, load_map
from streams.adapters.reader import Format
from streams.adapters.values import at
from streams.decode import Origin

GOOD = """\
name: ours
recognise:
  present: [event.id]
where:
  equal: {event.kind: [answer, reply]}
records: event.answers
fields:
  ts: {path: when, cast: nanoseconds}
  request_id: id
  account_id: [who.tenant, who.user]
  model: {constant: m-large}
  status: {path: outcome, values: {ok: 200, refused: 403}, otherwise: 500}
  top_p: {path: sampling.top_p, cast: number}
  stream: {path: streamed, cast: boolean}
  tools: {path: tools, cast: strings}
"""


def write(tmp_path, text):
    path = tmp_path / "ours.yaml"
    path.write_text(text)
    return path


def test_paths_casts_values_constants_and_lists(tmp_path):
    answers = [
        {"when": 1772000000123456789, "id": 7, "who": {"user": "u"}, "outcome": "ok", "sampling": {"top_p": "0.5"}},
        {
            "when": "1772000001000000000",
            "id": "b",
            "who": {"tenant": "t", "user": "u"},
            "outcome": "refused",
            "streamed": "true",
            "tools": ["x"],
        },
    ]
    data = json.dumps({"event": {"id": 1, "kind": "answer", "answers": answers}}).encode()
    path = write(tmp_path, GOOD.replace("where:\n  equal: {event.kind: [answer, reply]}\n", ""))
    batch = Format(str(path)).reader()(data, Origin("f", 1, b"k"))
    rows = batch.frame.select("request_id", "account_id", "model", "status", "top_p", "stream", "tools").rows()
    assert rows == [("7", "u", "m-large", 200, 0.5, None, None), ("b", "t", "m-large", 403, None, True, ["x"])]
    assert batch.frame["ts"].dt.epoch("us").to_list() == [1772000000123456, 1772000001000000]


def test_where_passes_over_what_is_no_exchange(tmp_path):
    path = write(tmp_path, GOOD.replace("records: event.answers\n", ""))
    data = b'{"event": {"id": 1, "kind": "answer"}}\n{"event": {"id": 2, "kind": "question"}}'
    batch = Format(str(path)).reader()(data, Origin("f", 1, b"k"))
    assert (batch.read, len(batch.dead), batch.skipped) == (1, 1, 1)


@pytest.mark.parametrize(
    ("before", "after", "line", "message"),
    [
        ("name: ours", "nam: ours", 1, "nam is no key of a map"),
        ("name: ours\n", "", 1, "name is missing"),
        ("  model: {constant: m-large}\n", "", 8, "model is missing: every exchange needs it"),
        ("  request_id: id", "  request_id: id\n  reqest: id", 10, "reqest is no field of an exchange"),
        ("cast: nanoseconds", "cast: nanos", 8, "nanos is no cast; it may be string, integer"),
        ("[who.tenant, who.user]", "[who.tenant, {a: b}]", 10, "account_id must be text"),
        ("{constant: m-large}", "{cast: string}", 11, "model needs a path or a constant"),
        ("{constant: m-large}", "{constant: [m]}", 11, "constant must be one value"),
        ("{constant: m-large}", "{constant: null}", 11, "constant must be text, a number, true or false"),
        ("  request_id: id", "  request_id: id\n  request_id: id2", 10, "request_id stands twice"),
        ("  present: [event.id]", "  presnt: [event.id]", 3, "presnt is no key of recognise"),
        ("recognise:\n  present: [event.id]", "recognise: {}", 2, "recognise must ask for something"),
        ("fields:", "fields: [", 9, "expected"),
        ("values: {ok: 200, refused: 403}, ", "", 12, "otherwise says nothing where status has no values"),
        (GOOD, "", 1, "the file is empty"),
        (GOOD, "- a", 1, "a map must have keys and values"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line(tmp_path, before, after, line, message):
    assert before in GOOD
    path = write(tmp_path, GOOD.replace(before, after, 1))
    with pytest.raises(MapError) as error:
        load_map(path)
    assert str(error.value).startswith(f"{path}:{line}: ")
    assert message in str(error.value)


def test_a_good_map_is_good(tmp_path):
    assert load_map(write(tmp_path, GOOD)).name == "ours"


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(MapError, match="No such file"):
        Format(str(tmp_path / "none.yaml"))


def test_a_name_that_is_none():
    with pytest.raises(MapError, match="litelm is no format; it may be auto, revenuer, litellm, otel, bedrock"):
        Format("litelm")


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a.b", 1),
        ("a.b.c", 2),  # the longest key first, then shorter ones
        ("list.0.x", 3),
        ("list.-1.x", 4),
        ("list.*.y", 5),
        ("*.c", 6),
        ("text.deep.0", 7),
        ("list.9.x", None),
        ("a.none", None),
        ("text.deep.0.none", None),
    ],
)
def test_dotted_paths(path, found):
    value = {
        "a.b": 1,
        "a": {"b": {"c": 2}},
        "list": [{"x": 3}, {"x": 4, "y": 5}],
        "d": {"c": 6},
        "text": json.dumps({"deep": [7]}),
    }
    assert at(value, path) == found


@pytest.mark.parametrize(
    ("cast", "value", "out"),
    [
        ("string", 7, "7"),
        ("integer", "7", 7),
        ("integer", "7.0", 7),
        ("integer", "seven", "seven"),
        ("number", "0.5", 0.5),
        ("boolean", "False", False),
        ("boolean", 1, True),
        ("strings", '["a", 1]', ["a", "1"]),
        ("milliseconds", 1772000000123, "1772000000.123000"),
        ("milliseconds", "1772000000123", "1772000000.123000"),
        ("microseconds", 1772000000123456, "1772000000.123456"),
        ("nanoseconds", "1772000000123456789", "1772000000.123456"),
        ("milliseconds", "soon", "soon"),
        ("seconds_to_ms", 0.5, 500.0),
        ("text", [{"type": "text", "text": "a"}, {"type": "image"}, {"type": "text", "text": "b"}], "a\nb"),
        ("text", {"choices": [{"message": {"content": "a"}}]}, "a"),
        ("messages", '{"messages": [{"role": "user"}]}', [{"role": "user"}]),
        ("messages", "plain", None),
        ("prompt", [{"role": "user", "content": "a"}], None),
        ("prompt", "plain", "plain"),
        ("tool_names", [{"function": {"name": "a"}}, {"name": "b"}, {"toolSpec": {"name": "c"}}, 5], ["a", "b", "c"]),
        ("count", [1, 2], 2),
        ("address", "192.0.2.1, 192.0.2.2", "192.0.2.1"),
        ("address", "192.0.2.1:80", "192.0.2.1"),
        ("address", "2001:db8::1", "2001:db8::1"),
        ("address", "[2001:db8::1]:80", "2001:db8::1"),
    ],
)
def test_casts(cast, value, out):
    assert CASTS[cast](value) == out


def test_every_preset_says_where_its_format_is_described():
    for path in (Path(load_map.__code__.co_filename).parent / "presets").glob("*.yaml"):
        assert "about: " in path.read_text()
        assert load_map(path).name == path.stem
