"""`revenuer demo`: the main job on a world of our own."""

import os
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer


def demo(
    out: Annotated[Path | None, typer.Option(help="Folder of the results; a temporary one by default")] = None,
) -> None:
    """Simulate a week with campaigns in it, find them, print the alerts and how many were right.

    On a terminal the service then stays up with the alerts in it, to be looked at. DEMO_SERVE=0 ends after printing them,
    DEMO_SERVE=1 stays up where there is no terminal, too.
    """
    from detector.config import load_settings
    from detector.evaluation.cli import evaluate
    from detector.service.replay_cli import replayed, show
    from detector.service.serve_cli import serve_engine
    from detector.simulator.generate import write
    from detector.simulator.world import load_world

    folder = out or Path(tempfile.mkdtemp(prefix="revenuer-demo-"))
    sys.stderr.write(f"Simulating a week of traffic in {folder} …\n")
    made = write(load_world("demo"), folder)
    sys.stderr.write(
        f"{made.exchanges:,} exchanges, {made.hostile} of {made.accounts:,} accounts hostile. Replaying …\n"
    )
    run, done = replayed(
        [str(folder / "requests.ndjson")],
        folder / "found",
        load_settings(),
        folder / "accounts.ndjson",
        folder / "events.ndjson",
    )
    show(run, done)
    evaluate(folder / "found" / "alerts.ndjson", folder / "truth.json")
    wanted = os.environ.get("DEMO_SERVE", "")
    if wanted == "1" or (wanted != "0" and sys.stdout.isatty()):
        serve_engine(done.engine, folder / "service")
