"""What the strength of its evasions buys each kind of campaign: recall and leak from none to all of them.

    python -m benchmarks.detection.curves [--world evasive] [--seed 5407] [--strengths 0 0.25 0.5 0.75 1] [--out FILE]

The world is played once a strength, with all evasions of every campaign at it, and with as much of each campaign's dilution: at 0
attackers hide nothing but what their kind is, at 1 everything that the world's file gives them is at its full strength. Each play is
replayed by the command, without the events, and evaluated at severity high and above. The last line is one JSON object.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from detector.evaluation.evaluate import Result
from detector.evaluation.inputs import read_truth
from detector.simulator.generate import write
from detector.simulator.lab.watch import evaluated, replay
from detector.simulator.world import World, load_world

STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
Curves = Mapping[str, Sequence[tuple[float, float]]]


def at(world: World, strength: float) -> World:
    """The world with all evasions at a strength, and that share of each campaign's dilution."""
    return replace(
        world,
        campaigns=[
            replace(plan, dilution=strength * plan.dilution, evasions=dict.fromkeys(plan.evasions, strength))
            for plan in world.campaigns
        ],
    )


def played(world: World, seed: int) -> Result:
    """The evaluation of one play."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(world, folder, seed)
        (folder / "events.ndjson").write_text("")  # nobody tells the detector
        replay(folder)
        return evaluated(folder, read_truth(folder / "truth.json"))


def table(strengths: Sequence[float], curves: Curves, kinds: Mapping[str, str]) -> str:
    """Markdown: one row a campaign, recall and leak at each strength."""
    head = "| campaign | kind | " + " | ".join(f"{s:g}" for s in strengths) + " |"
    lines = [head, "|---|---|" + "---:|" * len(strengths)]
    for label, points in sorted(curves.items()):
        cells = " | ".join(f"{recall:.2f} ({leak:.2f})" for recall, leak in points)
        lines.append(f"| {label} | {kinds[label]} | {cells} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Play, replay and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--world", default="evasive")
    parser.add_argument("--seed", type=int, default=5407)
    parser.add_argument("--strengths", type=float, nargs="+", default=STRENGTHS)
    parser.add_argument("--out", type=Path, help="file of the table")
    options = parser.parse_args(arguments)
    world = load_world(options.world)
    curves: dict[str, list[tuple[float, float]]] = {plan.name: [] for plan in world.campaigns}
    whole = []
    for strength in options.strengths:
        result = played(at(world, strength), options.seed)
        for label, points in curves.items():
            one = result.per_campaign[label]
            points.append((one.recall, one.leak))
        whole.append({name: getattr(result, name) for name in ("account_precision", "account_recall", "leak")})
        sys.stderr.write(f"strength {strength:g}: {whole[-1]}\n")
    text = table(options.strengths, curves, {plan.name: plan.kind for plan in world.campaigns})
    if options.out:
        options.out.write_text(text + "\n")
    print(text)
    print(json.dumps({"seed": options.seed, "strengths": options.strengths, "all": whole, "campaigns": curves}))


if __name__ == "__main__":
    main()
