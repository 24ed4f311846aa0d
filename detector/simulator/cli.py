"""`revenuer simulate`: labelled traffic, on the command line."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from detector.stop import failing, misuse


def simulate(
    world: Annotated[str, typer.Argument(help="A shipped world's name, or a YAML file")],
    out: Annotated[Path, typer.Option(help="Folder of the results")],
    seed: Annotated[int | None, typer.Option(min=0, help="Instead of the world's own")] = None,
    scale: Annotated[float, typer.Option(min=0.001, max=1000.0, help="Factor on numbers of accounts")] = 1.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object")] = False,
) -> None:
    """Write labelled traffic of a world: requests, accounts, events, truth."""
    from detector.simulator.generate import write
    from detector.simulator.world import WorldError, load_world

    with misuse(WorldError):
        played = load_world(world)
        out.mkdir(parents=True, exist_ok=True)
    with failing(out):
        made = write(played, out, seed, scale)
    said = {"exchanges": made.exchanges, "accounts": made.accounts, "hostile": made.hostile, "out": str(out)}
    sys.stdout.write(
        json.dumps(said) + "\n" if as_json else f"{made.exchanges:,} exchanges of {made.accounts:,} accounts in {out}\n"
    )
