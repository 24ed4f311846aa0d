"""The detector as the gateway's operator runs it: `revenuer serve`, reached by its API alone."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from detector.simulator.lab.watch import HASH_KEY, DetectorError

Json = dict[str, Any]
_SERVE: Final = "from detector.cli import main; main()"
_PATIENCE_S: Final = 120.0
_POLL_S: Final = 0.05
# One operator of a laboratory agrees to everything; the caps are for places where innocents pay for a mistake.
_ENFORCEMENT: Final = {"mode": "live", "accounts_an_hour": 1_000_000, "traffic_share": 1.0, "approvals": 1}


class Service:
    """A running service.

    Args:
        client: with its address, and a token that may do everything.
    """

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def read(self, lines: list[bytes]) -> None:
        """Posts exchanges and waits until they were looked at.

        Raises:
            DetectorError: it does not take them, or takes too long.
        """
        self._asked("POST", "/v1/ingest", content=b"".join(lines))
        deadline = time.monotonic() + _PATIENCE_S
        while self._metric("revenuer_lag_records") > 0:
            if time.monotonic() > deadline:
                raise DetectorError("the service is still behind")
            time.sleep(_POLL_S)

    def recommendations(self) -> list[Json]:
        """The current ones of actionable alerts; those that wait for people are agreed to first."""
        current = self._listed()
        waiting = [made for made in current if made["dry_run"]]
        for made in waiting:
            self._asked("POST", f"/v1/recommendations/{made['id']}/approve")
        return self._listed() if waiting else current

    def rendered(self, recommendation: str) -> Json:
        """A recommendation in LiteLLM's form."""
        return self._asked("GET", f"/v1/recommendations/{recommendation}", params={"format": "litellm"})

    def _listed(self) -> list[Json]:
        out: list[Json] = []
        more: dict[str, str] = {}
        while True:
            page = self._asked("GET", "/v1/recommendations", params={"severity": "high", "limit": "100"} | more)
            out += page["items"]
            if page["next"] is None:
                return out
            more = {"cursor": page["next"]}

    def _asked(
        self, method: str, path: str, params: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> Json:
        answer = self._client.request(method, path, params=params, content=content)
        while answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
            time.sleep(float(answer.headers.get("Retry-After", "1")))
            answer = self._client.request(method, path, params=params, content=content)
        if answer.is_error:
            raise DetectorError(f"{method} {path}: {answer.status_code}")
        found: Json = answer.json()
        return found

    def _metric(self, name: str) -> float:
        answer = self._client.get("/metrics")
        found = [line for line in answer.text.splitlines() if line.startswith(f"{name} ")]
        if answer.is_error or not found:
            raise DetectorError(f"GET /metrics: {answer.status_code}, no {name}")
        return float(found[0].split()[-1])


@contextmanager
def serving(data: Path) -> Iterator[Service]:
    """A service on a free port of this machine, for a while.

    Args:
        data: its folder, with the account file.

    Raises:
        DetectorError: it does not start.
    """
    same = {"REVENUER_HASH_KEY": HASH_KEY, "REVENUER_ENFORCEMENT": json.dumps(_ENFORCEMENT), "PYTHONUNBUFFERED": "1"}
    same["REVENUER_LITELLM_ACCOUNT"] = "key"  # each account of the gateway is one
    command = [sys.executable, "-c", _SERVE, "serve", "--data", str(data), "--port", "0"]
    with (data.parent / "serve.log").open("w") as log, _process(command, os.environ | same, log.fileno()) as process:
        url, token = (_said(process, start) for start in ("console: ", "token: "))
        # Lest it waits for somebody to read what else it says.
        threading.Thread(target=process.communicate, daemon=True).start()
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.Client(base_url=url.removesuffix("/console/"), headers=headers, timeout=_PATIENCE_S) as client:
            yield Service(client)


@contextmanager
def _process(command: list[str], env: Mapping[str, str], log: int) -> "Iterator[subprocess.Popen[str]]":
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=env)  # noqa: S603 - our own
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


def _said(process: "subprocess.Popen[str]", start: str) -> str:
    line = process.stdout.readline() if process.stdout else ""
    if not line.startswith(start):
        raise DetectorError(f"the service does not start: {line.strip() or 'no message'}")
    return line.removeprefix(start).strip()
