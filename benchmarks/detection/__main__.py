"""Revenuer and its peers on the same worlds: one table.

    python -m benchmarks.detection [--world-dev DIR] [--worlds demo reported-2026 evasive] [--seed 911] [--scale 1] [--ablation]

Revenuer goes first. A method without a threshold of its own may then name as many accounts as Revenuer did in that world, at least
0.2 % of the active ones, and names its most suspicious: a budget of alerts, not a threshold read off the truth. A method that was
published with a threshold has a second row with that. Whatever is fitted is fitted without the kind of campaign that it is then
asked about, and to no labels but for the tree. The last line is one JSON object.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from benchmarks.detection.ablation import ABLATIONS
from benchmarks.detection.harness import Bench, Row
from benchmarks.detection.peers import PEERS, Revenuer
from benchmarks.detection.table import markdown
from benchmarks.detection.worlds import World, found, simulated

WORLDS = ("demo", "reported-2026", "evasive")


def main(arguments: Sequence[str] | None = None) -> None:
    """Compare and print."""
    options = _parser().parse_args(arguments)
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for row in compare(options, options.work or Path(scratch)):
            rows.append(row)
            _say(f"{row.world}: {row.method}: {row.flagged} named, precision {row.account_precision:.3f}")
            if options.out:
                options.out.write_text(markdown(rows) + "\n")
    print(markdown(rows))
    told = {"seed": options.seed, "scale": options.scale, "rows": rows}
    print(msgspec.json.encode(told).decode())


def compare(options: argparse.Namespace, work: Path) -> Iterator[Row]:
    """The rows of every world."""
    for number, world in enumerate(_worlds(options, work)):
        if number == 0:
            Revenuer().name(simulated("tiny", work, options.seed, 1.0).case)  # the first run compiles kernels
        bench = Bench(world)
        for row in bench.rows(Revenuer()):
            bench.spend(row.flagged)
            yield row
        for peer in () if options.only_ablation else PEERS:
            yield from bench.rows(peer())
        for ablation in ABLATIONS if options.ablation or options.only_ablation else ():
            yield from bench.rows(ablation)


def _worlds(options: argparse.Namespace, work: Path) -> Iterator[World]:
    if options.world_dev is None:
        _say("world-dev: no --world-dev DIR, skipped")
    elif not options.world_dev.is_dir():
        _say(f"world-dev: {options.world_dev} is no folder, skipped")
    else:
        yield found("world-dev", options.world_dev)
    for name in options.worlds:
        yield simulated(name, work, options.seed, options.scale)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given = os.environ.get("WORLD_DEV")
    parser.add_argument(
        "--world-dev",
        type=Path,
        default=Path(given) if given else None,
        help="a labelled world in a folder [WORLD_DEV]",
    )
    parser.add_argument("--worlds", nargs="*", default=list(WORLDS), help="of the simulator")
    parser.add_argument("--seed", type=int, default=911)
    parser.add_argument("--scale", type=float, default=1.0, help="factor on the accounts of simulated worlds")
    parser.add_argument("--ablation", action="store_true", help="also Revenuer without one kind of evidence at a time")
    parser.add_argument("--only-ablation", action="store_true", help="that, and no peers")
    parser.add_argument("--work", type=Path, help="where worlds are kept from run to run")
    parser.add_argument("--out", type=Path, help="also write the table there, row by row")
    return parser


if __name__ == "__main__":
    main()
