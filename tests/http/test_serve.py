"""The real process on a port of its own: post a world, read its alerts, end it by a signal."""

import json
import socket
import subprocess
import sys

import pytest
from issuing import AUDIENCE, ISSUER, Issuer
from revenuer import Served
from typer.testing import CliRunner

from detector.alerts.store import Store
from detector.alerts.store.forget import Receipt, proves
from detector.cli import app
from detector.simulator.generate import write
from detector.simulator.world import load_world

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    write(load_world("tiny"), folder)
    return folder


@pytest.fixture
def serve():
    """Starts a service; all are ended."""
    running = []

    def start(data, *options, token=""):
        running.append(Served(data, token, {}, *options))
        return running[-1]

    yield start
    for served in running:
        served.kill()


def test_a_posted_world_gives_alerts_that_outlive_the_process(world, tmp_path, serve):
    (tmp_path / "accounts.ndjson").write_bytes((world / "accounts.ndjson").read_bytes())
    served = serve(tmp_path)
    lines = (world / "requests.ndjson").read_bytes().splitlines(keepends=True)
    third = len(lines) // 3
    for part in (lines[:third], lines[third : 2 * third], lines[2 * third :]):
        ack = served.client.post("/v1/ingest", content=b"".join(part)).raise_for_status().json()
        assert ack == {"read": len(part), "accepted": len(part), "duplicates": 0, "dead_lettered": 0, "reasons": {}}
    again = served.client.post("/v1/ingest", content=b"".join(part)).json()
    assert again["duplicates"] == len(part)
    served.settle(len(lines))
    assert served.books()["accepted"] == len(lines)
    found = served.client.get("/v1/alerts?order=worst&severity=high").json()["items"]
    assert found
    account = found[0]["members"][0]["account_id"]
    view = served.client.get(f"/v1/accounts/{account}").json()
    assert view["exchanges"] > 0
    assert found[0]["id"] in view["alerts"]
    given = {"name": "embeddings", "owner": "lab", "expires_at": "2126-01-01T00:00:00Z"}
    for name, known in ((account, True), (f"{account}x", False)):
        answer = served.client.post("/v1/allowances", json=given | {"account_id": name}).raise_for_status()
        assert answer.json()["known"] is known
    erase = ["forget", account, "--url", served.url, "--token", served.token]
    receipt = json.loads(CliRunner().invoke(app, [*erase, "--json"], catch_exceptions=False).stdout)
    assert proves(Receipt(**receipt), account)
    assert served.client.get(f"/v1/accounts/{account}").status_code == 404
    served.end(10)
    assert account not in "".join(served.said + served.errors)
    once_more = serve(tmp_path, token=served.token)
    after = once_more.client.get("/v1/alerts?order=worst&severity=high").json()["items"]
    assert [a["id"] for a in after] == [a["id"] for a in found]
    assert account not in after[0]["accounts"]
    once_more.end(10)


def test_an_inbox_is_read_as_it_grows(world, tmp_path, serve):
    data = (world / "requests.ndjson").read_bytes()[:400_000]
    (tmp_path / "inbox").mkdir()
    growing = tmp_path / "inbox" / "log.ndjson"
    growing.write_bytes(data[:200_001])
    served = serve(tmp_path)
    whole = data[:200_001].count(b"\n")
    served.settle(whole)
    assert served.books()["accepted"] == whole
    with growing.open("ab") as file:
        file.write(data[200_001:])
    served.settle(data.count(b"\n"))
    assert served.books()["accepted"] == data.count(b"\n")
    served.end(10)


def test_it_refuses_to_be_open_without_a_token(tmp_path):
    command = [sys.executable, "-c", "from detector.cli import main; main()", "serve", "--data", str(tmp_path)]
    refused = subprocess.run([*command, "--host", "0.0.0.0"], capture_output=True, text=True, timeout=60, check=False)  # noqa: S104 - refused
    assert refused.returncode == 2
    assert "--new-token" in refused.stderr
    made = subprocess.run([*command, "--new-token", "ops"], capture_output=True, text=True, timeout=60, check=True)
    assert made.stdout.startswith("rvn_")
    narrow = [*command, "--new-token", "gateway", "--scopes", "ingest, read"]
    subprocess.run(narrow, capture_output=True, text=True, timeout=60, check=True)
    wrong = (["--new-token", "x", "--scopes", "injest"], "'injest' is no scope"), (["--scopes", "read"], "--new-token")
    for options, said in wrong:
        refused = subprocess.run([*command, *options], capture_output=True, text=True, timeout=60, check=False)
        assert refused.returncode == 2
        assert said in refused.stderr
    store = Store(f"sqlite:///{tmp_path / 'revenuer.db'}")
    assert [(t.name, t.scopes) for t in store.tokens.all()] == [("ops", ("admin",)), ("gateway", ("read", "ingest"))]
    store.close()


def test_a_port_that_is_taken_is_one_line(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        options = ["serve", "--data", str(tmp_path), "--port", port]
        command = [sys.executable, "-c", "from detector.cli import main; main()", *options]
        refused = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (refused.returncode, refused.stdout) == (2, "")
    (line,) = refused.stderr.splitlines()
    assert port in line
    assert "in use" in line
    store = Store(f"sqlite:///{tmp_path / 'revenuer.db'}")
    assert store.tokens.all() == [], "nobody has seen it, and there is no second first one"
    store.close()


def test_its_start_is_json_where_that_is_asked_for(tmp_path):
    command = [
        sys.executable,
        "-c",
        "from detector.cli import main; main()",
        "serve",
        "--data",
        str(tmp_path),
        "--json",
    ]
    made = subprocess.run([*command, "--new-token", "ops"], capture_output=True, text=True, timeout=60, check=True)
    token = json.loads(made.stdout)
    assert token["name"] == "ops"
    served = Served(tmp_path, token["token"], {}, "--json", ready=False)
    try:
        start = json.loads(served.line(""))
        assert start["token"] is None
        assert start["console"].startswith("http://127.0.0.1:")
        waiting = Served(tmp_path, token["token"], {}, "--standby", "--json", ready=False)
        try:
            assert json.loads(waiting.line("")) == {"standby": str(served.process.pid), "data": str(tmp_path)}
        finally:
            waiting.kill()
    finally:
        served.end(10)


def test_with_an_issuer_of_jwts_it_needs_no_token_of_its_own(tmp_path, serve):
    issuer = Issuer(k1="EdDSA")
    (tmp_path / "jwks.json").write_text(json.dumps(issuer.jwks()))
    config = tmp_path / "revenuer.toml"
    config.write_text(f'[jwt]\njwks = "{tmp_path / "jwks.json"}"\nissuer = "{ISSUER}"\naudience = "{AUDIENCE}"\n')
    options = ("--host", "0.0.0.0", "--config", str(config))  # noqa: S104 - that is what is tried
    served = serve(tmp_path, *options, token=issuer.token())
    served.client.base_url = served.url.replace("0.0.0.0", "127.0.0.1")  # noqa: S104 - the same
    assert served.client.get("/v1/alerts").status_code == 200
    assert served.client.get("/v1/alerts", headers={"Authorization": ""}).status_code == 401
    served.end(10)
    assert "token" not in "".join(served.said + served.errors)
