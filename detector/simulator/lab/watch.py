"""A world and the detector that watches it, run the way a user would."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from detector.evaluation.evaluate import Result, evaluate
from detector.evaluation.inputs import Truth, read_alerts, read_sibling_traffic, read_truth
from detector.simulator.generate import write
from detector.simulator.lab.enforcement import Log, read_log
from detector.simulator.lab.orders import Order, orders_of, read_advice
from detector.simulator.lab.parts import Parts
from detector.simulator.world import load_world

_TOLD: Final = "recommendations.ndjson"
_REPLAY: Final = "from detector.cli import main; main()"
# By itself the detector draws a secret for its hashes, and what it finds depends on it a little.
HASH_KEY: Final = "20260224"


class DetectorError(RuntimeError):
    """The detector stopped with an error; one line."""


@dataclass(frozen=True)
class Watched:
    """What happened in a world and what the detector said.

    Attributes:
        log: the exchanges.
        orders: what a gateway is told, and when.
        truth: who attacked, with what, when.
        result: the evaluation, as `revenuer evaluate --json` gives it.
    """

    log: Log
    orders: list[Order]
    truth: Truth
    result: dict[str, Any]


def watch(world: str, seed: int | None, out: Path) -> Watched:
    """Simulates a world and replays its log, unless both are done already.

    Args:
        world: name or file.
        seed: instead of the world's own.
        out: folder of logs, alerts and truth.

    Raises:
        WorldError: there is no such world.
        DetectorError: the detector failed.
        OSError: the folder cannot be written.
    """
    played = load_world(world)
    asked = {
        "world": str(world),
        "seed": seed,
        "key": HASH_KEY,
        "kinds": played.population,
        "plans": [str(p) for p in played.campaigns],
        "told": _TOLD,
    }
    parts = Parts(out)
    if parts.find("done", asked) is None:
        made = write(played, out, seed)
        replay(out)
        parts.keep("done", asked, {"exchanges": made.exchanges})
    truth = read_truth(out / "truth.json")
    result = json.loads(json.dumps(msgspec.to_builtins(evaluated(out, truth))))
    return Watched(read_log(out / "requests.ndjson", truth), orders_in(out), truth, result)


def evaluated(out: Path, truth: Truth) -> Result:
    """What the replay of a folder's log is worth."""
    alerts = out / "found" / "alerts.ndjson"
    return evaluate(read_alerts(alerts), truth, read_sibling_traffic(alerts))


def orders_in(out: Path) -> list[Order]:
    """What a gateway was told over a folder's log."""
    return orders_of(read_advice(out / "found" / _TOLD))


def replay(out: Path) -> None:
    """Runs the detector over a folder's log; what it finds is in `found`.

    Raises:
        DetectorError: it stopped with an error.
    """
    told = ["--accounts", out / "accounts.ndjson", "--events", out / "events.ndjson", "--out", out / "found", "--json"]
    command = [sys.executable, "-c", _REPLAY, "replay", out / "requests.ndjson", *told]
    same = os.environ | {"REVENUER_HASH_KEY": HASH_KEY}
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False, env=same)  # noqa: S603 - our own command
    if done.returncode != 0:
        raise DetectorError(f"replay failed: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")
