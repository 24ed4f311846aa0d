"""`python -m detector.simulator.lab.gateway`: serves the shipped teacher on this machine."""

import json
import os
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from detector.simulator.lab.gateway.app import Gateway, make_app
from detector.simulator.lab.gateway.keys import Holder, Keys
from detector.simulator.lab.gateway.log import Log
from detector.simulator.lab.teacher import shipped

ADMIN = "REVENUER_LAB_ADMIN"


def read_keys(path: Path) -> Keys:
    """Keys of a file: one JSON object a line with `key`, `account_id` and, if need be, `org_id`.

    Raises:
        OSError: it cannot be read.
        ValueError: a line is no such object.
    """
    holders: dict[str, Holder] = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        try:
            row = json.loads(line)
            holders[row["key"]] = Holder(row["account_id"], row.get("org_id"))
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path}, line {number}: no key: {error}") from error
    return Keys(holders)


def main(
    keys: Annotated[Path, typer.Option(help="Keys, one JSON object a line: key, account_id, org_id")],
    log: Annotated[Path, typer.Option(help="File that requests are appended to")],
    port: Annotated[int, typer.Option(help="On the loopback address")] = 8811,
) -> None:
    """Serve the teacher; the secret of those who enforce is read from the environment."""
    admin = os.environ.get(ADMIN)
    if not admin:
        raise typer.BadParameter(f"set {ADMIN}")
    try:
        held = read_keys(keys)
    except (OSError, ValueError) as error:
        raise typer.BadParameter(str(error)) from error
    uvicorn.run(make_app(Gateway(shipped(), held, Log(log), admin)), host="127.0.0.1", port=port)


if __name__ == "__main__":
    typer.run(main)
