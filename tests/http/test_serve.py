"""The real process on a port of its own: post a world, read its alerts, end it by a signal."""

import json
import os
import signal
import subprocess
import sys
import time

import httpx
import pytest
from issuing import AUDIENCE, ISSUER, Issuer

from detector.simulator.generate import write
from detector.simulator.world import load_world

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    write(load_world("tiny"), folder)
    return folder


class Served:
    """A running `revenuer serve`."""

    def __init__(self, data, *options):
        env = os.environ | {"REVENUER_HASH_KEY": "7", "PYTHONUNBUFFERED": "1"}
        command = [sys.executable, "-c", "from detector.cli import main; main()", "serve", "--data", str(data)]
        command += ["--port", "0", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
        self.secret = None
        self.url = self._line("console: ").removesuffix("/console/")
        self.client = httpx.Client(base_url=self.url, timeout=30)

    def _line(self, start):
        line = self.process.stdout.readline()
        assert line.startswith(start), line + (self.process.stderr.read() if self.process.poll() is not None else "")
        return line.removeprefix(start).strip()

    def token(self):
        self.client.headers["Authorization"] = f"Bearer {self._line('token: ')}"

    def settle(self):
        for _ in range(1200):
            text = self.client.get("/metrics").text
            if "\nrevenuer_lag_records 0.0" in text:
                return text
            time.sleep(0.1)
        raise AssertionError("records still wait")

    def end(self):
        self.client.close()
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, time.monotonic() - started, out + err


@pytest.fixture
def serve():
    running = []

    def start(data, *options):
        running.append(Served(data, *options))
        return running[-1]

    yield start
    for served in running:
        served.client.close()
        if served.process.poll() is None:
            served.process.kill()
        served.process.communicate()


def test_a_posted_world_gives_alerts_that_outlive_the_process(world, tmp_path, serve):
    (tmp_path / "accounts.ndjson").write_bytes((world / "accounts.ndjson").read_bytes())
    served = serve(tmp_path)
    served.token()
    lines = (world / "requests.ndjson").read_bytes().splitlines(keepends=True)
    third = len(lines) // 3
    for part in (lines[:third], lines[third : 2 * third], lines[2 * third :]):
        ack = served.client.post("/v1/ingest", content=b"".join(part)).raise_for_status().json()
        assert ack == {"read": len(part), "accepted": len(part), "duplicates": 0, "dead_lettered": 0}
    again = served.client.post("/v1/ingest", content=b"".join(part)).json()
    assert again["duplicates"] == len(part)
    metrics = served.settle()
    assert f'revenuer_exchanges_total{{outcome="accepted"}} {len(lines)}.0' in metrics
    found = served.client.get("/v1/alerts?order=worst&severity=high").json()["items"]
    assert found
    account = found[0]["members"][0]["account_id"]
    view = served.client.get(f"/v1/accounts/{account}").json()
    assert view["exchanges"] > 0
    assert found[0]["id"] in view["alerts"]
    served.client.delete(f"/v1/accounts/{account}").raise_for_status()
    assert served.client.get(f"/v1/accounts/{account}").status_code == 404
    code, seconds, said = served.end()
    assert (code, seconds < 10) == (0, True), said
    assert account not in said
    once_more = serve(tmp_path)
    once_more.client.headers = served.client.headers
    after = once_more.client.get("/v1/alerts?order=worst&severity=high").json()["items"]
    assert [a["id"] for a in after] == [a["id"] for a in found]
    assert account not in after[0]["accounts"]
    assert once_more.end()[0] == 0


def test_an_inbox_is_read_as_it_grows(world, tmp_path, serve):
    data = (world / "requests.ndjson").read_bytes()[:400_000]
    (tmp_path / "inbox").mkdir()
    growing = tmp_path / "inbox" / "log.ndjson"
    growing.write_bytes(data[:200_001])
    served = serve(tmp_path)
    whole = data[:200_001].count(b"\n")
    expect(served, whole)
    with growing.open("ab") as file:
        file.write(data[200_001:])
    expect(served, data.count(b"\n"))
    assert served.end()[0] == 0


def expect(served, records):
    for _ in range(600):
        text = served.client.get("/metrics").text
        if f'revenuer_exchanges_total{{outcome="accepted"}} {records}.0' in text:
            return
        time.sleep(0.1)
    raise AssertionError(f"not {records}: {text[:600]}")


def test_it_refuses_to_be_open_without_a_token(tmp_path):
    command = [sys.executable, "-c", "from detector.cli import main; main()", "serve", "--data", str(tmp_path)]
    refused = subprocess.run([*command, "--host", "0.0.0.0"], capture_output=True, text=True, timeout=60, check=False)  # noqa: S104 - refused
    assert refused.returncode == 2
    assert "--new-token" in refused.stderr
    made = subprocess.run([*command, "--new-token", "ops"], capture_output=True, text=True, timeout=60, check=True)
    assert made.stdout.startswith("rvn_")


def test_with_an_issuer_of_jwts_it_needs_no_token_of_its_own(tmp_path, serve):
    issuer = Issuer(k1="EdDSA")
    (tmp_path / "jwks.json").write_text(json.dumps(issuer.jwks()))
    config = tmp_path / "revenuer.toml"
    config.write_text(f'[jwt]\njwks = "{tmp_path / "jwks.json"}"\nissuer = "{ISSUER}"\naudience = "{AUDIENCE}"\n')
    served = serve(tmp_path, "--host", "0.0.0.0", "--config", str(config))  # noqa: S104 - that is what is tried
    served.client.base_url = served.url.replace("0.0.0.0", "127.0.0.1")  # noqa: S104 - the same
    assert served.client.get("/v1/alerts").status_code == 401
    person = {"Authorization": f"Bearer {issuer.token()}"}
    assert served.client.get("/v1/alerts", headers=person).status_code == 200
    code, _, said = served.end()
    assert (code, "token" in said) == (0, False)
