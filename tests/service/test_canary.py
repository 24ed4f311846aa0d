"""Text of prompts reaches no disk, no log, no metric and no answer: canaries are planted everywhere, and everything is searched."""

import gzip
import html
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from concurrent.futures import ThreadPoolExecutor

import httpx
import polars as pl
import pytest
import zstandard
from canaries import Canaries, written
from planting import planted

from detector.service.console import FOLDER
from streams.checkpoint import Checkpoints

COMMAND = [sys.executable, "-c", "from detector.cli import main; main()"]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return planted(tmp_path_factory.mktemp("world"))


class Search:
    """What was found; what people are meant to read is gone through with its skeletons cut out."""

    def __init__(self, canaries):
        self.canaries, self.leaks, self.skeletons, self.searched = canaries, set(), set(), 0

    def learn(self, alerts):
        self.skeletons |= {s["text"] for a in alerts for s in a["evidence"].get("skeletons", [])}

    def look(self, name, data):
        self.searched += 1
        self.leaks |= self.canaries.leaks(name, data, self.skeletons or {"no skeleton yet"})

    def folder(self, folder, inputs=()):
        for name, data, whole in written(folder, inputs):
            self.searched += 1
            # In raw pages and frames a skeleton may stand in pieces.
            self.leaks |= self.canaries.leaks(name, data, (self.skeletons or {"no skeleton yet"}) if whole else ())


def environment(folder):
    """Whatever else a process may write, it writes where we look."""
    (folder / "tmp").mkdir()
    settings = {"REVENUER_HASH_KEY": "7", "REVENUER_CHECKPOINT_S": "1", "PYTHONUNBUFFERED": "1"}
    return os.environ | settings | {"TMPDIR": str(folder / "tmp")}


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
        assert {leak.split(" → ")[0] for leak in search.leaks} == {"prompt", "template"}, path
        search = Search(canaries)
        search.skeletons = {f"read the {shown} ⟨num⟩"}
        search.folder(tmp_path, set(tmp_path.rglob("*")) - {path})
        assert {leak.split(" → ")[0] for leak in search.leaks} == {"prompt"}, path
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
    for name, more in (("out", []), ("out-json", ["--json", "--until", "2026-03-02T03:00:00Z"])):
        run = [*COMMAND, "replay", *logs, *facts, "--out", str(tmp_path / name), *more]
        done = subprocess.run(run, cwd=tmp_path, env=env, capture_output=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr.decode()
        alerts = [json.loads(text) for text in (tmp_path / name / "alerts.ndjson").read_text().splitlines()]
        search = Search(world.canaries)
        search.learn(alerts)
        search.folder(tmp_path, log.iterdir())
        search.look("stdout", done.stdout)
        search.look("stderr", done.stderr)
        assert search.leaks == set()
        counts = json.loads((tmp_path / name / "run.json").read_text())["counts"]
        assert counts["facts_refused"] >= 6
        if name == "out":
            # The control: the farm was found, and the words that all of it share are there to be read.
            assert counts["dead_lettered"] > 10
            assert any(world.canaries.hits(text.encode()) for text in search.skeletons)
            assert any(len(a["accounts"]) >= 12 for a in alerts)


class Served:
    """`revenuer serve` as its own process."""

    def __init__(self, data, env):
        run = [*COMMAND, "serve", "--data", str(data), "--port", "0"]
        self.out, self.err = (data.parent / name for name in ("stdout", "stderr"))
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(run, cwd=data.parent, env=env, stdout=out, stderr=err)
        for _ in range(600):
            said = self.out.read_text().splitlines()
            if len(said) >= 2 or self.process.poll() is not None:
                break
            time.sleep(0.1)
        assert len(said) >= 2, self.err.read_text()
        url = said[0].removeprefix("console: ").removesuffix("/console/")
        token = said[1].removeprefix("token: ")
        self.client = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60)

    def wait(self, accepted):
        for _ in range(600):
            text = self.client.get("/metrics").text
            if f'_exchanges_total{{outcome="accepted"}} {accepted}.0' in text and "_lag_records 0.0" in text:
                return
            time.sleep(0.1)
        pytest.fail(f"{accepted} records were not taken in: {text}")

    def end(self):
        self.client.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode


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
    yield from (f"/v1/recommendations?format={name}" for name in ("litellm", "kong", "envoy", "ietf"))
    yield from ("/openapi.json", "/", "/console/", "/v1/alerts?severity=low&merged=true", "/v1/alerts?order=worst")
    yield from (f"/console/{path.name}" for path in FOLDER.iterdir())
