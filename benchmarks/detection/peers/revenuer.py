"""Revenuer itself: the command as a user runs it."""

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.detection.base import Case, Detections, Namer
from detector.evaluation.evaluate import detections
from detector.evaluation.inputs import read_alerts

HASH_KEY = "5"
"""Fixed, so that a run can be repeated; scores differ a little from key to key."""


@dataclass
class Revenuer(Namer):
    """Accounts that an alert at high or above names, each from that moment on.

    Attributes:
        label: the row of the table.
        rules: folder of rules instead of the shipped ones.
    """

    label: str = "Revenuer"
    rules: Path | None = None

    def name(self, case: Case) -> dict[str, Detections]:
        """Replay the log.

        Raises:
            subprocess.CalledProcessError: the command failed.
        """
        with tempfile.TemporaryDirectory() as out:
            facts = ["--accounts", str(case.accounts)] if case.accounts else []
            told = ["--events", str(case.events)] if case.events else []
            run = [sys.executable, "-c", "from detector.cli import main; main()", "replay", str(case.requests)]
            environment = os.environ | {"REVENUER_HASH_KEY": HASH_KEY}
            if self.rules:
                environment["REVENUER_RULES"] = str(self.rules)
            subprocess.run(
                [*run, *facts, *told, "--out", out, "--json"], env=environment, check=True, stdout=subprocess.DEVNULL
            )
            return {self.label: detections(read_alerts(Path(out) / "alerts.ndjson"))}
