"""`revenuer validate`: the closed loop, on the command line."""

import importlib.util
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from detector.stop import FAILURE, USAGE, stop


def validate(
    out: Annotated[Path, typer.Option(help="Folder of the results; a run that was cut goes on in it")],
    quick: Annotated[
        bool, typer.Option("--quick", help="Minutes instead of most of an hour: less of everything")
    ] = False,
    gateway: Annotated[
        bool, typer.Option("--gateway", help="Also quick: send a small world through the HTTP gateway and the service")
    ] = False,
    world: Annotated[str | None, typer.Option(help="A shipped world's name, or a YAML file")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the world, instead of its own")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes [default: one a core]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print validation.json")] = False,
) -> None:
    """Distil a student from what attackers harvest, with and without enforcement, and say what it gained."""
    if importlib.util.find_spec("torch") is None:
        stop("needs torch: pip install 'revenuer[lab]'", USAGE, "validate")
    # Only now: the base install has no torch.
    from detector.simulator.lab.page import page
    from detector.simulator.lab.plan import FULL, GATEWAY, QUICK
    from detector.simulator.lab.validation import validate as run
    from detector.simulator.lab.watch import DetectorError
    from detector.simulator.world import WorldError

    plan = QUICK if quick else FULL
    plan = replace(plan, world=world or plan.world, world_seed=seed, workers=workers or os.cpu_count() or 1)
    plan = replace(plan, gateway=GATEWAY) if gateway else plan
    try:
        found = run(plan, out, _say).as_json()
        (out / "validation.json").write_text(json.dumps(found, indent=1) + "\n")
        (out / "validation.html").write_text(page(found))
    except WorldError as error:
        stop(str(error), USAGE, "validate")
    except DetectorError as error:
        stop(str(error), FAILURE, "validate")
    except OSError as error:
        stop(f"{error.filename}: {error.strerror}", USAGE, "validate")
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
    for name, each in (found["adaptive"] or {}).items():
        last = each["last"]
        share = f"{last['gained']['mean']:.1%}" if last["gained"] else "–"
        lines.append(f"{name}, attacker that adapts: {last['passed_share']:.1%} passed, {share} gained")
    if each := found["gateway"]:
        share = "–" if each["gained"] is None else f"{each['gained']:.1%}"
        lines.append(f"through the gateway: {each['answered']:,} of {each['asked']:,} answered, {share} gained")
    lines += [
        f"{'reached' if g['met'] else 'missed':<9}{g['name']}: {g['measured']} ({g['wanted']})" for g in found["goals"]
    ]
    return "\n".join([*lines, f"report: {out / 'validation.html'}", ""])


def _say(line: str) -> None:
    sys.stderr.write(f"{line} …\n")
