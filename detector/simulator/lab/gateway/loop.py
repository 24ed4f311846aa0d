"""The loop as it is in life: accounts ask over HTTP, the gateway logs, Revenuer reads and recommends, the gateway refuses.

Nothing is known from files that a gateway would not have: `revenuer serve` reads what the gateway logged, once an hour of the world's
time, and what it recommends comes back as LiteLLM's calls. What was answered is what the student learns from.
"""

import json
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import httpx
import numpy as np
import uvicorn

from detector.evaluation.inputs import Truth, read_truth
from detector.simulator.generate import write
from detector.simulator.lab.attacks import moment, moments
from detector.simulator.lab.gateway.app import make_app
from detector.simulator.lab.gateway.asking import MODEL
from detector.simulator.lab.gateway.carrying import EXCHANGE, WorldGateway
from detector.simulator.lab.gateway.enforcer import Enforcer
from detector.simulator.lab.gateway.keys import Holder, Keys
from detector.simulator.lab.gateway.log import Log
from detector.simulator.lab.gateway.service import serving
from detector.simulator.lab.harvested import Asked, questions_in_order
from detector.simulator.lab.students import SAMPLED_AT
from detector.simulator.lab.transformer import Transformer
from detector.simulator.lab.watch import DetectorError
from detector.simulator.world import World

Json = dict[str, Any]
_DAY_S: Final = 86_400
_HOUR_S: Final = 3_600.0
_ADMIN: Final = "lab-admin"
_OK: Final = 200


@dataclass(frozen=True)
class Passed:
    """What came of a world's traffic.

    Attributes:
        harvest: questions of the attack in the order of asking, with what came back; None where nothing did.
        campaigns: by campaign, attack requests that the world answers, and how many the gateway did.
        innocents: by kind, requests of accounts in no campaign, and how many the gateway refused.
    """

    harvest: list[tuple[Asked, str | None]]
    campaigns: dict[str, tuple[int, int]]
    innocents: dict[str, tuple[int, int]]


def pass_through(world: World, seed: int, teacher: Transformer, folder: Path) -> Passed:
    """Sends a world's traffic through a gateway that Revenuer watches.

    Args:
        world: its last day is today, for recommendations of long ago bind nobody.
        seed: of the world and of the questions.
        teacher: who answers.
        folder: of all files; what is in it goes.

    Raises:
        DetectorError: the service fails.
        OSError: the folder cannot be written.
    """
    shutil.rmtree(folder, ignore_errors=True)
    write(_until_today(world), folder, seed)
    truth = read_truth(folder / "truth.json")
    exchanges = [json.loads(line) for line in (folder / "requests.ndjson").read_bytes().splitlines()]
    data = folder / "data"
    data.mkdir()
    shutil.copy(folder / "accounts.ndjson", data)
    log = folder / "gateway.ndjson"
    log.touch()
    clock = _Clock()
    holders = {f"sk-{e['account_id']}": Holder(e["account_id"], e["org_id"]) for e in exchanges}
    gateway = WorldGateway(teacher, Keys(holders, clock), Log(log), _ADMIN, clock)
    gateway.exchanges = {e["request_id"]: e for e in exchanges}
    with _listening(gateway) as url, serving(data) as service, httpx.Client(base_url=url, timeout=60) as client:
        enforcer = Enforcer(_manager(client), service.rendered)
        drive = _Drive(client, clock, truth, seed)
        with log.open("rb") as written:
            for hour in _by_hour(exchanges):
                drive.ask(hour)
                service.read(written.readlines())
                enforcer.apply(service.recommendations())
    return drive.passed()


def _until_today(world: World) -> World:
    midnight = int(time.time()) // _DAY_S * _DAY_S
    return replace(world, setting=replace(world.setting, start=float(midnight - world.setting.days * _DAY_S)))


def _by_hour(exchanges: list[Json]) -> Iterator[list[Json]]:
    hour: list[Json] = []
    for exchange in exchanges:
        if hour and exchange["ts"] // _HOUR_S != hour[0]["ts"] // _HOUR_S:
            yield hour
            hour = []
        hour.append(exchange)
    if hour:
        yield hour


class _Clock:
    """The world's time, epoch seconds."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class _Drive:
    """Asks what a world asks, in its order."""

    def __init__(self, client: httpx.Client, clock: _Clock, truth: Truth, seed: int) -> None:
        self._client, self._clock, self._seed = client, clock, seed
        self._kind = truth.archetype
        self._campaign = {a: name for name, accounts in truth.campaigns.items() for a in accounts}
        self._attack = moments(truth.attack_times)
        self._questions = questions_in_order(np.random.default_rng([seed, 7]), len(self._attack))
        self._harvest: list[tuple[Asked, str | None]] = []
        self._campaigns: dict[str, list[int]] = {name: [0, 0] for name in truth.campaigns}
        self._innocents: dict[str, list[int]] = {}

    def ask(self, exchanges: list[Json]) -> None:
        """Asks them one after the other."""
        for exchange in exchanges:
            self._clock.now = exchange["ts"]
            campaign = self._campaign.get(exchange["account_id"])
            hostile = (exchange["account_id"], moment(exchange["ts"])) in self._attack
            # Errors and embeddings show a student no reasoning.
            if hostile and campaign and exchange["status"] == _OK and exchange["operation"] != "embeddings":
                self._steal(exchange, campaign)
            else:
                refused = self._posted(exchange, exchange["prompt"] or "").status_code in {403, 429}
                if campaign is None:
                    counts = self._innocents.setdefault(self._kind.get(exchange["account_id"], "unknown"), [0, 0])
                    counts[0] += 1
                    counts[1] += refused and exchange["status"] == _OK

    def _steal(self, exchange: Json, campaign: str) -> None:
        asked = self._questions[len(self._harvest)]
        answer = self._posted(exchange, asked.text)
        content = answer.json()["choices"][0]["message"]["content"] if answer.status_code == _OK else None
        self._harvest.append((asked, content))
        self._campaigns[campaign][0] += 1
        self._campaigns[campaign][1] += content is not None

    def _posted(self, exchange: Json, text: str) -> httpx.Response:
        body = {
            "model": MODEL,
            "messages": [{"role": "user", "content": text}],
            "temperature": SAMPLED_AT,
            "seed": self._seed + len(self._harvest),
            "metadata": {EXCHANGE: exchange["request_id"]},
        }
        key = f"Bearer sk-{exchange['account_id']}"
        return self._client.post("/v1/chat/completions", json=body, headers={"Authorization": key})

    def passed(self) -> Passed:
        """What came of it."""
        campaigns = {name: (n, got) for name, (n, got) in self._campaigns.items()}
        innocents = {name: (n, refused) for name, (n, refused) in sorted(self._innocents.items())}
        return Passed(self._harvest, campaigns, innocents)


def _manager(client: httpx.Client) -> Callable[[str, Json], None]:
    def post(path: str, body: Json) -> None:
        answer = client.post(path, json=body, headers={"Authorization": f"Bearer {_ADMIN}"})
        if answer.is_error:
            raise DetectorError(f"the gateway refuses {path}: {answer.status_code}")

    return post


@contextmanager
def _listening(gateway: WorldGateway) -> Iterator[str]:
    """URL of the gateway, in a thread of this process, while it is needed."""
    server = uvicorn.Server(
        uvicorn.Config(make_app(gateway), log_level="warning", access_log=False, lifespan="off", ws="none")
    )
    # Named TCP, or asyncio leaves Nagle's algorithm on, and each answer takes 40 ms.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(20)
