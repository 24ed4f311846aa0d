"""Foreign records through files, Kafka values, posted bodies, the inbox and the command."""

import gzip
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import zstandard
from typer.testing import CliRunner

from detector.cli import app
from detector.service.http.metrics import Metrics
from detector.service.http.routers.ingest import _take
from detector.service.http.state import Limits
from detector.service.inbox import Inbox
from streams.adapters.reader import Format
from streams.decode import Origin
from streams.sources.files import FileSource
from streams.sources.kafka import read_values

FIXTURES = Path(__file__).parent / "fixtures"
NATIVE = b'{"ts": 1780000000, "request_id": "r", "account_id": "a", "model": "m"}\n'


def test_a_folder_of_several_formats_in_several_packings(tmp_path):
    (tmp_path / "a.ndjson").write_bytes((FIXTURES / "litellm.ndjson").read_bytes())
    (tmp_path / "b.gz").write_bytes(gzip.compress((FIXTURES / "bedrock.ndjson").read_bytes()))
    (tmp_path / "c.zst").write_bytes(zstandard.ZstdCompressor().compress((FIXTURES / "kong.ndjson").read_bytes()))
    (tmp_path / "d.ndjson").write_bytes(NATIVE + b"not json\n")
    batches = list(FileSource([tmp_path]).batches())
    assert sum(b.frame.height for b in batches) == 5 + 10 + 2 + 1
    assert [(Path(d.source).name, d.position) for b in batches for d in b.dead] == [("d.ndjson", 2)]
    assert sum(b.read for b in batches) == 19
    assert sum(b.skipped for b in batches) == 1
    times = [t for b in batches if b.frame.height for t in b.frame["ts"]]
    assert times == sorted(times)


def test_small_chunks_give_the_same():
    path = FIXTURES / "bedrock.ndjson"
    whole, small = (
        [r for b in FileSource([path], batch_bytes=size).batches() for r in b.frame["request_id"]]
        for size in (1 << 20, 100)
    )
    assert whole == small
    assert len(whole) == 10


def test_a_first_line_longer_than_a_look_still_tells_its_time(tmp_path):
    early = json.loads((FIXTURES / "otel_spans.ndjson").read_bytes().splitlines()[0])
    early["padding"] = "x" * 300_000
    (tmp_path / "z.ndjson").write_bytes(json.dumps(early).encode() + b"\n")
    (tmp_path / "a.ndjson").write_bytes(NATIVE.replace(b"1780000000", b"1796000000"))
    batches = [b.frame for b in FileSource([tmp_path], format=Format("auto", "tenant.id")).batches() if b.frame.height]
    assert [t for f in batches for t in f["account_id"]] == ["acct-1001"] * 4 + ["a"]


def test_values_of_a_topic():
    litellm = (FIXTURES / "litellm.ndjson").read_bytes().splitlines()
    otel = (FIXTURES / "otel_spans.ndjson").read_bytes().splitlines()[0]
    pretty = json.dumps(json.loads(litellm[0]), indent=1).encode()
    read = Format("auto", None).mixed()
    batch, _ = read_values([litellm[1], b"  ", otel, None, pretty], Origin("t/0", 0, b"key"), read)
    assert batch.frame.height == 2
    assert [(d.position, d.reason) for d in batch.dead] == [
        (1, "not_object"),
        *[(2, "missing_field")] * 4,
        (3, "not_object"),
    ]
    assert {d.length for d in batch.dead if d.position == 2} == {len(otel)}
    assert batch.read == 8


@pytest.mark.parametrize("posted", ["lines", "array"])
@pytest.mark.parametrize(("name", "count"), [("litellm", 5), ("bedrock", 10), ("kong", 2)])
def test_a_posted_body(posted, name, count):
    taken = []
    state = SimpleNamespace(
        limits=Limits(),
        digest_key=b"k",
        format=Format(),
        metrics=Metrics(),
        detector=SimpleNamespace(submit=taken.append),
    )
    lines = (FIXTURES / f"{name}.ndjson").read_bytes().splitlines()
    _take(state, b"\n".join(lines) if posted == "lines" else b"[" + b",".join(lines) + b"]", None)
    assert [batch.frame.height for batch in taken] == [count]


def test_an_inbox_takes_foreign_files_and_stays_with_their_format(tmp_path):
    lines = (FIXTURES / "litellm.ndjson").read_bytes().splitlines(keepends=True)
    path, inbox = tmp_path / "calls.ndjson", Inbox(tmp_path)
    path.write_bytes(lines[0])
    first = list(inbox.batches())
    with path.open("ab") as file:
        file.writelines([b"{}\n", *lines[1:]])
    (tmp_path / "old.gz").write_bytes(gzip.compress((FIXTURES / "bedrock.ndjson").read_bytes()))
    second = list(inbox.batches())
    assert [b.frame.height for b in (*first, *second)] == [1, 4, 10]
    assert [(d.position, d.reason) for b in second for d in b.dead] == [(2, "missing_field")]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--format", "litelm"], "litelm is no format"),
        (["--format", "none.yaml"], "none.yaml: No such file"),
    ],
)
def test_the_command_refuses_a_format_that_is_none(tmp_path, options, message):
    answer = CliRunner().invoke(app, ["replay", str(FIXTURES / "kong.ndjson"), "--out", str(tmp_path), *options])
    assert answer.exit_code == 2
    assert message in answer.output
