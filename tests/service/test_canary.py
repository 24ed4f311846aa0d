"""Text of prompts reaches no disk, no log, no metric and no answer: canaries are planted everywhere, and everything is searched."""

import gzip
import html
import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from itertools import pairwise

import polars as pl
import pytest
import zstandard
from canaries import Canaries, written
from planting import planted
from revenuer import Served
from typer.testing import CliRunner

from detector.cli import app
from detector.service.console import FOLDER
from streams.checkpoint import Checkpoints

COMMAND = [sys.executable, "-c", "from detector.cli import main; main()"]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return planted(tmp_path_factory.mktemp("world"))


class Search:
    """What was written and answered, judged at the end, when the skeletons that people may read are known."""

    def __init__(self, canaries):
        self.canaries, self.skeletons, self.seen = canaries, set(), []

    def learn(self, alerts):
        self.skeletons |= {s["text"] for a in alerts for s in a["evidence"].get("skeletons", [])}

    def look(self, name, data, *, whole=True):
        self.seen.append((name, data, whole))

    def folder(self, folder, inputs=()):
        for name, data, whole in written(folder, inputs):
            self.look(name, data, whole=whole)

    def leaks(self):
        # In raw pages and frames a skeleton may stand in pieces: there, only words are looked for that no skeleton may have.
        shown = self.skeletons or {"no skeleton"}
        found = (self.canaries.leaks(name, data, shown if whole else ()) for name, data, whole in self.seen)
        return set().union(*found)

    def names(self):
        return {name for name, _, _ in self.seen}


def environment(folder):
    """Whatever else a process may write, it writes where we look."""
    (folder / "tmp").mkdir()
    settings = {"REVENUER_HASH_KEY": "7", "REVENUER_CHECKPOINT_S": "1", "PYTHONUNBUFFERED": "1"}
    return os.environ | settings | {"TMPDIR": str(folder / "tmp")}


def here(folder, monkeypatch):
    """The same of this process."""
    monkeypatch.setenv("TMPDIR", environment(folder)["TMPDIR"])
    monkeypatch.setattr(tempfile, "tempdir", None)  # it is kept once asked for, and other tests ask as well


def test_the_search_finds_what_is_there(tmp_path):
    canaries = Canaries()
    word, shown = canaries.word("prompt"), canaries.word("template", fixed=True)
    text = f'{{"reason": "bad line: {word.upper()}!", "skeleton": "read the {shown} ⟨num⟩"}}'
    (tmp_path / "plain.ndjson").write_text(text)
    (tmp_path / "packed.gz").write_bytes(gzip.compress(text.encode()))
    (tmp_path / "packed.zst").write_bytes(zstandard.compress(text.encode()))
    pl.DataFrame({"a": [text]}).write_parquet(tmp_path / "table.parquet")
    Checkpoints(tmp_path / "checkpoints").save({"engine": {"names": [[text]], "raw": text.encode()}})
    with closing(sqlite3.connect(tmp_path / "rows.db")) as database:
        database.execute("CREATE TABLE t (body TEXT)")
        database.execute("INSERT INTO t VALUES (?)", (text,))
        database.commit()
    for path in sorted(p for p in tmp_path.rglob("*") if p.is_file()):
        search = Search(canaries)
        search.folder(tmp_path, set(tmp_path.rglob("*")) - {path})
        assert {leak.split(" → ")[0] for leak in search.leaks()} == {"prompt", "template"}, path
        search = Search(canaries)
        search.skeletons = {f"read the {shown} ⟨num⟩"}
        search.folder(tmp_path, set(tmp_path.rglob("*")) - {path})
        assert {leak.split(" → ")[0] for leak in search.leaks()} == {"prompt"}, path
    assert canaries.leaks("page", html.escape(f"<b>{shown}").encode(), {"read the"}) == {"template → page"}


@pytest.mark.slow
def test_a_replay_writes_none_of_it(world, tmp_path):
    env = environment(tmp_path)
    log = tmp_path / "in"
    log.mkdir()
    half = len(world.records) // 2
    lines = world.lines()
    (log / "a.ndjson.gz").write_bytes(gzip.compress(b"\n".join([*lines[:half], *world.broken]) + b"\n", 1))
    (log / "b.ndjson.zst").write_bytes(zstandard.compress(b"\n".join(lines[half:]) + b"\n")[:-9])
    (log / "c.parquet").write_bytes(b"PAR1 " + world.broken[0])
    (log / "accounts.json").write_bytes(world.accounts_broken)
    (log / "events.json").write_bytes(world.events_broken)
    facts = ["--accounts", str(log / "accounts.json"), "--events", str(log / "events.json")]
    logs = [str(log / name) for name in ("a.ndjson.gz", "b.ndjson.zst", "c.parquet")]
    run = [*COMMAND, "replay", *logs, *facts, "--out", str(tmp_path / "out")]
    done = subprocess.run(run, cwd=tmp_path, env=env, capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    (tmp_path / "said").write_bytes(done.stdout + done.stderr)
    alerts = [json.loads(text) for text in (tmp_path / "out" / "alerts.ndjson").read_text().splitlines()]
    search = Search(world.canaries)
    search.learn(alerts)
    search.folder(tmp_path, log.iterdir())
    assert search.leaks() == set()
    counts = json.loads((tmp_path / "out" / "run.json").read_text())["counts"]
    assert counts["facts_refused"] >= 6
    assert counts["dead_lettered"] > 10
    # The control: the farm was found, and the words that all of it share are there to be read.
    assert any(world.canaries.hits(text.encode()) for text in search.skeletons)
    assert any(len(alert["accounts"]) >= 12 for alert in alerts)


def every_get(client, alerts):
    """Every GET of the API with every id that there is, and the console's files."""
    ids = {
        "alert_id": [a["id"] for a in alerts],
        "account_id": [i for a in alerts for i in a["accounts"]] + ["acct-broken"],
        "recommendation_id": [r["id"] for a in alerts if (r := a["recommendation"])],
        "number": ["1"],
    }
    for path, operations in client.get("/openapi.json").json()["paths"].items():
        if "get" not in operations or path == "/v1/alerts/stream":
            continue
        names = re.findall(r"{(\w+)}", path)
        for value in ids[names[0]] if names else [""]:
            yield path.replace(f"{{{names[0]}}}", value) if names else path
    for name in ids["recommendation_id"]:
        yield from (f"/v1/recommendations/{name}?format={way}" for way in ("litellm", "kong", "envoy", "ietf"))
    yield from ("/openapi.json", "/", "/console/", "/v1/alerts?severity=low&merged=true", "/v1/alerts?order=worst")
    yield from (f"/console/{path.name}" for path in FOLDER.iterdir())


def litellm(canaries, ts):
    """A payload of LiteLLM with canaries in its texts, and one that is cut off."""
    word = canaries.word
    whole = {
        "id": "req-litellm",
        "call_type": "acompletion",
        "startTime": ts,
        "endTime": ts + 1,
        "status": "failure",
        "model": "sage-3",
        "messages": [{"role": "user", "content": word("messages of LiteLLM")}],
        "response": {"choices": [{"message": {"content": word("an answer of LiteLLM")}}]},
        "error_str": word("an error of LiteLLM"),
        "error_information": {"error_code": word("an error of LiteLLM"), "traceback": word("an error of LiteLLM")},
        "metadata": {"user_api_key_user_id": "acct-litellm", "requester_metadata": {"note": word("metadata")}},
        "request_tags": [word("a tag")],
        "proxy_server_request": {"body": word("a body")},
    }
    odd = {**whole, "id": "req-odd", "messages": {"content": word("messages of LiteLLM")}, "startTime": word("no time")}
    return [json.dumps([whole, odd]).encode(), json.dumps([whole]).encode()[:-9]]


@pytest.mark.slow
def test_the_service_writes_and_answers_none_of_it(world, tmp_path, monkeypatch):
    data = tmp_path / "data"
    here(tmp_path, monkeypatch)
    (data / "inbox").mkdir(parents=True)
    inputs = [data / name for name in ("accounts.ndjson", "events.ndjson")]
    for path, content in zip(inputs, (world.accounts, world.events), strict=True):
        path.write_bytes(content)
    inputs += [data / "inbox" / name for name in ("log.ndjson", "more.ndjson.gz", "none.parquet")]
    search, lines = Search(world.canaries), world.lines()
    # A skeleton is learnt from a batch after the one in which its alert opened.
    cuts = [0, 6 * len(lines) // 10, 8 * len(lines) // 10, len(lines)]
    parts = [b"\n".join(lines[start:stop]) + b"\n" for start, stop in pairwise(cuts)]
    served = Served(data, "", {"checkpoint_s": 1}, cwd=tmp_path, forked=True)
    try:
        for part, more in zip(parts[:2], (world.broken[:-1], world.broken[-1:]), strict=True):
            body = zstandard.compress(part + b"\n".join(more))
            answer = served.client.post("/v1/ingest", content=body, headers={"Content-Encoding": "zstd"})
            assert answer.status_code == 202, answer.text
            search.look("POST /v1/ingest", answer.content)
            search.folder(tmp_path, inputs)  # the journal is there
        assert any("journal" in name for name in search.names())
        for body in litellm(world.canaries, world.records[-1]["ts"]):
            search.look("POST /v1/ingest", served.client.post("/v1/ingest", content=body).content)
        for encoding in ("gzip", "zstd", "br"):
            answer = served.client.post("/v1/ingest", content=lines[0], headers={"Content-Encoding": encoding})
            assert answer.status_code in {415, 422}
            search.look("POST /v1/ingest", answer.content)
        (data / "inbox" / "none.parquet").write_bytes(b"PAR1 " + lines[0])
        (data / "inbox" / "log.ndjson").write_bytes(parts[2] + b"\n".join(world.broken) + b"\n")
        (data / "inbox" / ".more").write_bytes(gzip.compress(parts[2] + b"\n".join(world.broken[:-1]))[:-9])
        (data / "inbox" / ".more").rename(inputs[-2])
        served.settle(len(lines))
        alerts = served.client.get("/v1/alerts?limit=200&merged=true").json()["items"]
        search.learn(alerts)
        assert any(world.canaries.hits(text.encode()) for text in search.skeletons)
        for path in every_get(served.client, alerts):
            answer = served.client.get(path)
            search.look(f"GET {path}", answer.content + str(answer.headers).encode())
        with served.client.stream("GET", "/v1/alerts/stream?after=0") as stream:
            search.look("GET /v1/alerts/stream", next(stream.iter_raw(1 << 10)))
        search.look("GET /metrics", served.client.get("/metrics").content)
        before = set((data / "checkpoints").glob("*.checkpoint"))
        for number in range(200):
            if set((data / "checkpoints").glob("*.checkpoint")) - before:
                break
            served.client.post("/v1/ingest", content=b'{"prompt": %d}' % number)
            time.sleep(0.1)
        assert set((data / "checkpoints").glob("*.checkpoint")) - before
        search.folder(tmp_path, inputs)
        served.end(20)
    finally:
        served.kill()
    search.folder(tmp_path, inputs)
    search.look("stdout", "".join(served.said).encode())
    search.look("stderr", "".join(served.errors).encode())
    assert search.leaks() == set()
    for kind in (
        "dead_letter.ndjson",
        "revenuer.db unpacked",
        ".checkpoint unpacked",
        "stdout",
        "stderr",
        "/v1/clusters/",
    ):
        assert any(kind in name for name in search.names()), kind


def test_what_is_said_of_bad_account_and_event_lines_is_none_of_them(world, tmp_path):
    search, inputs = Search(world.canaries), []
    log = tmp_path / "log.ndjson"
    log.write_text(json.dumps({"ts": 1772000000, "request_id": "r", "account_id": "a", "model": "m"}) + "\n")
    for name, content in (("accounts.ndjson", world.accounts_broken), ("events.ndjson", world.events_broken)):
        kind = name.partition(".")[0]
        inputs.append(tmp_path / name)
        inputs[-1].write_bytes(content)
        done = CliRunner().invoke(
            app, ["replay", str(log), f"--{kind}", str(inputs[-1]), "--out", str(tmp_path / kind)]
        )
        assert done.exit_code == 0
        assert name in done.stderr
        search.look("said", done.output.encode())
        search.folder(tmp_path, [log, *inputs])
    assert search.leaks() == set()
