"""Whoever asks chooses optional values: by none of them does his exchange leave the log."""

import json

import polars as pl
import pytest

from streams.adapters.reader import Format
from streams.decode import Origin, decode_lines
from streams.exchange import COUNTS, EXCHANGE_SCHEMA, IDENTIFIERS, REQUIRED
from streams.repair import LONGEST_ID, whole_characters
from streams.sources.files import FileSource

GOOD = {"ts": 1780000000, "request_id": "r1", "account_id": "a1", "model": "m"}
OPTIONAL = [name for name in IDENTIFIERS if name not in REQUIRED]


def decoded(*records):
    return decode_lines("\n".join(json.dumps(r) for r in records).encode(), Origin("f", 1, b"k"))


@pytest.mark.parametrize("odd", ["u" * (LONGEST_ID + 1), "u\x00", "ü" * LONGEST_ID])
@pytest.mark.parametrize("name", OPTIONAL)
def test_an_odd_identifier_still_tells_users_apart(name, odd):
    batch = decoded(
        *({**GOOD, "request_id": f"r{i}", name: who} for i, who in enumerate([odd, odd, odd + "x", "u", None]))
    )
    assert batch.dead == []
    assert batch.repaired == {f"{name}: bad_id": 3}
    first, again, other, plain, none = batch.frame[name].to_list()
    assert first == again != other
    assert len(first) < LONGEST_ID
    assert (plain, none) == ("u", None)


@pytest.mark.parametrize("name", COUNTS)
def test_a_negative_count_is_unknown(name):
    batch = decoded({**GOOD, name: -1}, {**GOOD, "request_id": "r2", name: 3})
    assert batch.dead == []
    assert batch.repaired == {f"{name}: negative": 1}
    assert batch.frame[name].to_list() == [200 if name == "status" else None, 3]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (r"a \udc00 b", "a \ufffd b"),
        (r"a \uD83D b", "a \ufffd b"),
        (r"\ud83d\ude00 \ude00", "\U0001f600 \ufffd"),
        (r"\ud83d\ud83d\ude00", "\ufffd\U0001f600"),
        (r"a \\udc00 b", r"a \udc00 b"),
        (r"a \\\udc00 b", "a \\\ufffd b"),
    ],
)
@pytest.mark.parametrize("others", [[], ["no json"], [json.dumps({**GOOD, "request_id": "r3", "prompt": "\\udc00"})]])
def test_half_a_character_is_no_reason_to_refuse_a_line(text, read, others):
    lines = [json.dumps(GOOD), json.dumps({**GOOD, "request_id": "r2"})[:-1] + f', "prompt": "{text}"}}', *others]
    batch = decode_lines("\n".join(lines).encode(), Origin("f", 1, b"k"))
    assert [letter.reason for letter in batch.dead] == ["not_json"] * others.count("no json")
    assert batch.frame["prompt"][1] == read
    assert batch.frame["prompt"].to_list()[2:] == ["\\udc00"] * (len(others) - others.count("no json"))


def test_lines_without_halves_are_left_alone():
    line = json.dumps({"prompt": "\U0001f600 \\ud800 ü \n"}).encode()
    assert whole_characters(line) == line


def test_a_parquet_file_is_repaired_alike(tmp_path):
    rows = [{**GOOD, "request_id": f"r{i}", "end_user_id": "u" * 600, "max_tokens": -i} for i in range(3)]
    schema = {**EXCHANGE_SCHEMA, "ts": pl.Float64()}
    frame = pl.DataFrame(rows, schema={name: schema[name] for name in rows[0]})
    frame.write_parquet(tmp_path / "log.parquet")
    (batch,) = [b for b in FileSource([tmp_path / "log.parquet"]).batches() if b.frame.height]
    assert batch.frame["max_tokens"].to_list() == [0, None, None]
    assert set(batch.frame["end_user_id"]) == set(decoded(rows[0]).frame["end_user_id"])


def test_the_books_say_what_was_repaired(tmp_path):
    log = tmp_path / "log.ndjson"
    log.write_text("\n".join(json.dumps({**GOOD, "request_id": f"r{i}", "n": -1}) for i in range(5)))
    batches = list(FileSource([log], format=Format("auto")).batches())
    assert sum((b.repaired for b in batches), start=type(batches[0].repaired)()) == {"n: negative": 5}
    assert sum(b.read for b in batches) == sum(b.frame.height for b in batches) == 5
