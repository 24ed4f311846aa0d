"""What the Dockerfile says is run: the command, the health check, and in full the steps that build the environment.

What no test does here is build an image.
"""

import os
import re
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from running import Deadline, free_port
from test_docker import FOLDER, ROOT, dockerfile, only

pytestmark = pytest.mark.slow
BUILDS_S = 600


def words(rest):
    return re.findall(r'"([^"]*)"', rest)


def pip_step(environment, cwd, number):
    """The pip command of a stage's RUN, in a fresh environment; mounts are where the command finds them anyway."""
    (step,) = [rest for rest in only("RUN") if re.search(r"\bpip (wheel|install)\b", rest)][number : number + 1]
    command = shlex.split(re.sub(r"--mount=\S+", "", step))
    command = [word.replace("/wheels", str(cwd.parent / "wheels")) for word in command]
    subprocess.run(
        [environment / "bin" / command[0], *command[1:]],
        cwd=cwd,
        check=True,
        capture_output=True,
        timeout=BUILDS_S,
        env={k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV"))},
    )


@pytest.fixture(params=["borrowed", pytest.param("built", marks=pytest.mark.soak)])
def image(request):
    """A folder with what the last stage would hold: an environment, this one or one built by its steps, and /data."""
    folder = Path(tempfile.mkdtemp(prefix="image-"))
    folder.chmod(0o755)
    (folder / "data").mkdir()
    who = {"borrowed": borrow, "built": build}[request.param](folder)
    yield folder, who
    shutil.rmtree(folder)


def borrow(folder):
    """This interpreter, with this checkout and its compiled kernels, which nobody else may write."""
    (folder / "final" / "bin").mkdir(parents=True)
    for name, arguments in (("revenuer", '-c "from detector.cli import main; main()"'), ("python", "")):
        script = folder / "final" / "bin" / name
        script.write_text(
            f'#!/bin/sh\nunset NUMBA_CACHE_DIR\nPYTHONPATH={shlex.quote(str(ROOT))} exec {sys.executable} {arguments} "$@"\n'
        )
        script.chmod(0o755)
    return {}


def build(folder):
    """The steps, one by one, in environments that have nothing else."""
    context = folder / "src"
    context.mkdir()
    for rest in only("COPY"):
        *names, _ = rest.split()
        for name in names:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, context / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, context)
    for number, name in enumerate(("build", "final")):
        subprocess.run([sys.executable, "-m", "venv", folder / name], check=True, timeout=120)
        pip_step(folder / name, context, number)
    shutil.rmtree(context)
    shutil.rmtree(folder / "build")
    shutil.rmtree(folder / "wheels")
    return nobody_else(folder)


def nobody_else(folder):
    """How to run as the image's user, where we may and where that user can reach the interpreter."""
    number, group = map(int, only("USER")[0].split(":"))
    base = Path(sys.base_prefix).resolve()
    if os.geteuid() != 0 or not all(p.stat().st_mode & stat.S_IXOTH for p in (base, *base.parents)):
        return {}
    os.chown(folder / "data", number, group)
    return {"user": number, "group": group, "extra_groups": []}


def environment(image):
    given = dict(re.findall(r"(\w+)=(\S+)", only("ENV")[0]))
    given = {name: value.replace("/data", str(image / "data")) for name, value in given.items()}
    return {"PATH": f"{image / 'final' / 'bin'}:/usr/bin:/bin", "HOME": "/nonexistent", **given}


def test_it_gets_a_token_serves_is_healthy_and_ends(image):
    image, who = image
    env, port = environment(image), free_port()
    start = [*words(only("ENTRYPOINT")[0]), *words(only("CMD")[0])]
    where = {"/data": str(image / "data"), "8000": str(port), "0.0.0.0": "127.0.0.1"}  # noqa: S104 - replaced
    start = [where.get(word, word) for word in start]
    start[0] = str(image / "final" / "bin" / start[0])
    ask = ["serve", "--data", str(image / "data"), "--new-token", "ops"]
    how = {"env": env, "cwd": "/", **who}
    made = subprocess.run([start[0], *ask], check=False, capture_output=True, text=True, timeout=120, **how)
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith("rvn_")
    check = words(only("HEALTHCHECK")[0].partition("CMD")[2])
    check = [check[0], check[1], check[2].replace(":8000", f":{port}")]
    with subprocess.Popen(start, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **how) as served:
        try:
            end = Deadline(180)
            while subprocess.run(check, env=env, check=False, capture_output=True, timeout=20).returncode != 0:
                assert served.poll() is None, served.stderr.read().decode()
                assert not end.passed
                time.sleep(0.5)
        finally:
            served.send_signal(signal.SIGTERM)
            said = served.communicate(timeout=20)
        assert served.returncode == 0, said
    assert f"console: http://127.0.0.1:{port}/console/" in said[0].decode()
    assert (image / "data" / "revenuer.db").exists()


def test_the_readme_says_how_the_first_token_is_made():
    said = (FOLDER / "README.md").read_text()
    assert "run --rm revenuer serve --data /data --new-token ops" in said
    assert [name for name, _ in dockerfile()].count("FROM") == 2
