"""`revenuer demo`: the main job on a world of our own."""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer


def demo(
    out: Annotated[Path | None, typer.Option(help="Folder of the results; a temporary one by default")] = None,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print one JSON object, of the run, the alerts and how right they are, and end"),
    ] = False,
) -> None:
    """Simulate a week with campaigns in it, find them, print the alerts and how many were right.

    On a terminal the service then stays up with the alerts in it, to be looked at. DEMO_SERVE=0 ends after printing them,
    DEMO_SERVE=1 stays up where there is no terminal, too; --json ends in any case.
    """
    from detector.config_cli import settings_of
    from detector.evaluation.cli import evaluate, result_of
    from detector.service.replay_cli import replayed, show, summaries
    from detector.service.serve_cli import serve_engine
    from detector.simulator.generate import write
    from detector.simulator.world import load_world
    from detector.stop import failing, misuse

    settings = settings_of(None)
    with misuse():
        folder = out or Path(tempfile.mkdtemp(prefix="revenuer-demo-"))
        folder.mkdir(parents=True, exist_ok=True)
    sys.stderr.write(f"Simulating a week of traffic in {folder} …\n")
    with failing(folder):
        made = write(load_world("demo"), folder)
    sys.stderr.write(
        f"{made.exchanges:,} exchanges, {made.hostile} of {made.accounts:,} accounts hostile. Replaying …\n"
    )
    run, done = replayed(
        [str(folder / "requests.ndjson")],
        folder / "found",
        settings,
        folder / "accounts.ndjson",
        folder / "events.ndjson",
    )
    alerts, truth = folder / "found" / "alerts.ndjson", folder / "truth.json"
    if as_json:
        said = {"out": str(folder), "run": run, "alerts": summaries(done), "evaluation": result_of(alerts, truth)}
        sys.stdout.write(json.dumps(said) + "\n")
        return
    show(run, done)
    evaluate(alerts, truth)
    wanted = os.environ.get("DEMO_SERVE", "")
    if wanted == "1" or (wanted != "0" and sys.stdout.isatty()):
        serve_engine(done.engine, folder / "service")
