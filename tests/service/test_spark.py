"""A replay on Spark: the results of a local one, text that stays on executors, and a clear word where there is no Spark.

What executors run is plain functions, which are tested without Spark too.
"""

import gzip
import io
import json
import shutil

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from detector.cli import app
from detector.coordination.keys import SYSTEM, TEMPLATE
from detector.profiles.capability import CapabilityModel
from detector.profiles.columns import Keys, digest
from detector.service.skeletons import Shared
from detector.service.spark import tasks
from detector.service.spark.packed import opened, pack, unpack
from detector.service.spark.session import NoSparkError, check, session
from detector.service.spark.skeletons import FarSkeletons
from detector.simulator.generate import write
from detector.simulator.world import load_world
from streams.adapters.reader import Format
from streams.sources import SourceError

KEYS = Keys(5, 7)
BAD = (b"no json\n", b'{"ts": 1, "request_id": "x"}\n', b"[1]\n")
WRAPPER = "You are a careful teacher of small models, so explain each step: {} And then give only the final answer"


@pytest.fixture(scope="module")
def spark():
    """One session for all tests of this file; its Java process is gone afterwards."""
    try:
        check()
    except NoSparkError as missing:
        pytest.skip(str(missing))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_MASTER", "local[2]")
        with session() as made:
            java = type(made.sparkContext)._gateway.proc
            yield made
    assert java.poll() is not None


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    write(load_world("tiny"), folder)
    return folder


@pytest.fixture(scope="module")
def logs(world, tmp_path_factory):
    """The log in four files that overlap in time, one of them packed and one in Parquet, with duplicates and bad lines."""
    folder = tmp_path_factory.mktemp("logs")
    lines = (world / "requests.ndjson").read_bytes().splitlines(keepends=True)
    cut = len(lines) // 3
    first, rest = lines[:cut], lines[cut:]
    (folder / "z.ndjson").write_bytes(b"".join([*first[:100], *BAD, *first[100:], *first[10:40]]))
    (folder / "a.ndjson.gz").write_bytes(gzip.compress(b"".join([*rest[::3], BAD[0]])))
    (folder / "m.ndjson").write_bytes(b"".join([*rest[1::3], *rest[:50]]))
    pl.read_ndjson(io.BytesIO(b"".join(rest[2::3])), infer_schema_length=None).write_parquet(folder / "p.parquet")
    return folder


def replayed(log, out, world, *more):
    args = ["replay", str(log), "--accounts", str(world / "accounts.ndjson"), "--out", str(out), "--json", *more]
    # Small chunks: several of each file.
    result = CliRunner().invoke(app, args, env={"REVENUER_HASH_KEY": "12345", "REVENUER_BATCH_MB": "1"})
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def assert_same(one, two):
    for name in ("alerts.ndjson", "recommendations.ndjson", "dead_letter.ndjson"):
        assert (one / name).read_bytes() == (two / name).read_bytes(), name
    for name in ("accounts.parquet", "clusters.parquet"):
        assert pl.read_parquet(one / name).equals(pl.read_parquet(two / name)), name


@pytest.mark.slow
def test_everything_is_that_of_a_local_replay(spark, world, logs, tmp_path):  # noqa: ARG001 - the session that the replay finds
    local = replayed(logs, tmp_path / "local", world)
    far = replayed(logs, tmp_path / "far", world, "--engine", "spark")
    assert_same(tmp_path / "local", tmp_path / "far")
    for part in ("counts", "event_time", "unavailable_features"):
        assert local[part] == far[part]
    counts = far["counts"]
    assert counts["read"] == counts["accepted"] + counts["duplicates"] + counts["dead_lettered"]
    assert (counts["duplicates"], counts["dead_lettered"]) == (80, 4)
    told = [json.loads(line) for line in (tmp_path / "far" / "alerts.ndjson").read_text().splitlines()]
    assert any(skeleton["text"] for alert in told for skeleton in alert["evidence"].get("skeletons", ()))


@pytest.mark.slow
def test_a_part_of_a_log_without_text_gives_the_same_too(spark, world, tmp_path):  # noqa: ARG001 - the session that the replay finds
    log = pl.read_ndjson(world / "requests.ndjson", infer_schema_length=None).drop("prompt", "system_prompt")
    log.write_ndjson(tmp_path / "bare.ndjson")
    span = ["--since", "2026-03-02T12:00:00Z", "--until", "2026-03-03T18:00:00Z"]
    local = replayed(tmp_path / "bare.ndjson", tmp_path / "local", world, *span)
    far = replayed(tmp_path / "bare.ndjson", tmp_path / "far", world, *span, "--engine", "spark")
    assert_same(tmp_path / "local", tmp_path / "far")
    assert far["counts"] == local["counts"]
    assert far["counts"]["skipped"] > 0
    assert "top_template_share" in far["unavailable_features"]


@pytest.mark.slow
def test_what_a_worker_cannot_read_ends_the_command_with_one_line(spark, tmp_path):  # noqa: ARG001 - the session that the replay finds
    pl.DataFrame({"ts": [1.7e9]}).write_parquet(tmp_path / "poor.parquet")
    args = ["replay", str(tmp_path / "poor.parquet"), "--out", str(tmp_path / "o"), "--engine", "spark"]
    result = CliRunner().invoke(app, args)
    assert result.exit_code == 2
    assert result.stderr == f"revenuer: {tmp_path / 'poor.parquet'}: required column request_id is missing\n"


@pytest.mark.parametrize("missing", ["pyspark", "java"])
def test_without_spark_or_java_one_line_says_what_is_missing(tmp_path, monkeypatch, missing):
    found = {"pyspark": None, "java": object()}[missing]
    monkeypatch.setattr("detector.service.spark.session.find_spec", lambda _: found)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    result = CliRunner().invoke(app, ["replay", str(tmp_path), "--out", str(tmp_path / "o"), "--engine", "spark"])
    assert result.exit_code == 2
    said = {
        "pyspark": "--engine spark needs Spark: pip install 'revenuer[spark]'",
        "java": f"--engine spark needs Java 17 or newer: none in {tmp_path} (JAVA_HOME)",
    }
    assert result.stderr == f"revenuer replay: {said[missing]}\n"
    assert not (tmp_path / "o").exists()


def own(word, i):
    """A word of one exchange: with digits in it, it would be masked like those of all others."""
    return f"{word}{chr(97 + i // 26)}{chr(97 + i % 26)} is my own word for this house"


def record(i, **more):
    return {"ts": 1.7e9 + i, "request_id": f"r{i}", "account_id": f"a{i % 7}", "model": "m"} | more


def job(*paths, version=None):
    return tasks.Job(tuple(map(str, paths)), "/", 1 << 20, Format(), KEYS, version or tasks.version("revenuer"))


def numbers(*found):
    return iter([pa.RecordBatch.from_pydict({"id": pa.array(found, pa.int64())})])


def rows(batches):
    return [row for batch in batches for row in batch.to_pylist()]


@pytest.fixture
def log(tmp_path):
    """Records out of order, of which each prompt and system prompt has a word of its own."""
    made = [
        record(i, prompt=WRAPPER.format(own("secretive", i)), system_prompt=own("hidden", i), end_user_id="u")
        for i in range(40)
    ]
    made[3].pop("prompt")
    path = tmp_path / "log.ndjson"
    path.write_text("".join(json.dumps(each) + "\n" for each in [*made[5:], *made[:5]]))
    return path


def test_a_digest_is_the_same_after_its_journey_whatever_was_left_out(log):
    [chunk] = [row for row in rows(tasks.digested(job(log), numbers(0))) if row["rows"]]
    frame = opened(chunk["rows"], 0, chunk["chunk"])
    kept = np.flatnonzero(np.arange(40) % 3 > 0)
    found = unpack(pl.concat([frame[kept[:11].tolist()], frame[kept[11:].tolist()]]))
    source = job(log).source(0)
    whole = next(source.chunks(log)).frame.sort("ts", maintain_order=True)
    wanted = digest(whole[kept.tolist()], CapabilityModel.load(), KEYS)
    assert np.array_equal(found.digested.ident, wanted.ident)
    for name, one, two in zip(wanted.columns._fields, found.digested.columns, wanted.columns, strict=True):
        assert one.dtype == two.dtype, name
        assert one.flags.writeable, name
        assert one.flags.c_contiguous, name
        assert np.array_equal(one, two), name
    present = {name for name in whole.columns if whole[name].null_count() < whole.height}
    assert set(found.fields) == present
    assert found.frame["row"].to_list() == kept.tolist()


def test_nothing_that_leaves_an_executor_holds_text(log):
    sent = rows(tasks.digested(job(log), numbers(0)))
    seen = b""
    for row in sent:
        if row["rows"]:
            sent_rows = pa.ipc.open_file(row["rows"])
            for batch in map(sent_rows.get_batch, range(sent_rows.num_record_batches)):
                seen += b"".join(bytes(b) for column in batch.columns for b in column.buffers() if b is not None)
        seen += row["dead"] or b""
    assert b"r39" in seen
    for word in (b"secretive", b"hidden", b"careful", b"house"):
        assert word not in seen


@pytest.mark.parametrize(("retention", "found"), [("zero", 0), ("normal", 1)])
def test_of_zero_retention_no_words_are_asked_for(tmp_path, retention, found):
    made = [record(i, prompt=WRAPPER.format(own("x", i)), retention=retention) for i in range(7)]
    (tmp_path / "log.ndjson").write_text("".join(json.dumps(each) + "\n" for each in made))
    [chunk] = [row["rows"] for row in rows(tasks.digested(job(tmp_path / "log.ndjson"), numbers(0))) if row["rows"]]
    there = unpack(opened(chunk, 0, 0))
    bank = FarSkeletons(fetch=lambda asked: [""] * len(asked))
    bank.want(TEMPLATE, int(there.digested.columns.suffix[0]))
    bank.look(there.frame, there.digested.columns, [np.arange(7)])
    assert len(bank.asked) == found


def asks(log):
    frame = opened(next(r["rows"] for r in rows(tasks.digested(job(log), numbers(0))) if r["rows"]), 0, 0)
    columns = unpack(frame).digested.columns
    places = tuple((0, 0, row) for row in (5, 9, 14, 20, 30))
    return [
        tasks.Ask(TEMPLATE, int(columns.suffix[5]), places),
        tasks.Ask(SYSTEM, int(columns.system[5] >> np.uint64(32)), places),
    ]


def test_of_texts_only_what_all_of_them_share_comes_back(log):
    told = {row["ask"]: row["words"] for row in rows(tasks.words(job(log), [list(enumerate(asks(log)))], numbers(0)))}
    assert "careful teacher" in told[0]
    assert "secretive" not in told[0]
    # That system prompt is one exchange's own: the others do not have it, and nothing of it is said.
    assert told[1] == ""


@pytest.mark.parametrize("how", ["changed", "shorter", "gone"])
def test_a_file_that_is_no_more_what_it_was_shows_nothing(log, how):
    asked = asks(log)[:1]
    if how == "changed":
        log.write_text("".join(json.dumps(record(i, prompt=f"a note of my own {i}")) + "\n" for i in range(40)))
    elif how == "shorter":
        log.write_text(json.dumps(record(0, prompt=WRAPPER.format("x"))) + "\n")
    else:
        log.unlink()
    assert rows(tasks.words(job(log), [list(enumerate(asked))], numbers(0))) == [{"ask": 0, "words": ""}]


def test_words_are_fetched_once_when_they_are_read_and_only_of_what_was_found_by_then():
    fetched = []

    def fetch(asked):
        fetched.append([ask.key for ask in asked])
        return ["some words" for _ in asked]

    bank = FarSkeletons(fetch=fetch)
    assert bank.shown([Shared(TEMPLATE, 1, 9), Shared(TEMPLATE, 2, 8)]) == []
    assert bank.wanted == {(TEMPLATE, 1), (TEMPLATE, 2)}
    frame = pl.DataFrame({"file": [0] * 6, "chunk": [0] * 6, "row": range(6)})
    assert bank.has_texts(frame)
    bank.found[TEMPLATE, 1] = bank.fixed_words(frame, TEMPLATE, 1, np.arange(6))
    shown = bank.shown([Shared(TEMPLATE, 1, 9), Shared(TEMPLATE, 2, 8)])
    bank.found[TEMPLATE, 2] = bank.fixed_words(frame, TEMPLATE, 2, np.arange(5))
    assert fetched == []
    assert shown.get() == [{"text": "some words", "kind": "template", "accounts": 9}]
    bank.settle()
    assert fetched == [[1, 2]]


def test_an_error_on_an_executor_says_its_type_and_place_and_no_text(log, monkeypatch):
    def broken(*_):
        raise ValueError("secretive words of a prompt")

    monkeypatch.setattr(tasks, "digest", broken)
    with pytest.raises(tasks.TaskError, match=r"^ValueError at test_spark\.py:\d+$") as caught:
        rows(tasks.digested(job(log), numbers(0)))
    assert caught.value.__suppress_context__


def test_what_one_executor_cannot_read_is_told_of_its_file(log, tmp_path):
    shutil.copy(log, tmp_path / "gone.ndjson")
    both = job(log, tmp_path / "gone.ndjson")
    (tmp_path / "gone.ndjson").unlink()
    told = rows(tasks.digested(both, numbers(0, 1)))
    assert {row["file"]: row["error"] for row in told} == {
        0: None,
        1: f"{tmp_path / 'gone.ndjson'}: no such file, folder or pattern",
    }
    with pytest.raises(SourceError, match=r"revenuer 0\.0 on the driver, "):
        job(log, version="0.0").source(0)


def test_a_packed_chunk_is_nearly_as_small_as_its_hashes(log):
    frame = next(job(log).source(0).chunks(log)).frame
    assert len(pack(frame, digest(frame, CapabilityModel.load(), KEYS))) < 600 * frame.height + 8_000
