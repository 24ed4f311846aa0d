"""`revenuer validate`: the closed loop, on the command line."""

import importlib.util
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from detector.simulator.world import WorldError

FAILURE, USAGE = 1, 2


def validate(
    out: Annotated[Path, typer.Option(help="Folder of the results; a run that was cut goes on in it")],
    quick: Annotated[
        bool, typer.Option("--quick", help="Minutes instead of most of an hour: less of everything")
    ] = False,
    world: Annotated[str | None, typer.Option(help="A shipped world's name, or a YAML file")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the world, instead of its own")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes [default: one a core]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print validation.json")] = False,
) -> None:
    """Distil a student from what attackers harvest, with and without enforcement, and say what it gained."""
    if importlib.util.find_spec("torch") is None:
        _stop("needs torch: pip install 'revenuer[lab]'", USAGE)
    # Only now: the base install has no torch.
    from detector.simulator.lab.page import page  # noqa: PLC0415
    from detector.simulator.lab.plan import FULL, QUICK  # noqa: PLC0415
    from detector.simulator.lab.validation import validate as run  # noqa: PLC0415
    from detector.simulator.lab.watch import DetectorError  # noqa: PLC0415

    plan = QUICK if quick else FULL
    plan = replace(plan, world=world or plan.world, world_seed=seed, workers=workers or os.cpu_count() or 1)
    try:
        found = run(plan, out, _say).as_json()
        (out / "validation.json").write_text(json.dumps(found, indent=1) + "\n")
        (out / "validation.html").write_text(page(found))
    except WorldError as error:
        _stop(str(error), USAGE)
    except DetectorError as error:
        _stop(str(error), FAILURE)
    except OSError as error:
        _stop(f"{error.filename}: {error.strerror}", USAGE)
    sys.stdout.write(json.dumps(found) + "\n" if as_json else _summary(found, out))


def _summary(found: dict[str, Any], out: Path) -> str:
    lines = [
        f"teacher {found['teacher_accuracy']:.1%}, untrained student {found['untrained_accuracy']['mean']:.1%}",
        f"{found['exchanges_needed']:,} exchanges suffice, {found['budget']:,} were asked for",
        f"{'condition':<14}{'got':>8}{'accuracy':>11}{'gained':>9}",
    ]
    for name, each in found["students"].items():
        gained = found["gained"].get(name)
        share = f"{gained['mean']:.1%}" if gained else ""
        lines.append(f"{name:<14}{each['exchanges']:>8,}{each['accuracy']['mean']:>11.1%}{share:>9}")
    refused = found["benign_refused_share"]
    degraded = found["benign_degraded_share"]
    lines.append(
        f"benign requests refused: throttle {refused['throttle']:.3%}, suspend {refused['suspend']:.3%}; "
        f"without reasoning under degrade {degraded:.3%}"
    )
    lines += [
        f"{'reached' if g['met'] else 'missed':<9}{g['name']}: {g['measured']} ({g['wanted']})" for g in found["goals"]
    ]
    return "\n".join([*lines, f"report: {out / 'validation.html'}", ""])


def _say(line: str) -> None:
    sys.stderr.write(f"{line} …\n")


def _stop(message: str, code: int) -> NoReturn:
    sys.stderr.write(f"revenuer validate: {message}\n")
    raise typer.Exit(code)
