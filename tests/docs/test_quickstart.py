"""The commands of the quickstart run as they stand there, but for addresses, the token and the broker."""

import json
import os
import re
import shutil
import signal
import subprocess
import sysconfig
import time
import urllib.request
import venv
from pathlib import Path

import pytest
from broker import broker
from running import free_port

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "quickstart.md").read_text()
HEREDOC = re.compile(r"<<'(\w+)'$")


def commands() -> list[str]:
    """Commands of all blocks; a here-document belongs to the one that it is for."""
    found = []
    for block in re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL):
        lines = iter(block.splitlines())
        for line in lines:
            command = line
            if here := HEREDOC.search(line):
                for more in lines:
                    command += f"\n{more}"
                    if more == here[1]:
                        break
            found.append(command)
    return found


def index(part: str) -> int:
    (at,) = [i for i, command in enumerate(commands()) if part in command]
    return at


def test_it_takes_at_most_ten_commands_to_a_triaged_alert():
    assert commands()[0] == "pip install ."
    assert index("/triage") < 10


def test_links_lead_to_files():
    assert [p for p in re.findall(r"\]\((?!http)([^)#]+)", PAGE) if not (ROOT / "docs" / p).is_file()] == []


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """A new environment that borrows the libraries of this one, and this checkout's compiled kernels."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("REVENUER_", "PYTHONPATH", "VIRTUAL_ENV"))}
    return folder, plain | {"PATH": path, "PYTHONUNBUFFERED": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def bash(script, folder, env, timeout=300):
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None or shutil.which("bash") is None, reason="curl or bash is not here")
def test_every_command_runs(tmp_path, environment):
    folder, env = environment
    install, run, simulate, produce, serve, *asked = commands()
    assert run.startswith("docker run ")
    bash(install, ROOT, env)
    assert (folder / "bin" / "revenuer").is_file()
    env = env | {"PYTHONPATH": str(ROOT), "REVENUER_HASH_KEY": "7"}
    port = free_port()
    with broker() as address:
        for command in (simulate, produce):
            bash(command.replace("localhost:9092", address), tmp_path, env)
        told = serve.replace("localhost:9092", address).replace("--port 8000", f"--port {port}")
        process = subprocess.Popen(
            ["bash", "-c", f"exec {told}"],
            cwd=tmp_path,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout.readline() == f"console: http://127.0.0.1:{port}/console/\n", process.stderr.read()
            token = process.stdout.readline().removeprefix("token: ").strip()
            wait(port, len((tmp_path / "data" / "requests.ndjson").read_text().splitlines()))
            script = "\nprintf '\\036'\n".join(asked).replace("127.0.0.1:8000", f"127.0.0.1:{port}")
            answers = bash(script.replace("rvn_TOKEN", token), tmp_path, env).split("\036")
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)
        assert process.returncode == 0
    _, listed, _, decided, rendered, undone = answers
    worst = json.loads(listed)["items"][0]
    assert worst["severity"] in {"high", "critical"}
    truth = json.loads((tmp_path / "data" / "truth.json").read_text())["campaigns"]
    assert set(worst["accounts"]) <= {a for ids in truth.values() for a in ids}
    assert json.loads(decided)["status"] == "confirmed"
    assert json.loads(decided)["id"] == worst["id"]
    assert worst["accounts"][0] in rendered
    assert json.loads(rendered)
    assert json.loads(undone)["status"] == "open"


def wait(port, records):
    for _ in range(1200):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
            text = answer.read().decode()
        if f'_exchanges_total{{outcome="accepted"}} {records}.0' in text and "\nrevenuer_lag_records 0.0" in text:
            return
        time.sleep(0.1)
    pytest.fail(f"the topic was not read: {text[:600]}")
